// Reading from a real SMB share.
#include "tests/hostsim/disk/share_source.h"
#include "tests/hostsim/disk/smb_session.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kFileNotFound = 0x80070002;
constexpr std::uint32_t kHandleEnd = 0x80070026;
constexpr unsigned long kSparseAttribute = 0x200;

class SmbSource final : public SourceFile {
public:
    SmbSource(std::shared_ptr<SmbSession> session, const std::string& path)
        : session_(std::move(session)), url_(session_->url(path)) {
        const std::lock_guard lock{smb_library_mutex()};
        SMBCCTX* context = session_->context();
        file_ = smbc_getFunctionOpen(context)(context, url_.c_str(), O_RDONLY, 0);
        if (file_ == nullptr && errno == ENOENT) {
            throw TargetFailure{kFileNotFound,
                                url_ + ": the system cannot find the file specified"};
        }
        if (file_ == nullptr) fail_smb(url_);
        struct stat status {};
        if (smbc_getFunctionFstat(context)(context, file_, &status) == 0) {
            size_ = static_cast<std::uint64_t>(status.st_size);
        }
    }
    SmbSource(const SmbSource&) = delete;
    SmbSource& operator=(const SmbSource&) = delete;
    ~SmbSource() override {
        if (file_ == nullptr) return;
        const std::lock_guard lock{smb_library_mutex()};
        smbc_getFunctionClose(session_->context())(session_->context(), file_);
    }

    std::uint64_t size() const override { return size_; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        const std::lock_guard lock{smb_library_mutex()};
        SMBCCTX* context = session_->context();
        const off_t where =
            smbc_getFunctionLseek(context)(context, file_, static_cast<off_t>(offset), SEEK_SET);
        if (where < 0) fail_smb(url_);
        while (!target.empty()) {
            const ssize_t count =
                smbc_getFunctionRead(context)(context, file_, target.data(), target.size());
            if (count < 0) fail_smb(url_);
            if (count == 0) throw TargetFailure{kHandleEnd, "The end of the file was reached."};
            target = target.subspan(static_cast<std::size_t>(count));
        }
    }

private:
    std::shared_ptr<SmbSession> session_;  ///< Shared by the source and its open files.
    std::string url_;
    SMBCFILE* file_ = nullptr;
    std::uint64_t size_ = 0;
};

class SmbShareSource final : public ShareSource {
public:
    explicit SmbShareSource(const SmbTargetOptions& options)
        : session_(std::make_shared<SmbSession>(options)) {}

    std::unique_ptr<SourceFile> open(const std::string& path) const override {
        return std::make_unique<SmbSource>(session_, path);
    }
    std::optional<SourceFacts> find(const std::string& path) const override {
        const std::lock_guard lock{smb_library_mutex()};
        SMBCCTX* context = session_->context();
        const std::string url = session_->url(path);
        struct stat status {};
        if (smbc_getFunctionStat(context)(context, url.c_str(), &status) < 0) {
            if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
            fail_smb(url);
        }
        SourceFacts facts{.size_bytes = static_cast<std::uint64_t>(status.st_size),
                          .changed = status.st_mtim.tv_sec,
                          .is_directory = S_ISDIR(status.st_mode)};
        char mode[32] = {};
        const int length = smbc_getFunctionGetxattr(context)(
            context, url.c_str(), "system.dos_attr.mode", mode, sizeof mode - 1);
        if (length > 0) {
            facts.is_sparse = (std::strtoul(mode, nullptr, 0) & kSparseAttribute) != 0;
        }
        return facts;
    }
    void remove(const std::string& path) const override {
        const std::lock_guard lock{smb_library_mutex()};
        const std::string url = session_->url(path);
        SMBCCTX* context = session_->context();
        if (smbc_getFunctionUnlink(context)(context, url.c_str()) < 0) fail_smb(url);
    }
    std::filesystem::path local_path(const std::string&) const override { return {}; }

private:
    std::shared_ptr<SmbSession> session_;
};

}  // namespace

std::unique_ptr<ShareSource> make_smb_source(const SmbTargetOptions& options) {
    return std::make_unique<SmbShareSource>(options);
}

}  // namespace entrepot::hostsim

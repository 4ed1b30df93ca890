// Writing to a real SMB share.
#include "tests/hostsim/disk/smb_session.h"

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace entrepot::hostsim {
namespace {

class SmbFile final : public TargetFile {
public:
    SmbFile(std::shared_ptr<SmbSession> session, const std::string& path)
        : session_(std::move(session)), url_(session_->url(path)) {
        const std::lock_guard lock{smb_library_mutex()};
        file_ = smbc_getFunctionOpen(session_->context())(session_->context(), url_.c_str(),
                                                          O_WRONLY | O_CREAT | O_EXCL, 0640);
        if (file_ == nullptr) fail_smb(url_);
    }
    SmbFile(const SmbFile&) = delete;
    SmbFile& operator=(const SmbFile&) = delete;
    ~SmbFile() override {
        if (file_ == nullptr) return;
        const std::lock_guard lock{smb_library_mutex()};
        smbc_getFunctionClose(session_->context())(session_->context(), file_);
    }

    void write(std::uint64_t offset, ByteView data) override {
        const std::lock_guard lock{smb_library_mutex()};
        SMBCCTX* context = session_->context();
        if (smbc_getFunctionLseek(context)(context, file_, static_cast<off_t>(offset), SEEK_SET) <
            0) {
            fail_smb(url_);
        }
        while (!data.empty()) {
            const ssize_t count =
                smbc_getFunctionWrite(context)(context, file_, data.data(), data.size());
            if (count <= 0) fail_smb(url_);
            data = data.subspan(static_cast<std::size_t>(count));
        }
    }
    void truncate(std::uint64_t size_bytes) override {
        const std::lock_guard lock{smb_library_mutex()};
        SMBCCTX* context = session_->context();
        if (smbc_getFunctionFtruncate(context)(context, file_, static_cast<off_t>(size_bytes)) <
            0) {
            fail_smb(url_);
        }
    }
    void close() override {
        const std::lock_guard lock{smb_library_mutex()};
        SMBCCTX* context = session_->context();
        if (smbc_getFunctionClose(context)(context, std::exchange(file_, nullptr)) < 0)
            fail_smb(url_);
    }

private:
    std::shared_ptr<SmbSession> session_;  ///< Shared by the target and its open files.
    std::string url_;
    SMBCFILE* file_ = nullptr;
};

class SmbTarget final : public ShareTarget {
public:
    explicit SmbTarget(const SmbTargetOptions& options)
        : session_(std::make_shared<SmbSession>(options)) {}

    void make_directories(const std::string& path) override {
        std::string step;
        for (const auto& part : std::filesystem::path{path}) {
            step += (step.empty() ? "" : "/") + part.string();
            const std::string url = session_->url(step);
            const std::lock_guard lock{smb_library_mutex()};
            SMBCCTX* context = session_->context();
            if (smbc_getFunctionMkdir(context)(context, url.c_str(), 0750) < 0 && errno != EEXIST) {
                fail_smb(url);
            }
        }
    }
    std::unique_ptr<TargetFile> create(const std::string& path) override {
        return std::make_unique<SmbFile>(session_, path);
    }

private:
    std::shared_ptr<SmbSession> session_;
};

}  // namespace

std::unique_ptr<ShareTarget> make_smb_target(const SmbTargetOptions& options) {
    return std::make_unique<SmbTarget>(options);
}

}  // namespace entrepot::hostsim

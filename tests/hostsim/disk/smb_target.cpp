// A real SMB share through libsmbclient, with the host's own account.
#include "tests/hostsim/disk/share_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libsmbclient.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

namespace entrepot::hostsim {
namespace {

// libsmbclient keeps state of its process; one call at a time is safe.
std::mutex& library_mutex() {
    static std::mutex mutex;
    return mutex;
}

std::uint32_t hresult_of(int error) {
    switch (error) {
        case ENOENT:
            return 0x80070003;
        case EACCES:
        case EPERM:
            return 0x80070005;
        case EEXIST:
            return 0x80070050;
        case ENOSPC:
            return 0x80070070;
        case ECONNREFUSED:
        case EHOSTUNREACH:
        case ETIMEDOUT:
            return 0x80070035;
        case ENODEV:
            return 0x80070043;
        case EPIPE:
        case ECONNRESET:
        case ECONNABORTED:
        case ENOTCONN:
            return 0x80070040;
        default:
            return 0x8007003B;
    }
}

[[noreturn]] void fail(const std::string& url) {
    const int error = errno;
    throw TargetFailure{hresult_of(error), fmt::format("{}: {}", url, std::strerror(error))};
}

std::string percent_encode(const std::string& text) {
    std::string result;
    for (const char c : text) {
        const bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                              (c >= '0' && c <= '9') || c == '/' || c == '-' || c == '_' ||
                              c == '.';
        result += is_plain ? std::string{c} : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return result;
}

void copy_text(char* target, int length, const std::string& text) {
    std::snprintf(target, static_cast<std::size_t>(length), "%s", text.c_str());
}

class Session {
public:
    explicit Session(const SmbTargetOptions& options) : options_(options) {
        const std::lock_guard lock{library_mutex()};
        context_ = smbc_new_context();
        if (context_ == nullptr) throw TargetFailure{0x8007000E, "no SMB context"};
        smbc_setOptionUserData(context_, this);
        smbc_setFunctionAuthDataWithContext(context_, &Session::give_login);
        smbc_setPort(context_, options_.port);
        smbc_setOptionSmbEncryptionLevel(context_, SMBC_ENCRYPTLEVEL_REQUEST);
        if (smbc_init_context(context_) == nullptr) {
            smbc_free_context(context_, 1);
            throw TargetFailure{0x8007000E, "no SMB context"};
        }
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
        const std::lock_guard lock{library_mutex()};
        smbc_free_context(context_, 1);
    }

    std::string url(const std::string& path) const {
        return fmt::format("smb://{}:{}/{}{}{}", options_.server, options_.port,
                           percent_encode(options_.share), path.empty() ? "" : "/",
                           percent_encode(path));
    }
    SMBCCTX* context() { return context_; }

private:
    static void give_login(SMBCCTX* context, const char*, const char*, char*, int, char* user,
                           int user_length, char* password, int password_length) {
        const auto* self = static_cast<const Session*>(smbc_getOptionUserData(context));
        copy_text(user, user_length, self->options_.user);
        copy_text(password, password_length, self->options_.password);
    }

    SmbTargetOptions options_;
    SMBCCTX* context_ = nullptr;
};

class SmbFile final : public TargetFile {
public:
    SmbFile(std::shared_ptr<Session> session, const std::string& path)
        : session_(std::move(session)), url_(session_->url(path)) {
        const std::lock_guard lock{library_mutex()};
        file_ = smbc_getFunctionOpen(session_->context())(session_->context(), url_.c_str(),
                                                          O_WRONLY | O_CREAT | O_EXCL, 0640);
        if (file_ == nullptr) fail(url_);
    }
    SmbFile(const SmbFile&) = delete;
    SmbFile& operator=(const SmbFile&) = delete;
    ~SmbFile() override {
        if (file_ == nullptr) return;
        const std::lock_guard lock{library_mutex()};
        smbc_getFunctionClose(session_->context())(session_->context(), file_);
    }

    void write(std::uint64_t offset, ByteView data) override {
        const std::lock_guard lock{library_mutex()};
        SMBCCTX* context = session_->context();
        if (smbc_getFunctionLseek(context)(context, file_, static_cast<off_t>(offset), SEEK_SET) <
            0) {
            fail(url_);
        }
        while (!data.empty()) {
            const ssize_t count =
                smbc_getFunctionWrite(context)(context, file_, data.data(), data.size());
            if (count <= 0) fail(url_);
            data = data.subspan(static_cast<std::size_t>(count));
        }
    }
    void truncate(std::uint64_t size_bytes) override {
        const std::lock_guard lock{library_mutex()};
        SMBCCTX* context = session_->context();
        if (smbc_getFunctionFtruncate(context)(context, file_, static_cast<off_t>(size_bytes)) <
            0) {
            fail(url_);
        }
    }
    void close() override {
        const std::lock_guard lock{library_mutex()};
        SMBCCTX* context = session_->context();
        if (smbc_getFunctionClose(context)(context, std::exchange(file_, nullptr)) < 0) fail(url_);
    }

private:
    std::shared_ptr<Session> session_;  ///< Shared by the target and its open files.
    std::string url_;
    SMBCFILE* file_ = nullptr;
};

class SmbTarget final : public ShareTarget {
public:
    explicit SmbTarget(const SmbTargetOptions& options)
        : session_(std::make_shared<Session>(options)) {}

    void make_directories(const std::string& path) override {
        std::string step;
        for (const auto& part : std::filesystem::path{path}) {
            step += (step.empty() ? "" : "/") + part.string();
            const std::string url = session_->url(step);
            const std::lock_guard lock{library_mutex()};
            SMBCCTX* context = session_->context();
            if (smbc_getFunctionMkdir(context)(context, url.c_str(), 0750) < 0 && errno != EEXIST) {
                fail(url);
            }
        }
    }
    std::unique_ptr<TargetFile> create(const std::string& path) override {
        return std::make_unique<SmbFile>(session_, path);
    }

private:
    std::shared_ptr<Session> session_;
};

}  // namespace

std::unique_ptr<ShareTarget> make_smb_target(const SmbTargetOptions& options) {
    return std::make_unique<SmbTarget>(options);
}

}  // namespace entrepot::hostsim

// Sessions, addresses and errors of libsmbclient.
#include "tests/hostsim/disk/smb_session.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace entrepot::hostsim {
namespace {

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
        case EBUSY:
            return 0x80070020;
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

}  // namespace

std::mutex& smb_library_mutex() {
    static std::mutex mutex;
    return mutex;
}

void fail_smb(const std::string& url) {
    const int error = errno;
    throw TargetFailure{hresult_of(error), fmt::format("{}: {}", url, std::strerror(error))};
}

SmbSession::SmbSession(const SmbTargetOptions& options) : options_(options) {
    const std::lock_guard lock{smb_library_mutex()};
    context_ = smbc_new_context();
    if (context_ == nullptr) throw TargetFailure{0x8007000E, "no SMB context"};
    smbc_setOptionUserData(context_, this);
    smbc_setFunctionAuthDataWithContext(context_, &SmbSession::give_login);
    smbc_setPort(context_, options_.port);
    smbc_setOptionSmbEncryptionLevel(context_, SMBC_ENCRYPTLEVEL_REQUEST);
    if (smbc_init_context(context_) == nullptr) {
        smbc_free_context(context_, 1);
        throw TargetFailure{0x8007000E, "no SMB context"};
    }
}

SmbSession::~SmbSession() {
    const std::lock_guard lock{smb_library_mutex()};
    smbc_free_context(context_, 1);
}

std::string SmbSession::url(const std::string& path) const {
    return fmt::format("smb://{}:{}/{}{}{}", options_.server, options_.port,
                       percent_encode(options_.share), path.empty() ? "" : "/",
                       percent_encode(path));
}

void SmbSession::give_login(SMBCCTX* context, const char*, const char*, char*, int, char* user,
                            int user_length, char* password, int password_length) {
    const auto* self = static_cast<const SmbSession*>(smbc_getOptionUserData(context));
    copy_text(user, user_length, self->options_.user);
    copy_text(password, password_length, self->options_.password);
}

}  // namespace entrepot::hostsim

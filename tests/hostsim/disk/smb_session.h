// A login at a real SMB server through libsmbclient, with the host's own account.
#pragma once

#include "tests/hostsim/disk/share_target.h"

#include <libsmbclient.h>

#include <mutex>
#include <string>

namespace entrepot::hostsim {

/// libsmbclient keeps state of its process; one call at a time is safe.
std::mutex& smb_library_mutex();

/// Throws TargetFailure with errno as Windows numbers it.
[[noreturn]] void fail_smb(const std::string& url);

class SmbSession {
public:
    explicit SmbSession(const SmbTargetOptions& options);
    SmbSession(const SmbSession&) = delete;
    SmbSession& operator=(const SmbSession&) = delete;
    ~SmbSession();

    std::string url(const std::string& path) const;
    SMBCCTX* context() { return context_; }

private:
    static void give_login(SMBCCTX* context, const char*, const char*, char*, int, char* user,
                           int user_length, char* password, int password_length);

    SmbTargetOptions options_;
    SMBCCTX* context_ = nullptr;
};

}  // namespace entrepot::hostsim

// A Kerberos realm with a KDC of its own on a loopback port, for as long as the object lives. The
// process finds it through its environment, and so do programs that it starts.
#pragma once

#include "tests/support/temporary_directory.h"

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::test {

/// ENTREPOT.TEST; localhost and *.entrepot.test belong to it.
class KerberosRealm {
public:
    /// True if the package krb5-kdc is installed.
    static bool is_available();

    /// Throws if the KDC does not come up.
    KerberosRealm();
    KerberosRealm(const KerberosRealm&) = delete;
    KerberosRealm& operator=(const KerberosRealm&) = delete;
    ~KerberosRealm();

    /// `name` without realm; `options` as kadmin's addprinc takes them.
    void add_user(const std::string& name, const std::string& password,
                  const std::string& options = {}) const;
    /// With a random key, which goes into the keytab. Of a user it replaces the password.
    std::filesystem::path add_keytab(const std::string& principal) const;
    void add_service(const std::string& principal) const;
    /// One command of kadmin.local.
    void administer(const std::string& command) const;

    void stop_kdc();
    void start_kdc();
    /// Where kinit puts tickets and where a login without password looks for them.
    std::filesystem::path ticket_cache() const { return directory_.path() / "cache"; }
    std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }

private:
    TemporaryDirectory directory_;
    int port_ = 0;
    pid_t kdc_ = -1;
};

/// Runs a program to its end and gives its exit status; `input` is what it reads.
int run_program(const std::vector<std::string>& words, const std::string& input = {});

}  // namespace entrepot::test

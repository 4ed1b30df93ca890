// Who is asking: Basic, and Negotiate with NTLM (wsman.md section 11).
#pragma once

#include "base/json.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::hostsim {

struct User {
    std::string name;  ///< HV01\backup
    std::string password;
    std::vector<std::string> groups;

    std::string domain() const;
    std::string account() const;
    bool may_use_wsman() const;
    bool sees_virtual_machines() const;
};

struct LoginOptions {
    std::vector<User> users;
    bool allows_basic = true;
    bool allows_negotiate = true;
};

/// What one Authorization header led to.
struct LoginStep {
    const User* user = nullptr;  ///< Set when the login is complete.
    std::string token;           ///< Base64, for WWW-Authenticate: Negotiate.
};

/// The security context of one connection.
class Authenticator {
public:
    explicit Authenticator(const LoginOptions& options);
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;
    ~Authenticator();

    /// A header that comes again starts over.
    LoginStep step(const std::string& authorization);
    /// The user of an earlier complete Negotiate login on this connection; nullptr if none.
    const User* connection_user() const { return connection_user_; }
    void forget() { connection_user_ = nullptr; }

    /// The schemes for a 401, one header each.
    std::vector<std::string> offers() const;

    /// Writes the passwords where gss-ntlmssp looks for them and tells it so. Once per process,
    /// before any thread.
    static void prepare_ntlm(const std::filesystem::path& file, const std::vector<User>& users);

private:
    class Context;
    LoginStep step_basic(const std::string& credentials) const;
    LoginStep step_negotiate(const std::string& token);
    const User* find_user(const std::string& name) const;

    const LoginOptions& options_;
    std::unique_ptr<Context> context_;
    const User* connection_user_ = nullptr;
};

}  // namespace entrepot::hostsim

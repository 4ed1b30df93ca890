// Who is asking: Basic, client certificates, and Negotiate with NTLM or Kerberos (wsman.md section
// 11).
#pragma once

#include "base/json.h"
#include "tests/hostsim/wire/acceptor.h"
#include "tests/hostsim/wire/encrypted_message.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::hostsim {

struct User {
    std::string name;  ///< HV01\backup, or backup@CORP.EXAMPLE.
    std::string password;
    std::vector<std::string> groups;
    std::string certificate_digest{};  ///< SHA-256, hex: who shows it is this user. May be empty.
    /// UAC: a local administrator whose remote token is filtered sees no VMs, and gets no error.
    bool is_token_filtered = false;

    std::string domain() const;
    std::string account() const;
    bool may_use_wsman() const;
    bool sees_virtual_machines() const;
};

/// winrm/config/service/auth: CbtHardeningLevel.
enum class CbtHardening { none, relaxed, strict };

struct LoginOptions {
    std::vector<User> users{};
    bool allows_basic = false;  ///< As on Windows.
    bool allows_negotiate = true;
    bool allows_certificate = false;
    std::filesystem::path keytab{};  ///< Empty: no Kerberos.
    CbtHardening cbt = CbtHardening::relaxed;
    std::string channel_binding{};  ///< Of our own certificate; set when that is known.
    bool has_tabs = true;           ///< In sealed answers.
};

/// What came with one request besides its body.
struct LoginEvidence {
    std::string authorization;
    std::string certificate_digest;  ///< Of the client's certificate; empty: none was shown.
    bool is_tls = true;
};

/// What one Authorization header led to.
struct LoginStep {
    const User* user = nullptr;  ///< Set when the login is complete.
    std::string challenge{};     ///< For WWW-Authenticate: scheme and token; may be empty.
    bool is_kerberos = false;
};

/// The security context of one connection.
class Authenticator {
public:
    explicit Authenticator(const LoginOptions& options);
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;
    ~Authenticator();

    /// A header that comes again starts over.
    LoginStep step(const LoginEvidence& evidence);
    /// The user of an earlier complete Negotiate login on this connection; nullptr if none.
    const User* connection_user() const { return connection_user_; }
    void forget();

    /// Opens a body of that type with the connection's context. Nullopt for one that the service
    /// answers by closing the connection.
    std::optional<std::string> open(const std::string& content_type, const std::string& body);
    /// Seals an answer's body; `content_type` becomes that of the result.
    std::string seal(const std::string& plain, std::string& content_type);

    /// The schemes for a 401, one header each.
    std::vector<std::string> offers() const;

    /// Writes the passwords where gss-ntlmssp looks for them, and tells it and the Kerberos library
    /// where their secrets are. Once per process, before any thread.
    static void prepare(const std::filesystem::path& ntlm_file, const LoginOptions& options);

private:
    LoginStep step_basic(const std::string& credentials) const;
    LoginStep step_token(const std::string& scheme, const LoginEvidence& evidence);
    void finish(LoginStep& step, bool is_tls);
    const User* find_user(const std::string& name) const;

    const LoginOptions& options_;
    std::unique_ptr<Acceptor> acceptor_;
    const User* connection_user_ = nullptr;
    bool is_kerberos_scheme_ = false;
};

}  // namespace entrepot::hostsim

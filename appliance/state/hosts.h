// The Hyper-V hosts that the appliance knows, with their sealed passwords.
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::state {

/// What a person says about a host.
struct HostDraft {
    std::string name{};
    std::string url{};             ///< https://HOST:5986/wsman
    std::string authentication{};  ///< "negotiate", "ntlm", "kerberos", "basic", "certificate".
    std::string user{};
    std::string ca_file{};     ///< Path; at most one of ca_file and pin.
    std::string pin_sha256{};  ///< 64 hexadecimal digits; kept in lower case.
    std::string share{};       ///< Name of its share; empty: the only one there is.
    std::string service{};     ///< Kerberos' name of the host's service: "HTTP", "WSMAN", ...
    std::string secret_kind = "password";  ///< What is sealed: "password", "keytab", "key".
    std::string client_certificate{};      ///< PEM; its key is what is sealed.
    bool seals_messages = false;           ///< Encrypted by the login; over http they must be.
};

struct HostRecord {
    std::string id;  ///< GUID in lower case, ours, random.
    HostDraft draft;
    bool has_password = false;
    WallTime created{};
};

/// The setting that tells how often a host refused our account; it goes with the host.
std::string login_refusals_setting(std::string_view host_id);

class HostStore {
public:
    HostStore(Database& database, Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}

    /// Error{already_exists} for a name in use, Error{invalid} naming the field for a bad value.
    HostRecord add(const HostDraft& draft);
    /// As add(), with the password, or the bytes that secret_kind says, sealed under
    /// `credential_key` in the same transaction.
    HostRecord add(const HostDraft& draft, const Secret& password, const Secret& credential_key);
    void update(const std::string& id, const HostDraft& draft);
    /// As update(), with the secret in the same transaction; what is known of refused logins of the
    /// former one is forgotten.
    void update(const std::string& id, const HostDraft& draft, const Secret& password,
                const Secret& credential_key);
    void set_password(const std::string& id, const Secret& password, const Secret& credential_key);
    /// Empty if the host has none. Error{unauthenticated} if the key is not the right one.
    Secret read_password(const std::string& id, const Secret& credential_key);

    /// By name.
    std::vector<HostRecord> list();
    /// By id or name.
    std::optional<HostRecord> find(std::string_view id_or_name);
    /// As find(); Error{not_found} with a hint.
    HostRecord get(std::string_view id_or_name);
    /// Takes what was last seen of its VMs, exclusions, flags, residue and its account on the share
    /// along; the recovery points stay in the repository. Error{not_found}.
    void remove(const std::string& id);

private:
    void update_in(Poco::Data::Session& session, const std::string& id, const HostDraft& draft);
    HostRecord insert(const HostDraft& draft, const std::string& id, const std::string& sealed);

    Database& database_;
    Clock& clock_;
    Random& random_;
};

}  // namespace entrepot::state

// Tickets for one login with Kerberos: fetched with the Kerberos library itself, because through
// SPNEGO each failure reads "cannot find mechanisms to negotiate" (wsman 11).
#pragma once

#include "base/secret.h"
#include "exporter/wsman/login_error.h"

#include <memory>
#include <string>

namespace entrepot::wsman {

struct KerberosOptions {
    std::string user{};  ///< user@REALM, DOMAIN\user, or user of the default realm; may be empty.
    Secret password{};   ///< Empty together with keytab: the process's own ticket cache.
    Secret keytab{};     ///< Content of a keytab file.
    std::string service{};  ///< "HTTP", "WSMAN", "host" or SERVICE/HOST[@REALM].
    std::string target_host{};
};

/// A ticket cache that holds a ticket for the service; gone with the object if it is our own.
class KerberosTicket {
public:
    virtual ~KerberosTicket() = default;
    /// As GSSAPI's credential store names it, for example "MEMORY:x".
    virtual std::string cache_name() const = 0;
    /// SERVICE/HOST@REALM; the realm is empty where the KDC decides.
    virtual std::string service_name() const = 0;
};

/// Asks the KDC for both tickets, once. Throws LoginError.
std::unique_ptr<KerberosTicket> fetch_kerberos_ticket(const KerberosOptions& options);

/// Whether `negotiate` should try Kerberos for this user at this host before NTLM: not for an IP
/// address (unless the service names a host), not for what looks like an account of the host.
bool is_kerberos_likely(const std::string& user, const std::string& target_host,
                        const std::string& service);

}  // namespace entrepot::wsman

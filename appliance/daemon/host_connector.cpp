// Names of the database as values of the exporter.
#include "appliance/daemon/host_connector.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::daemon {
namespace {

hyperv::Authentication parse_authentication(const std::string& name) {
    if (name == "negotiate") return hyperv::Authentication::negotiate;
    if (name == "ntlm") return hyperv::Authentication::ntlm;
    if (name == "kerberos") return hyperv::Authentication::kerberos;
    if (name == "basic") return hyperv::Authentication::basic;
    if (name == "certificate") return hyperv::Authentication::certificate;
    throw Error{ErrorCode::invalid, fmt::format("unknown authentication \"{}\"", name)};
}

}  // namespace

hyperv::Connection make_connection(const state::HostRecord& host, const Secret& secret) {
    const state::HostDraft& draft = host.draft;
    hyperv::Connection connection;
    connection.url = draft.url;
    connection.authentication = parse_authentication(draft.authentication);
    connection.user = draft.user;
    if (draft.secret_kind == "keytab") {
        connection.keytab = secret;
    } else if (draft.secret_kind == "key") {
        connection.client_key = secret;
    } else {
        connection.password = secret;
    }
    connection.service = draft.service;
    connection.client_certificate = draft.client_certificate;
    if (draft.seals_messages) {
        const bool has_tls = draft.url.starts_with("https://");
        connection.encryption =
            has_tls ? hyperv::MessageEncryption::always : hyperv::MessageEncryption::over_http;
    }
    connection.ca_file = draft.ca_file;
    connection.pin_sha256 = draft.pin_sha256;
    return connection;
}

}  // namespace entrepot::daemon

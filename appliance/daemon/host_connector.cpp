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

hyperv::Connection make_connection(const state::HostRecord& host, const Secret& password) {
    hyperv::Connection connection;
    connection.url = host.draft.url;
    connection.authentication = parse_authentication(host.draft.authentication);
    connection.user = host.draft.user;
    connection.password = password;
    connection.ca_file = host.draft.ca_file;
    connection.pin_sha256 = host.draft.pin_sha256;
    return connection;
}

}  // namespace entrepot::daemon

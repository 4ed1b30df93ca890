// Putting the layers of a connection on top of each other.
#include "exporter/hyperv/wsman_connection.h"

#include "base/error.h"
#include "exporter/wsman/curl_transport.h"

namespace entrepot::hyperv {
namespace {

wsman::Scheme scheme_of(Authentication authentication) {
    switch (authentication) {
        case Authentication::negotiate:
            return wsman::Scheme::negotiate;
        case Authentication::ntlm:
            return wsman::Scheme::ntlm;
        case Authentication::basic:
            return wsman::Scheme::basic;
        case Authentication::kerberos:
            throw Error{ErrorCode::unsupported, "logging in with Kerberos is not supported yet",
                        "Use --auth negotiate, which logs in with NTLM over TLS."};
        case Authentication::certificate:
            throw Error{ErrorCode::unsupported,
                        "logging in with a client certificate is not supported yet",
                        "Use --auth negotiate, which logs in with NTLM over TLS."};
    }
    throw Error{ErrorCode::internal, "an unknown way to log in"};
}

std::unique_ptr<wsman::Transport> make_transport(const Connection& connection) {
    return wsman::make_curl_transport({.url = connection.url,
                                       .ca_file = connection.ca_file,
                                       .pin_sha256 = connection.pin_sha256});
}

}  // namespace

WsmanConnection::WsmanConnection(const World& world, const Connection& connection)
    : WsmanConnection(world, connection, make_transport(connection)) {}

WsmanConnection::WsmanConnection(const World& world, const Connection& connection,
                                 std::unique_ptr<wsman::Transport> transport)
    : transport_(std::move(transport)) {
    wsman::Transport* outermost = transport_.get();
    if (!connection.record_directory.empty()) {
        recorder_.emplace(file_system_, *transport_, connection.record_directory);
        outermost = &*recorder_;
    }
    session_.emplace(world.clock, *outermost,
                     wsman::Credentials{.scheme = scheme_of(connection.authentication),
                                        .user = connection.user,
                                        .password = connection.password,
                                        .target_host = wsman::host_of_url(connection.url)});
    wsman::ClientOptions options;
    options.url = connection.url;
    client_.emplace(wsman::ClientWorld{world.clock, random_, world.log}, *session_, options);
}

}  // namespace entrepot::hyperv

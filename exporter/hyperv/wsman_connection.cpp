// Putting the layers of a connection on top of each other.
#include "exporter/hyperv/wsman_connection.h"

#include "base/error.h"
#include "exporter/wsman/curl_transport.h"
#include "exporter/wsman/limits.h"

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
            return wsman::Scheme::kerberos;
        case Authentication::certificate:
            return wsman::Scheme::certificate;
    }
    throw Error{ErrorCode::internal, "an unknown way to log in"};
}

std::unique_ptr<wsman::Transport> make_transport(const Connection& connection) {
    const bool is_https_only = connection.encryption == MessageEncryption::https_only;
    const bool has_certificate = connection.authentication == Authentication::certificate;
    if (has_certificate && connection.client_certificate.empty()) {
        throw Error{ErrorCode::invalid, "the host has no client certificate to log in with",
                    "Give one with --certificate and --key."};
    }
    return wsman::make_curl_transport(
        {.url = connection.url,
         .ca_file = connection.ca_file,
         .pin_sha256 = connection.pin_sha256,
         .client_certificate = has_certificate ? connection.client_certificate : "",
         .client_key = has_certificate ? connection.client_key : Secret{},
         .plain_http = is_https_only ? wsman::PlainHttp::forbidden : wsman::PlainHttp::allowed,
         .local_names = connection.allows_local_names ? wsman::LocalNames::allowed
                                                      : wsman::LocalNames::forbidden});
}

wsman::Credentials credentials_of(const Connection& connection) {
    return {.scheme = scheme_of(connection.authentication),
            .user = connection.user,
            .password = connection.password,
            .target_host = wsman::host_of_url(connection.url),
            .keytab = connection.keytab,
            .service = connection.service,
            .sealing = connection.encryption == MessageEncryption::always
                           ? wsman::Sealing::always
                           : wsman::Sealing::where_needed,
            .inner_headers = connection.indents_inner_headers ? wsman::InnerHeaders::with_tab
                                                              : wsman::InnerHeaders::without_tab,
            .channel_binding = connection.binds_channel ? wsman::ChannelBinding::sent
                                                        : wsman::ChannelBinding::left_out};
}

}  // namespace

WsmanConnection::WsmanConnection(const World& world, const Connection& connection)
    : WsmanConnection(world, connection, make_transport(connection)) {}

WsmanConnection::WsmanConnection(const World& world, const Connection& connection,
                                 std::unique_ptr<wsman::Transport> transport)
    : gate_(connection.gate), transport_(std::move(transport)) {
    const wsman::Credentials credentials = credentials_of(connection);
    session_.emplace(world.clock, *transport_, credentials);
    if (!connection.record_directory.empty()) {
        recorder_.emplace(file_system_, connection.record_directory,
                          wsman::redactor_of(credentials.target_host, credentials.user));
        session_->observe(*recorder_);
    }
    wsman::ClientOptions options;
    options.url = connection.url;
    options.gate = gate_.get();
    if (!connection.waits_out_quotas) options.quota_patience = wsman::limits::kQuotaPatienceShort;
    if (gate_ != nullptr) session_->share(*gate_);
    client_.emplace(wsman::ClientWorld{world.clock, random_, world.log}, *session_, options);
}

}  // namespace entrepot::hyperv

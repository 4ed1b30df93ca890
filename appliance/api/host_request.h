// What a request says of a host: its secret, its CA, where it may be.
#pragma once

#include "appliance/api/decode.h"
#include "appliance/api/services.h"
#include "appliance/state/hosts.h"

#include "base/secret.h"

#include <optional>
#include <string>

namespace entrepot::api {

/// PEM text; nullopt if it is not spoken of.
std::optional<std::string> read_host_ca(ObjectReader& reader);

/// Keeps the CA's text in a file of ours, and returns its path. Error{invalid} for what is none.
std::string store_host_ca(const std::string& pem, Services& services);

/// The one secret that is to be sealed, empty if there is none; what kind it is, and the client
/// certificate that belongs to it, go into the draft. Error{invalid} for several.
Secret read_host_secret(ObjectReader& reader, state::HostDraft& draft);

/// Over the network a host must not be this machine itself (F-WB-14): Error{access_denied}.
void check_host_target(const std::string& url, const Request& request, Services& services);

/// Error{not_found} for a share that nobody added; empty is the only one there is.
void check_host_share(const std::string& share, Services& services);

}  // namespace entrepot::api

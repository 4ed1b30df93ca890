// What our HTTP servers refuse although Poco's parser lets it through: everything that two parsers
// could read differently.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Poco::Net {
class HTTPRequest;
}

namespace entrepot::daemon {

/// Why a request's head is refused, with the status to answer.
struct HeadFault {
    int status = 400;
    std::string reason;
};

/// Which names a Host header may have. An IP address is always fine: DNS rebinding, which this
/// defends against, needs a name.
struct HostNames {
    /// Lower case, without port; "*.example.org" is any name one label below.
    std::vector<std::string> names;
    bool allow_any = false;  ///< On the local socket, where no browser comes.
};

/// Refuses: a version other than 1.0 and 1.1, HTTP/1.1 without exactly one Host, a Host that is not
/// ours, Content-Length twice, negative, not a number or beyond `body_bytes_max` (413), together
/// with Transfer-Encoding, a Transfer-Encoding other than one "chunked", a header name that is no
/// token, a target that is not an absolute path.
std::optional<HeadFault> check_head(const Poco::Net::HTTPRequest& request, const HostNames& hosts,
                                    std::uint64_t body_bytes_max);

/// "example.org:8443" without its port; "[::1]:8443" as "[::1]".
std::string_view host_without_port(std::string_view host);

}  // namespace entrepot::daemon

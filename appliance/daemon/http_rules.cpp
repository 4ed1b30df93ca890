// Head checks after RFC 9112: reject, do not repair.
#include "appliance/daemon/http_rules.h"

#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/IPAddress.h>
#include <Poco/String.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace entrepot::daemon {
namespace {

using Poco::Net::HTTPRequest;

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

bool is_token(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kTokenMarks.find(c) != std::string_view::npos;
    });
}

std::vector<std::string> values_of(const HTTPRequest& request, const std::string& name) {
    std::vector<std::string> values;
    for (const auto& [key, value] : request) {
        if (Poco::icompare(key, name) == 0) values.push_back(value);
    }
    return values;
}

std::optional<HeadFault> check_length(const HTTPRequest& request, std::uint64_t body_bytes_max) {
    const auto lengths = values_of(request, "Content-Length");
    const auto codings = values_of(request, "Transfer-Encoding");
    if (lengths.size() > 1) return HeadFault{400, "Content-Length is given twice"};
    if (codings.size() > 1) return HeadFault{400, "Transfer-Encoding is given twice"};
    if (!lengths.empty() && !codings.empty()) {
        return HeadFault{400, "Content-Length and Transfer-Encoding together"};
    }
    if (!codings.empty() && Poco::icompare(codings.front(), "chunked") != 0) {
        return HeadFault{501, "a Transfer-Encoding other than chunked"};
    }
    if (!codings.empty() && request.getVersion() != HTTPRequest::HTTP_1_1) {
        return HeadFault{400, "Transfer-Encoding in a version that has none"};
    }
    if (lengths.empty()) return std::nullopt;
    const std::string& text = lengths.front();
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (text.empty() || text.front() == '-' || error != std::errc{} ||
        end != text.data() + text.size()) {
        return HeadFault{400, "Content-Length is not a number"};
    }
    if (length > body_bytes_max) {
        return HeadFault{413, fmt::format("the body has more than {} bytes", body_bytes_max)};
    }
    return std::nullopt;
}

bool is_address(std::string_view host) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    Poco::Net::IPAddress ignored;
    return Poco::Net::IPAddress::tryParse(std::string{host}, ignored);
}

bool is_name_of(std::string_view name, std::string_view own) {
    if (!own.starts_with("*.")) return name == own;
    const std::size_t dot = name.find('.');
    return dot != std::string_view::npos && dot > 0 && name.substr(dot) == own.substr(1);
}

std::optional<HeadFault> check_host(const HTTPRequest& request, const HostNames& hosts) {
    const auto values = values_of(request, "Host");
    if (values.size() > 1) return HeadFault{400, "Host is given twice"};
    if (values.empty() && request.getVersion() == HTTPRequest::HTTP_1_1) {
        return HeadFault{400, "HTTP/1.1 without Host"};
    }
    if (hosts.allow_any || values.empty()) return std::nullopt;
    const std::string name = Poco::toLower(std::string{host_without_port(values.front())});
    if (is_address(name)) return std::nullopt;
    if (std::ranges::any_of(hosts.names,
                            [&](const std::string& own) { return is_name_of(name, own); })) {
        return std::nullopt;
    }
    return HeadFault{421,
                     "this appliance is not known under that name; server.names in its "
                     "configuration adds names, and its address works always"};
}

}  // namespace

std::string_view host_without_port(std::string_view host) {
    const std::size_t bracket = host.rfind(']');
    const std::size_t colon = host.rfind(':');
    if (colon == std::string_view::npos) return host;
    if (bracket != std::string_view::npos && colon < bracket) return host;
    return host.substr(0, colon);
}

std::optional<HeadFault> check_head(const HTTPRequest& request, const HostNames& hosts,
                                    std::uint64_t body_bytes_max) {
    const std::string& version = request.getVersion();
    if (version != HTTPRequest::HTTP_1_1 && version != HTTPRequest::HTTP_1_0) {
        return HeadFault{505, "a version other than HTTP/1.1"};
    }
    for (const auto& [name, value] : request) {
        if (!is_token(name)) return HeadFault{400, "a header name that is no token"};
        if (value.find('\0') != std::string::npos) return HeadFault{400, "a NUL in a header"};
    }
    if (request.getURI().empty() || request.getURI().front() != '/') {
        return HeadFault{400, "the target is not an absolute path"};
    }
    if (auto fault = check_host(request, hosts)) return fault;
    return check_length(request, body_bytes_max);
}

}  // namespace entrepot::daemon

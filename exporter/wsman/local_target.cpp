// Numeric hosts are read by the resolver itself, so that 0x7f.1 and 2130706433 are what they are.
#include "exporter/wsman/local_target.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

namespace entrepot::wsman {
namespace {

std::string_view authority_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return url.substr(0, url.find_first_of("/?#\\"));
}

std::string host_of(std::string_view authority) {
    std::string host;
    if (authority.starts_with('[')) {
        host = authority.substr(1, authority.find(']') - 1);
    } else {
        host = authority.substr(0, authority.rfind(':'));
    }
    std::transform(host.begin(), host.end(), host.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    while (host.ends_with('.'))
        host.pop_back();
    return host;
}

bool is_local_v4(std::uint32_t address) {
    const std::uint32_t first = address >> 24;
    const bool is_link_local = (address >> 16) == 0xA9FE;  // 169.254.0.0/16
    return first == 0 || first == 127 || first >= 224 || is_link_local;
}

bool is_local_v6(const in6_addr& address) {
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &address, bytes.size());
    const bool is_mapped =
        std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; }) &&
        bytes[10] == bytes[11] && (bytes[10] == 0xFF || bytes[10] == 0);
    if (is_mapped) {
        std::uint32_t inner = 0;
        for (std::size_t i = 12; i < bytes.size(); ++i)
            inner = (inner << 8) | bytes[i];
        return is_local_v4(inner);  // "::" and "::1" are 0.0.0.0 and 0.0.0.1 here.
    }
    return bytes[0] == 0xFF || (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80);
}

}  // namespace

bool is_local_address(const sockaddr& address) {
    if (address.sa_family == AF_INET6) {
        return is_local_v6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
    }
    if (address.sa_family != AF_INET) return true;
    return is_local_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
}

bool is_local_target(std::string_view url) {
    const std::string_view authority = authority_of(url);
    if (authority.find('@') != std::string_view::npos) return true;
    const std::string host = host_of(authority);
    if (host.empty() || host == "localhost" || host.ends_with(".localhost")) return true;
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;  // A name.
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list{found, &::freeaddrinfo};
    return is_local_address(*found->ai_addr);
}

}  // namespace entrepot::wsman

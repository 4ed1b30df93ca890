// Names and sockets; the only file that knows getaddrinfo.
#include "exporter/wsman/probe_socket.h"

#include "base/error.h"
#include "exporter/wsman/limits.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

namespace entrepot::wsman {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

struct Resolved {
    int code = 0;
    AddressList list{nullptr, &::freeaddrinfo};
};

Resolved ask_resolver(const std::string& host, const std::string& port, int flags) {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = flags;
    addrinfo* raw = nullptr;
    Resolved resolved;
    resolved.code =
        ::getaddrinfo(host.c_str(), port.empty() ? nullptr : port.c_str(), &wanted, &raw);
    if (resolved.code == 0) resolved.list.reset(raw);
    return resolved;
}

std::string text_of(const sockaddr* address, socklen_t length) {
    std::array<char, NI_MAXHOST> text{};
    const int code =
        ::getnameinfo(address, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
    return code == 0 ? std::string{text.data()} : std::string{"?"};
}

PortState state_of(int error) {
    switch (error) {
        case 0:
            return PortState::open;
        case ECONNREFUSED:
        case ECONNRESET:
            return PortState::refused;
        case ETIMEDOUT:
            return PortState::silent;
        default:  // No route, no address of that family, not permitted.
            return PortState::unroutable;
    }
}

std::string_view words_of(PortState state) {
    switch (state) {
        case PortState::open:
            return "open";
        case PortState::refused:
            return "refused";
        case PortState::silent:
            return "no answer";
        case PortState::unroutable:
            return "no way there";
    }
    return "";
}

// Zero, or errno of the attempt.
int connect_one(const addrinfo& address, Socket& socket, const std::stop_token& stop) {
    socket = Socket{::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                             address.ai_protocol)};
    if (socket.get() < 0) return errno;
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    std::chrono::milliseconds left = limits::kConnectTimeout;
    if (!wait_for(socket.get(), Wait::writable, left, stop)) return ETIMEDOUT;
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
    return error;
}

bool is_more_telling(PortState one, PortState other) {
    const auto rank = [](PortState state) {
        switch (state) {
            case PortState::open:
                return 3;
            case PortState::refused:
                return 2;
            case PortState::silent:
                return 1;
            case PortState::unroutable:
                return 0;
        }
        return 0;
    };
    return rank(one) > rank(other);
}

}  // namespace

Socket::~Socket() {
    if (handle_ >= 0) ::close(handle_);
}

bool wait_for(int handle, Wait what, std::chrono::milliseconds& left, const std::stop_token& stop) {
    constexpr std::chrono::milliseconds kStep{100};  // How soon a stop is seen.
    const short wanted = what == Wait::readable ? POLLIN : POLLOUT;
    while (left.count() > 0) {
        if (stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
        pollfd waiting{handle, wanted, 0};
        const auto step = std::min(left, kStep);
        const int ready = ::poll(&waiting, 1, static_cast<int>(step.count()));
        left -= step;  // Also for a short wait: what comes in crumbs must end in time, too.
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return true;  // The next call on it tells what is wrong.
    }
    return false;
}

NameReport resolve_name(const std::string& host) {
    NameReport report;
    if (ask_resolver(host, {}, AI_NUMERICHOST).code == 0) {
        report.state = NameState::is_address;
        report.addresses.push_back(host);
        return report;
    }
    const Resolved resolved = ask_resolver(host, {}, 0);
    if (resolved.code != 0) {
        // Broken resolvers, and this machine's own trouble, are no statement about the name.
        const bool is_unknown = resolved.code == EAI_NONAME || resolved.code == EAI_NODATA;
        report.state = is_unknown ? NameState::unknown : NameState::no_answer;
        report.detail = ::gai_strerror(resolved.code);
        return report;
    }
    for (const addrinfo* one = resolved.list.get(); one != nullptr; one = one->ai_next) {
        const std::string text = text_of(one->ai_addr, one->ai_addrlen);
        const auto& known = report.addresses;
        if (std::find(known.begin(), known.end(), text) == known.end()) {
            report.addresses.push_back(text);
        }
        if (known.size() >= limits::kProbedAddressesMax) break;
    }
    return report;
}

Connected connect_to(const std::string& host, std::uint16_t port, std::stop_token stop) {
    Connected best;
    const Resolved resolved = ask_resolver(host, fmt::format("{}", port), AI_NUMERICSERV);
    if (resolved.code != 0) {
        best.report.state = PortState::unroutable;
        best.report.detail = ::gai_strerror(resolved.code);
        return best;
    }
    std::string detail;
    std::size_t tried = 0;
    for (const addrinfo* one = resolved.list.get();
         one != nullptr && tried < limits::kProbedAddressesMax; one = one->ai_next, ++tried) {
        Socket socket;
        const int error = connect_one(*one, socket, stop);
        const PortState state = state_of(error);
        const std::string address = text_of(one->ai_addr, one->ai_addrlen);
        detail += fmt::format("{}{} port {}: {}", detail.empty() ? "" : "; ", address, port,
                              words_of(state));
        if (error != 0) detail += fmt::format(" ({})", std::system_category().message(error));
        if (tried == 0 || is_more_telling(state, best.report.state)) {
            best.report.state = state;
            best.report.address = address;
        }
        if (state != PortState::open) continue;
        best.socket = std::move(socket);
        break;
    }
    best.report.detail = detail;
    return best;
}

}  // namespace entrepot::wsman

// See samba_service.h.
#include "appliance/share/samba_service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>

namespace entrepot::share {
namespace {

// An administrator waits for the answer.
constexpr std::chrono::seconds kActMax{30};
constexpr timeval kConnectTimeout{2, 0};

bool can_connect(int family, const sockaddr* address, socklen_t size) {
    const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return false;
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kConnectTimeout, sizeof kConnectTimeout);
    const bool is_there = ::connect(socket, address, size) == 0;
    ::close(socket);
    return is_there;
}

}  // namespace

bool is_tcp_port_taken(const std::string& address, std::uint16_t port) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
        if (v4.sin_addr.s_addr == htonl(INADDR_ANY)) v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return can_connect(AF_INET, reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) != 1) return false;
    if (std::memcmp(&v6.sin6_addr, &in6addr_any, sizeof in6addr_any) == 0) {
        v6.sin6_addr = in6addr_loopback;
    }
    return can_connect(AF_INET6, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

SambaService::SambaService(const SambaEnvironment& environment, SambaPlaces places,
                           std::function<void()> on_look)
    : supervisor_(environment, std::move(places)), on_look_(std::move(on_look)) {}

SambaService::~SambaService() {
    stop();
}

void SambaService::start() {
    const std::scoped_lock lock{mutex_};
    if (is_started_) return;
    is_started_ = true;
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void SambaService::stop() {
    {
        const std::scoped_lock lock{mutex_};
        is_started_ = false;
    }
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

bool SambaService::is_started() const {
    const std::scoped_lock lock{mutex_};
    return is_started_;
}

void SambaService::want(WantedSamba wanted) {
    const std::uint64_t wish = supervisor_.want(std::move(wanted));
    std::unique_lock lock{mutex_};
    if (!is_started_) return;
    has_wish_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, kActMax,
                      [&] { return supervisor_.acted_on() >= wish || !is_started_; });
}

void SambaService::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const std::chrono::milliseconds pause = supervisor_.look();
        if (on_look_) on_look_();
        std::unique_lock lock{mutex_};
        changed_.notify_all();
        changed_.wait_for(lock, stop, pause, [&] { return has_wish_; });
        has_wish_ = false;
    }
    supervisor_.shut_down();
    changed_.notify_all();
}

}  // namespace entrepot::share

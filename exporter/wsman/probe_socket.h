// A TCP connection of the network probe: opened without blocking, so that it ends in time.
#pragma once

#include "exporter/wsman/network_probe.h"

#include <chrono>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::wsman {

/// A descriptor that is closed with the object; -1 for none.
class Socket {
public:
    Socket() = default;
    explicit Socket(int handle) : handle_(handle) {}
    Socket(Socket&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket();
    int get() const { return handle_; }

private:
    int handle_ = -1;
};

struct Connected {
    PortReport report;
    Socket socket;  ///< Non-blocking; none unless the port is open.
};

/// Tries the host's addresses one after the other. Throws Error{cancelled}.
Connected connect_to(const std::string& host, std::uint16_t port, std::stop_token stop);

enum class Wait { readable, writable };
/// False when the time is over; what was waited is taken from `left`. Throws Error{cancelled}.
bool wait_for(int handle, Wait what, std::chrono::milliseconds& left, const std::stop_token& stop);

/// What the resolver says; the raw addresses lie in the report as text.
NameReport resolve_name(const std::string& host);

}  // namespace entrepot::wsman

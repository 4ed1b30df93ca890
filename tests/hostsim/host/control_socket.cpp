// The UNIX socket in the state directory: one request and one answer per connection.
#include "base/error.h"
#include "tests/hostsim/host/control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <thread>
#include <utility>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kMessageBytesMax = 4 * kMiB;

class Descriptor {
public:
    explicit Descriptor(int value) : value_(value) {
        if (value_ < 0) throw Error{ErrorCode::io, std::strerror(errno)};
    }
    Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (value_ >= 0) ::close(value_);
    }
    int get() const { return value_; }

private:
    int value_;
};

/// The directory is entered through /proc, since a socket's path has room for 107 bytes only.
class SocketAddress {
public:
    explicit SocketAddress(const std::filesystem::path& socket)
        : directory_(::open(socket.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
        const std::string path =
            fmt::format("/proc/self/fd/{}/{}", directory_.get(), socket.filename().string());
        address_.sun_family = AF_UNIX;
        std::snprintf(address_.sun_path, sizeof address_.sun_path, "%s", path.c_str());
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
    static constexpr socklen_t size() { return sizeof(sockaddr_un); }

private:
    Descriptor directory_;
    sockaddr_un address_{};
};

std::string read_all(int socket) {
    std::string text;
    char chunk[16384];
    for (;;) {
        const ssize_t count = ::read(socket, chunk, sizeof chunk);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0 || text.size() > kMessageBytesMax) return text;
        text.append(chunk, static_cast<std::size_t>(count));
    }
}

void write_all(int socket, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t count = ::send(socket, text.data() + done, text.size() - done, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;
        done += static_cast<std::size_t>(count);
    }
    ::shutdown(socket, SHUT_WR);
}

Json error_json(const char* code, const std::string& message) {
    return {{"error", {{"code", code}, {"message", message}}}};
}

std::string answer(Control& control, const std::string& request) {
    try {
        const Json words = parse_json(request, "command");
        return dump_json(control.run(words.get<std::vector<std::string>>()), 1);
    } catch (const Error& error) {
        return dump_json(error_json(std::string{to_string(error.code())}.c_str(), error.what()));
    } catch (const std::exception& error) {
        return dump_json(error_json("invalid", error.what()));
    }
}

}  // namespace

class ControlServer::Impl {
public:
    Impl(const std::filesystem::path& socket, Control& control)
        : control_(control), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        std::filesystem::remove(socket);
        const SocketAddress address{socket};
        const bool is_bound = ::bind(listener_.get(), address.get(), SocketAddress::size()) == 0 &&
                              ::listen(listener_.get(), 16) == 0;
        if (!is_bound) {
            throw Error{ErrorCode::io,
                        fmt::format("{}: {}", socket.string(), std::strerror(errno))};
        }
        thread_ = std::jthread{[this](const std::stop_token& stop) { serve(stop); }};
    }

private:
    void serve(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            pollfd waiting{listener_.get(), POLLIN, 0};
            if (::poll(&waiting, 1, 100) <= 0) continue;
            const int accepted = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (accepted < 0) continue;
            const Descriptor client{accepted};
            write_all(client.get(), answer(control_, read_all(client.get())));
        }
    }

    Control& control_;
    Descriptor listener_;
    std::jthread thread_;
};

ControlServer::ControlServer(const std::filesystem::path& socket, Control& control)
    : impl_(std::make_unique<Impl>(socket, control)) {}

ControlServer::~ControlServer() = default;

int run_control_client(const std::filesystem::path& state, const std::vector<std::string>& words) {
    const Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const SocketAddress address{state / "control.sock"};
    if (::connect(socket.get(), address.get(), SocketAddress::size()) != 0) {
        throw Error{ErrorCode::unreachable, fmt::format("no simulator runs on {}", state.string())};
    }
    write_all(socket.get(), dump_json(Json(words)));
    const std::string text = read_all(socket.get());
    std::cout << text << '\n';
    const Json json = parse_json(text, "answer");
    return json.contains("error") ? 1 : 0;
}

}  // namespace entrepot::hostsim

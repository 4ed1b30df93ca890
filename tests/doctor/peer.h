// Something that listens where a host should, and is none, or stands before one.
#pragma once

#include "tests/doctor/certificate_maker.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace entrepot::test {

/// What a peer does with a connection that it took.
struct PeerWish {
    /// Empty: plain TCP. The identity must live as long as the peer.
    const Identity* identity = nullptr;
    bool only_old_tls = false;  ///< TLS 1.1 at most.
    /// Answers each request (head and body) with raw bytes; empty: closes instead.
    std::function<std::string(const std::string& request)> answer{};
    /// Forwards what was decrypted to this TLS port on 127.0.0.1, as an inspecting proxy does.
    std::uint16_t forwards_to = 0;
    bool closes_at_once = false;
};

/// Listens on a loopback address of its own until it goes; one thread a connection.
class Peer {
public:
    /// `port` 0: a free one.
    explicit Peer(PeerWish wish, const std::string& address = "127.0.0.1", std::uint16_t port = 0);
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer();

    std::uint16_t port() const { return port_; }

private:
    void serve();
    void serve_connection(int connection);
    void serve_requests(const std::function<int(char*, int)>& read,
                        const std::function<void(const std::string&)>& write);
    void forward(void* stream, int connection);

    PeerWish wish_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> is_stopping_ = false;
    std::vector<std::jthread> connections_;
    std::jthread thread_;
};

/// An HTTP answer with a body.
std::string http_answer(const std::string& status, const std::string& headers = {},
                        const std::string& body = {});

}  // namespace entrepot::test

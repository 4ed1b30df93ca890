// Sockets and OpenSSL straight: the point is to do what no library would.
#include "tests/doctor/peer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <stdexcept>

namespace entrepot::test {
namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Stream = std::unique_ptr<SSL, decltype(&SSL_free)>;

Context make_context(const PeerWish& wish) {
    Context context{SSL_CTX_new(TLS_server_method()), &SSL_CTX_free};
    if (wish.only_old_tls) {
        SSL_CTX_set_security_level(context.get(), 0);
        SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
        SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
    }
    SSL_CTX_use_certificate(context.get(), wish.identity->certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), wish.identity->key.get());
    return context;
}

int connect_to_loopback(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        ::close(socket);
        return -1;
    }
    return socket;
}

// What of a request is still missing: head, then body by Content-Length.
bool is_whole(const std::string& text) {
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::size_t length = text.find("Content-Length: ");
    std::size_t body = 0;
    if (length != std::string::npos && length < head) {
        std::from_chars(text.data() + length + 16, text.data() + text.size(), body);
    }
    return text.size() >= head + 4 + body;
}

}  // namespace

Peer::Peer(PeerWish wish, const std::string& address, std::uint16_t port) : wish_(std::move(wish)) {
    std::signal(SIGPIPE, SIG_IGN);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &own.sin_addr);
    socklen_t length = sizeof own;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&own), length) != 0 ||
        ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&own), &length) != 0) {
        throw std::runtime_error{"no loopback port for the test's peer"};
    }
    port_ = ntohs(own.sin_port);
    thread_ = std::jthread{[this] { serve(); }};
}

Peer::~Peer() {
    is_stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    connections_.clear();
}

void Peer::serve() {
    while (!is_stopping_) {
        const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) return;
        connections_.emplace_back([this, connection] {
            const timeval patience{20, 0};
            ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            if (!wish_.closes_at_once) serve_connection(connection);
            ::close(connection);
        });
    }
}

void Peer::serve_requests(const std::function<int(char*, int)>& read,
                          const std::function<void(const std::string&)>& write) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (!is_stopping_) {
        const int size = read(buffer.data(), static_cast<int>(buffer.size()));
        if (size <= 0) return;
        text.append(buffer.data(), static_cast<std::size_t>(size));
        if (!is_whole(text)) continue;
        const std::string answer = wish_.answer ? wish_.answer(text) : std::string{};
        if (answer.empty()) return;
        write(answer);
        text.clear();
    }
}

void Peer::serve_connection(int connection) {
    if (wish_.identity == nullptr) {
        // Whoever speaks TLS to it gets plain text at the first byte.
        std::array<char, 4096> buffer{};
        if (::recv(connection, buffer.data(), buffer.size(), 0) <= 0) return;
        const std::string answer = http_answer("400 Bad Request");
        ::send(connection, answer.data(), answer.size(), 0);
        return;
    }
    const Context context = make_context(wish_);
    const Stream stream{SSL_new(context.get()), &SSL_free};
    SSL_set_fd(stream.get(), connection);
    if (SSL_accept(stream.get()) != 1) return;
    if (wish_.forwards_to != 0) return forward(stream.get(), connection);
    serve_requests([&](char* target, int size) { return SSL_read(stream.get(), target, size); },
                   [&](const std::string& bytes) {
                       SSL_write(stream.get(), bytes.data(), static_cast<int>(bytes.size()));
                   });
}

void Peer::forward(void* stream, int connection) {
    auto* client = static_cast<SSL*>(stream);
    const int socket = connect_to_loopback(wish_.forwards_to);
    if (socket < 0) return;
    const Context context{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
    // The tickets of TLS 1.3 come unasked: a read for what they announce would wait for data.
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    const Stream server{SSL_new(context.get()), &SSL_free};
    SSL_set_fd(server.get(), socket);
    std::array<char, 16384> buffer{};
    const auto pass = [&](SSL* from, SSL* to) {
        const int size = SSL_read(from, buffer.data(), static_cast<int>(buffer.size()));
        if (size <= 0) return false;
        return SSL_write(to, buffer.data(), size) == size;
    };
    bool is_open = SSL_connect(server.get()) == 1;
    while (is_open && !is_stopping_) {
        if (SSL_pending(client) > 0) {
            is_open = pass(client, server.get());
            continue;
        }
        if (SSL_pending(server.get()) > 0) {
            is_open = pass(server.get(), client);
            continue;
        }
        std::array<pollfd, 2> waiting{pollfd{connection, POLLIN, 0}, pollfd{socket, POLLIN, 0}};
        if (::poll(waiting.data(), waiting.size(), 200) <= 0) continue;
        if (waiting[0].revents != 0) {
            is_open = pass(client, server.get());
        } else if (waiting[1].revents != 0) {
            is_open = pass(server.get(), client);
        }
    }
    ::close(socket);
}

std::string http_answer(const std::string& status, const std::string& headers,
                        const std::string& body) {
    return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n{}", status, headers,
                       body.size(), body);
}

}  // namespace entrepot::test

// A small HTTP/1.1 server, with TLS or without, because Negotiate is bound to the connection
// (wsman.md 2, 11).
#pragma once

#include "tests/hostsim/cim/value.h"
#include "tests/hostsim/wire/certificate.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::hostsim {

struct HttpRequest {
    std::string method;
    std::string target;
    std::map<std::string, std::string, NameLess> headers;
    std::string body;
    bool is_tls = true;
    std::string certificate_digest;  ///< SHA-256 of the client's certificate, hex; or empty.

    std::string header(const std::string& name) const;
};

/// What becomes of an answer and its connection. Only the first two are those of a sound server.
enum class Connection {
    keep_alive,
    close,
    drop_without_answer,
    hang,           ///< No answer; the connection stays until the client gives up.
    cut_body,       ///< Promises the whole body and sends half of it.
    short_length,   ///< Promises half of the body and sends all of it.
    broken_chunks,  ///< Chunked, with a length that is none.
    endless_body,   ///< Chunked, without an end.
};

struct HttpReply {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    Connection connection = Connection::keep_alive;
    std::uint32_t bytes_per_second = 0;  ///< 0: as fast as it goes.
};

/// Lives as long as one connection.
class ConnectionHandler {
public:
    virtual ~ConnectionHandler() = default;
    virtual HttpReply handle(const HttpRequest& request) = 0;
};

struct ServerOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::filesystem::path certificate{};  ///< Empty: plain HTTP.
    std::filesystem::path key{};
    bool asks_for_certificate = false;  ///< Any is let through; who it is, the login decides.
    /// What is wrong with the next handshake; nothing if there is no function.
    std::function<Oddity()> choose_oddity = {};
    std::filesystem::path odd_certificates{};  ///< The folder where they are.
};

class HttpServer {
public:
    /// Returns nullptr to drop the connection before the TLS handshake.
    using HandlerFactory = std::function<std::unique_ptr<ConnectionHandler>()>;

    /// Listens at once. Throws Error{io} if the address is taken.
    HttpServer(const ServerOptions& options, HandlerFactory factory);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    std::uint16_t port() const;
    /// Ends every open connection in the middle of whatever it does.
    void drop_connections();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace entrepot::hostsim

// One thread per connection: a handful of connections is all that a simulator sees.
#include "tests/hostsim/wire/http_server.h"

#include "base/bytes.h"
#include "base/error.h"

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include <sys/socket.h>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kBodyBytesMax = 1024 * 1024;
constexpr std::size_t kConnectionCountMax = 300;  // Service/MaxConnections.
constexpr int kIdleSeconds = 120;

const char* reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 411:
            return "Length Required";
        case 413:
            return "Request Entity Too Large";
        case 415:
            return "Unsupported Media Type";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        default:
            return "Status";
    }
}

/// Reads requests off one socket and writes the answers.
class Exchange {
public:
    explicit Exchange(Poco::Net::StreamSocket& socket) : socket_(socket) {}

    /// Nullopt when the client is gone. A request that cannot be read has an empty method and
    /// the status to answer in `refusal`.
    std::optional<HttpRequest> read_request(int& refusal);
    void write_reply(const HttpReply& reply);

private:
    bool fill();
    bool parse_head(std::string_view head, HttpRequest& request) const;
    Poco::Net::StreamSocket& socket_;
    std::string buffer_;
};

bool Exchange::fill() {
    char chunk[16384];
    const int count = socket_.receiveBytes(chunk, static_cast<int>(sizeof chunk));
    if (count <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(count));
    return true;
}

bool Exchange::parse_head(std::string_view head, HttpRequest& request) const {
    std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || last <= first) return false;
    if (line.substr(last + 1) != "HTTP/1.1") return false;
    request.method = std::string{line.substr(0, first)};
    request.target = std::string{line.substr(first + 1, last - first - 1)};
    while (end != std::string_view::npos) {
        head.remove_prefix(end + 2);
        end = head.find("\r\n");
        const std::string_view field = head.substr(0, end);
        if (field.empty()) break;
        const std::size_t colon = field.find(':');
        if (colon == std::string_view::npos || colon == 0) return false;
        std::string_view value = field.substr(colon + 1);
        const std::size_t start = value.find_first_not_of(" \t");
        value.remove_prefix(start == std::string_view::npos ? value.size() : start);
        value = value.substr(0, value.find_last_not_of(" \t") + 1);
        request.headers[std::string{field.substr(0, colon)}] = std::string{value};
    }
    return true;
}

std::optional<HttpRequest> Exchange::read_request(int& refusal) {
    refusal = 0;
    std::size_t head_end = std::string::npos;
    while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        if (buffer_.size() > kHeadBytesMax) {
            refusal = 400;
            return HttpRequest{};
        }
        if (!fill()) return std::nullopt;
    }
    HttpRequest request;
    if (!parse_head(std::string_view{buffer_}.substr(0, head_end + 2), request)) {
        refusal = 400;
        return request;
    }
    buffer_.erase(0, head_end + 4);
    const std::string length_text = request.header("Content-Length");
    const bool is_number = !length_text.empty() && length_text.size() < 10 &&
                           std::all_of(length_text.begin(), length_text.end(),
                                       [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) {
        refusal = 411;
        return request;
    }
    const std::size_t length = std::stoul(length_text);
    if (length > kBodyBytesMax) {
        refusal = 413;
        return request;
    }
    if (same_name(request.header("Expect"), "100-continue")) {
        const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        socket_.sendBytes(go_on.data(), static_cast<int>(go_on.size()));
    }
    while (buffer_.size() < length) {
        if (!fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return request;
}

void Exchange::write_reply(const HttpReply& reply) {
    std::string text = fmt::format("HTTP/1.1 {} {}\r\n", reply.status, reason_of(reply.status));
    text += "Server: Microsoft-HTTPAPI/2.0\r\n";
    for (const auto& [name, value] : reply.headers)
        text += fmt::format("{}: {}\r\n", name, value);
    if (reply.connection == Connection::close) text += "Connection: close\r\n";
    text += fmt::format("Content-Length: {}\r\n\r\n", reply.body.size());
    const bool is_cut = reply.connection == Connection::cut_body;
    text += is_cut ? reply.body.substr(0, reply.body.size() / 2) : reply.body;
    std::size_t sent = 0;
    while (sent < text.size()) {
        const int count =
            socket_.sendBytes(text.data() + sent, static_cast<int>(text.size() - sent));
        if (count <= 0) return;
        sent += static_cast<std::size_t>(count);
    }
}

// After the handshake, which the first read makes.
std::string digest_of_client(const Poco::Net::StreamSocket& socket) {
    Poco::Net::SecureStreamSocket secure{socket};
    if (!secure.havePeerCertificate()) return {};
    const Poco::Net::X509Certificate certificate = secure.peerCertificate();
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (X509_digest(certificate.certificate(), EVP_sha256(), digest.data(), &length) != 1)
        return {};
    return to_hex(std::as_bytes(std::span{digest}.first(length)));
}

void serve(Poco::Net::StreamSocket& socket, bool is_tls, ConnectionHandler& handler) {
    Exchange exchange{socket};
    for (;;) {
        int refusal = 0;
        auto request = exchange.read_request(refusal);
        if (!request) return;
        request->is_tls = is_tls;
        if (is_tls) request->certificate_digest = digest_of_client(socket);
        HttpReply reply;
        if (refusal != 0) {
            reply.status = refusal;
            reply.connection = Connection::close;
        } else {
            reply = handler.handle(*request);
        }
        if (reply.connection == Connection::drop_without_answer) return;
        exchange.write_reply(reply);
        if (reply.connection != Connection::keep_alive) return;
    }
}

}  // namespace

std::string HttpRequest::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string{} : found->second;
}

class HttpServer::Impl {
public:
    Impl(const ServerOptions& options, HandlerFactory factory);
    ~Impl();
    std::uint16_t port() const { return listener_->address().port(); }
    void drop_connections();

private:
    struct Client {
        Poco::Net::StreamSocket socket;
        std::atomic<bool> is_done = false;
        std::jthread thread;
    };
    void accept_clients();
    void run_client(Client& client, ConnectionHandler& handler);

    void listen(const ServerOptions& options);

    HandlerFactory factory_;
    bool is_tls_;
    std::optional<Poco::Net::ServerSocket> listener_;
    std::mutex mutex_;
    std::list<Client> clients_;
    std::atomic<bool> is_stopping_ = false;
    std::jthread acceptor_;
};

HttpServer::Impl::Impl(const ServerOptions& options, HandlerFactory factory)
    : factory_(std::move(factory)), is_tls_(!options.certificate.empty()) {
    Poco::Net::initializeSSL();
    try {
        listen(options);
    } catch (const Poco::Exception& error) {
        throw Error{ErrorCode::io, fmt::format("cannot listen on {}:{}: {}", options.host,
                                               options.port, error.displayText())};
    }
    acceptor_ = std::jthread{[this] { accept_clients(); }};
}

void HttpServer::Impl::listen(const ServerOptions& options) {
    const Poco::Net::SocketAddress address{options.host, options.port};
    if (!is_tls_) {
        listener_.emplace(address, 64);
        return;
    }
    Poco::Net::Context::Ptr context{
        new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, options.key.string(),
                               options.certificate.string(), "", Poco::Net::Context::VERIFY_NONE)};
    context->requireMinimumProtocol(Poco::Net::Context::PROTO_TLSV1_2);
    if (options.asks_for_certificate) {
        SSL_CTX_set_verify(context->sslContext(), SSL_VERIFY_PEER,
                           [](int, X509_STORE_CTX*) { return 1; });
    }
    listener_.emplace(Poco::Net::SecureServerSocket{address, 64, context});
}

HttpServer::Impl::~Impl() {
    is_stopping_ = true;
    acceptor_.join();
    drop_connections();
    clients_.clear();  // Joins.
}

void HttpServer::Impl::drop_connections() {
    const std::lock_guard lock{mutex_};
    for (Client& client : clients_) {
        if (client.is_done) continue;
        // Not through OpenSSL: the client's own thread may be inside it.
        ::shutdown(client.socket.impl()->sockfd(), SHUT_RDWR);
    }
}

void HttpServer::Impl::accept_clients() {
    while (!is_stopping_) {
        try {
            if (!listener_->poll(Poco::Timespan{0, 100'000}, Poco::Net::Socket::SELECT_READ)) {
                continue;
            }
            Poco::Net::StreamSocket socket = listener_->acceptConnection();
            auto handler = factory_();
            const std::lock_guard lock{mutex_};
            clients_.remove_if([](const Client& client) { return client.is_done.load(); });
            if (!handler || clients_.size() >= kConnectionCountMax) {
                ::shutdown(socket.impl()->sockfd(), SHUT_RDWR);
                continue;
            }
            Client& client = clients_.emplace_back();
            client.socket = socket;
            client.thread = std::jthread{
                [this, &client, kept = std::move(handler)] { run_client(client, *kept); }};
        } catch (const Poco::Exception&) {
            continue;  // A client that went away while it was being accepted.
        }
    }
}

void HttpServer::Impl::run_client(Client& client, ConnectionHandler& handler) {
    try {
        client.socket.setReceiveTimeout(Poco::Timespan{kIdleSeconds, 0});
        client.socket.setNoDelay(true);
        serve(client.socket, is_tls_, handler);
    } catch (const Poco::Exception&) {
        // The client is gone or spoke no TLS; nobody is left to tell.
    }
    try {
        client.socket.close();
    } catch (const Poco::Exception&) {
        // Closing what is gone already.
    }
    client.is_done = true;
}

HttpServer::HttpServer(const ServerOptions& options, HandlerFactory factory)
    : impl_(std::make_unique<Impl>(options, std::move(factory))) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const {
    return impl_->port();
}

void HttpServer::drop_connections() {
    impl_->drop_connections();
}

}  // namespace entrepot::hostsim

// One thread per connection: a handful of connections is all that a simulator sees.
#include "tests/hostsim/wire/http_server.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/hostsim/wire/http_exchange.h"

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

constexpr std::size_t kConnectionCountMax = 300;  // Service/MaxConnections.
constexpr int kIdleSeconds = 120;

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
        if (reply.connection == Connection::hang) {
            exchange.wait_for_end();
            return;
        }
        exchange.write_reply(reply);
        const bool goes_on = reply.connection == Connection::keep_alive ||
                             reply.connection == Connection::short_length;
        if (!goes_on) return;
    }
}

}  // namespace

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
    void make_odd(SSL* handshake) const;

    HandlerFactory factory_;
    std::function<Oddity()> choose_oddity_;
    std::filesystem::path odd_certificates_;
    bool is_tls_;
    std::optional<Poco::Net::ServerSocket> listener_;
    std::mutex mutex_;
    std::list<Client> clients_;
    std::atomic<bool> is_stopping_ = false;
    std::jthread acceptor_;
};

HttpServer::Impl::Impl(const ServerOptions& options, HandlerFactory factory)
    : factory_(std::move(factory)),
      choose_oddity_(options.choose_oddity),
      odd_certificates_(options.odd_certificates),
      is_tls_(!options.certificate.empty()) {
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
    if (choose_oddity_) {
        SSL_CTX_set_client_hello_cb(
            context->sslContext(),
            [](SSL* handshake, int*, void* self) {
                static_cast<const Impl*>(self)->make_odd(handshake);
                return SSL_CLIENT_HELLO_SUCCESS;
            },
            this);
    }
    listener_.emplace(Poco::Net::SecureServerSocket{address, 64, context});
}

void HttpServer::Impl::make_odd(SSL* handshake) const {
    const Oddity oddity = choose_oddity_();
    if (oddity == Oddity::none) return;
    if (oddity == Oddity::old_protocol) {
        SSL_set_security_level(handshake, 0);
        SSL_set_min_proto_version(handshake, TLS1_VERSION);
        SSL_set_max_proto_version(handshake, TLS1_VERSION);
        return;
    }
    const CertificateFiles files = odd_certificate(oddity, odd_certificates_);
    SSL_use_certificate_file(handshake, files.certificate.c_str(), SSL_FILETYPE_PEM);
    SSL_use_PrivateKey_file(handshake, files.key.c_str(), SSL_FILETYPE_PEM);
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

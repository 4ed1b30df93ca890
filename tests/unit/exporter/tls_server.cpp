// The server behind the transport's tests; OpenSSL straight, one connection at a time.
#include "tests/unit/exporter/tls_server.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>

namespace entrepot::wsman {
namespace {

template <typename T, void (*Free)(T*)>
struct Deleter {
    void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX, SSL_CTX_free>>;
using Stream = std::unique_ptr<SSL, Deleter<SSL, SSL_free>>;

void add_extension(X509* certificate, int id, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

Certificate make_certificate(EVP_PKEY* key, const std::string& host_name) {
    Certificate certificate{X509_new()};
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(host_name.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(certificate.get(), name);
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate.get(), NID_subject_alt_name, "DNS:" + host_name);
    X509_sign(certificate.get(), key, EVP_sha256());
    return certificate;
}

std::string pem_of(X509* certificate) {
    BIO* memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, certificate);
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory, &text);
    std::string pem{text, static_cast<std::size_t>(size)};
    BIO_free(memory);
    return pem;
}

// One request with its body by Content-Length; empty when the peer is gone.
std::string read_request(SSL* stream) {
    std::string text;
    std::size_t wanted = std::string::npos;
    std::array<char, 4096> buffer{};
    while (text.size() < wanted) {
        const int size = SSL_read(stream, buffer.data(), static_cast<int>(buffer.size()));
        if (size <= 0) return {};
        text.append(buffer.data(), static_cast<std::size_t>(size));
        const std::size_t head = text.find("\r\n\r\n");
        if (head == std::string::npos || wanted != std::string::npos) continue;
        const std::size_t length = text.find("Content-Length: ");
        std::size_t body = 0;
        if (length != std::string::npos) {
            std::from_chars(text.data() + length + 16, text.data() + text.size(), body);
        }
        wanted = head + 4 + body;
    }
    return text;
}

}  // namespace

struct TlsServer::Tls {
    Key key;
    Certificate certificate;
    Context context;
};

TlsServer::TlsServer(const std::string& host_name, std::vector<TlsReply> replies,
                     int newest_version)
    : tls_(std::make_unique<Tls>()), replies_(std::move(replies)) {
    std::signal(SIGPIPE, SIG_IGN);  // A peer that refuses us closes while we write.
    tls_->key.reset(EVP_EC_gen("P-256"));
    tls_->certificate = make_certificate(tls_->key.get(), host_name);
    tls_->context.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_min_proto_version(tls_->context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls_->context.get(), newest_version);
    SSL_CTX_use_certificate(tls_->context.get(), tls_->certificate.get());
    SSL_CTX_use_PrivateKey(tls_->context.get(), tls_->key.get());
    pem_ = pem_of(tls_->certificate.get());
    std::array<std::byte, 32> digest{};
    unsigned int size = 0;
    X509_digest(tls_->certificate.get(), EVP_sha256(),
                reinterpret_cast<unsigned char*>(digest.data()), &size);
    pin_ = to_hex(digest);

    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        throw Error{ErrorCode::io, "no loopback port for the test's server"};
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread{[this] { serve(); }};
}

TlsServer::~TlsServer() {
    is_stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
}

std::string TlsServer::url() const {
    return fmt::format("https://localhost:{}/wsman", port_);
}

std::vector<std::string> TlsServer::requests() const {
    const std::lock_guard lock{mutex_};
    return requests_;
}

void TlsServer::serve() {
    while (!is_stopping_) {
        const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) return;
        ++connection_count_;
        serve_connection(connection);
        ::close(connection);
    }
}

void TlsServer::serve_connection(int connection) {
    const timeval patience{5, 0};
    ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const Stream stream{SSL_new(tls_->context.get())};
    SSL_set_fd(stream.get(), connection);
    if (SSL_accept(stream.get()) != 1) return;
    while (!is_stopping_) {
        const std::string request = read_request(stream.get());
        if (request.empty()) return;
        TlsReply reply{"", true};
        {
            const std::lock_guard lock{mutex_};
            requests_.push_back(request);
            if (next_reply_ < replies_.size()) reply = replies_[next_reply_++];
        }
        if (!reply.bytes.empty()) {
            SSL_write(stream.get(), reply.bytes.data(), static_cast<int>(reply.bytes.size()));
        }
        if (reply.closes) return;
    }
}

}  // namespace entrepot::wsman

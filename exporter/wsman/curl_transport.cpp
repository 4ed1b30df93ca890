// HTTP over libcurl; the only file that knows CURLcode. The certificate is checked by a callback of
// our own inside the handshake, so before any byte of a request, and thus of a credential, is sent.
#include "exporter/wsman/curl_transport.h"

#include "base/error.h"
#include "exporter/wsman/client_identity.h"
#include "exporter/wsman/limits.h"
#include "exporter/wsman/local_target.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <string_view>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>

namespace entrepot::wsman {
namespace {

constexpr std::size_t kPinBytes = 32;

using CurlUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string url_part(const std::string& url, CURLUPart part, unsigned int flags = 0) {
    const CurlUrl handle{curl_url(), &curl_url_cleanup};
    if (handle == nullptr ||
        curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
        throw Error{ErrorCode::invalid, fmt::format("'{}' is not a URL", url),
                    "A host's URL looks like https://HOST:5986/wsman"};
    }
    char* text = nullptr;
    if (curl_url_get(handle.get(), part, &text, flags) != CURLUE_OK) return {};
    std::string out{text};
    curl_free(text);
    return out;
}

void set_up_curl() {
    // Never cleaned up: connections may live until the process ends.
    static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (result != CURLE_OK) throw Error{ErrorCode::internal, "libcurl cannot be set up"};
}

ErrorCode translate(CURLcode code) {
    switch (code) {
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
            return ErrorCode::untrusted;
        case CURLE_OPERATION_TIMEDOUT:
            return ErrorCode::timeout;
        case CURLE_ABORTED_BY_CALLBACK:
            return ErrorCode::cancelled;
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
            return ErrorCode::invalid;
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_SSL_CONNECT_ERROR:
            return ErrorCode::protocol;
        case CURLE_OUT_OF_MEMORY:
        case CURLE_FAILED_INIT:
            return ErrorCode::internal;
        default:  // Everything else is a connection that did not come about or broke.
            return ErrorCode::unreachable;
    }
}

std::string hint_for(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return "The name is not known to DNS. Is it written correctly?";
        case CURLE_COULDNT_CONNECT:
            return "Nothing answers there: is there a listener of WinRM (port 5986 for HTTPS, 5985 "
                   "for HTTP), and does the host's firewall let this machine in?";
        case CURLE_SSL_CONNECT_ERROR:
            return "The host must speak TLS 1.2 or later at this port.";
        default:
            return "The connection broke. Is the host up, and the network between stable?";
    }
}

/// A peer that went away during the handshake, in words of OpenSSL 1.1 and 3; no broken protocol.
bool is_hang_up(std::string_view detail) {
    constexpr std::array<std::string_view, 3> kWords{"SSL_ERROR_SYSCALL", "unexpected eof",
                                                     "reset by peer"};
    return std::any_of(kWords.begin(), kWords.end(), [detail](std::string_view words) {
        return detail.find(words) != std::string_view::npos;
    });
}

/// The peer knows no version of TLS that we take, in words of OpenSSL 1.1 and 3.
bool is_old_tls(std::string_view detail) {
    constexpr std::array<std::string_view, 2> kWords{"protocol version", "unsupported protocol"};
    return std::any_of(kWords.begin(), kWords.end(), [detail](std::string_view words) {
        return detail.find(words) != std::string_view::npos;
    });
}

/// State that the callbacks of one exchange write to.
struct Exchange {
    const HttpRequest* request = nullptr;
    std::stop_token stop;
    HttpAnswer answer;
    std::size_t sent = 0;
    std::size_t header_bytes = 0;
    bool is_too_large = false;
};

class CurlTransport final : public Transport {
public:
    explicit CurlTransport(const CurlTransportOptions& options) : options_(options) {
        set_up_curl();
        host_ = host_of_url(options.url);
        const std::string scheme = url_part(options.url, CURLUPART_SCHEME);
        is_tls_ = scheme == "https";
        if (scheme == "http" && options.plain_http == PlainHttp::forbidden) {
            throw Error{ErrorCode::unsupported, "plain HTTP is not allowed for this host",
                        "Use the HTTPS listener, as in https://HOST:5986/wsman, or say --http: "
                        "then every message is encrypted by the login instead."};
        }
        if (!is_tls_ && scheme != "http") {
            throw Error{ErrorCode::invalid, fmt::format("'{}' is not an https URL", options.url)};
        }
        if (!options.client_certificate.empty()) {
            identity_ = ClientIdentity::load(options.client_certificate, options.client_key);
        }
        if (!options.pin_sha256.empty()) pin_ = from_hex(options.pin_sha256);
        if (!pin_.empty() && pin_.size() != kPinBytes) {
            throw Error{ErrorCode::invalid, "a pin is the SHA-256 of a certificate: 64 hex digits"};
        }
    }

    HttpAnswer exchange(const HttpRequest& request, std::stop_token stop) override;
    void disconnect() override { handle_.reset(); }
    Bytes peer_certificate() const override { return certificate_; }
    bool is_encrypted() const override { return is_tls_; }

private:
    void open();
    void set_trust();
    [[noreturn]] void fail(CURLcode code, const Exchange& exchange);
    bool accept_certificate(X509_STORE_CTX* store);

    static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
    static CURLcode on_ssl_context(CURL*, void* context, void* self);
    static int on_verify(X509_STORE_CTX* store, void* self);
    static std::size_t on_read(char* target, std::size_t size, std::size_t count, void* data);
    static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* data);
    static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* data);
    static int on_progress(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

    template <typename Value>
    void set(CURLoption option, Value value) {
        if (curl_easy_setopt(handle_.get(), option, value) != CURLE_OK) {
            throw Error{ErrorCode::internal,
                        fmt::format("libcurl refuses option {}", static_cast<int>(option))};
        }
    }

    CurlTransportOptions options_;
    bool is_tls_ = true;
    std::optional<ClientIdentity> identity_;
    std::string host_;
    Bytes pin_;
    Bytes certificate_;
    std::string refusal_;
    std::string local_address_;  ///< That the name led to and must not.
    std::array<char, CURL_ERROR_SIZE> error_text_{};
    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle_{nullptr, &curl_easy_cleanup};
};

void CurlTransport::open() {
    handle_.reset(curl_easy_init());
    if (handle_ == nullptr) throw Error{ErrorCode::internal, "libcurl gives no handle"};
    set(CURLOPT_URL, options_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, is_tls_ ? "https" : "http");
    set(CURLOPT_PROXY, "");  // Credentials go to the configured host and nowhere else.
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_SSL_ENABLE_ALPN, 0L);
    set(CURLOPT_MAXCONNECTS, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(limits::kConnectTimeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, limits::kSlowBytesPerSecond);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits::kSlowDuration.count()));
    set(CURLOPT_ERRORBUFFER, error_text_.data());
    set(CURLOPT_WRITEFUNCTION, &CurlTransport::on_body);
    set(CURLOPT_HEADERFUNCTION, &CurlTransport::on_header);
    set(CURLOPT_READFUNCTION, &CurlTransport::on_read);
    set(CURLOPT_XFERINFOFUNCTION, &CurlTransport::on_progress);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_POST, 1L);
    if (options_.local_names == LocalNames::forbidden && !is_local_target(options_.url)) {
        set(CURLOPT_OPENSOCKETFUNCTION, &CurlTransport::on_socket);
        set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
    }
    set_trust();
}

// The very address that is connected to: what the resolver says next time does not matter.
curl_socket_t CurlTransport::on_socket(void* self, curlsocktype, curl_sockaddr* address) {
    if (is_local_address(address->addr)) {
        std::array<char, NI_MAXHOST> text{};
        const int code = ::getnameinfo(&address->addr, address->addrlen, text.data(), text.size(),
                                       nullptr, 0, NI_NUMERICHOST);
        static_cast<CurlTransport*>(self)->local_address_ = code == 0 ? text.data() : "?";
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void CurlTransport::set_trust() {
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    // A resumed session would skip the callback that sees the certificate.
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    set(CURLOPT_SSL_CTX_FUNCTION, &CurlTransport::on_ssl_context);
    set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
    if (!pin_.empty()) {
        // The pin names one certificate; whatever name is written in it does not matter.
        set(CURLOPT_SSL_VERIFYHOST, 0L);
        set(CURLOPT_CAINFO, static_cast<char*>(nullptr));
        set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
        return;
    }
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (options_.ca_file.empty()) return;
    set(CURLOPT_CAINFO, options_.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
}

CURLcode CurlTransport::on_ssl_context(CURL*, void* context, void* self) {
    auto* ssl = static_cast<SSL_CTX*>(context);
    SSL_CTX_set_cert_verify_callback(ssl, &CurlTransport::on_verify, self);
    const auto& identity = static_cast<CurlTransport*>(self)->identity_;
    const bool is_set = !identity || identity->use_in(ssl);
    return is_set ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

int CurlTransport::on_verify(X509_STORE_CTX* store, void* self) {
    try {
        return static_cast<CurlTransport*>(self)->accept_certificate(store) ? 1 : 0;
    } catch (const std::exception&) {
        return 0;  // No exception may pass through OpenSSL.
    }
}

bool CurlTransport::accept_certificate(X509_STORE_CTX* store) {
    X509* leaf = X509_STORE_CTX_get0_cert(store);
    unsigned char* der = nullptr;
    const int size = leaf == nullptr ? -1 : i2d_X509(leaf, &der);
    if (size <= 0) return false;
    const ByteView bytes = std::as_bytes(std::span{der, static_cast<std::size_t>(size)});
    certificate_.assign(bytes.begin(), bytes.end());
    OPENSSL_free(der);

    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int digest_size = 0;
    if (X509_digest(leaf, EVP_sha256(), digest.data(), &digest_size) != 1) return false;
    const ByteView seen = std::as_bytes(std::span{digest}.first(digest_size));
    if (pin_.empty()) {
        if (X509_verify_cert(store) == 1) return true;
        refusal_ = fmt::format("{}; its SHA-256 is {}",
                               X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)),
                               to_hex(seen));
        return false;
    }
    const bool is_pinned = std::equal(seen.begin(), seen.end(), pin_.begin(), pin_.end());
    X509_STORE_CTX_set_error(store, is_pinned ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    if (!is_pinned) {
        refusal_ = fmt::format("its SHA-256 is {}, pinned is {}", to_hex(seen), to_hex(pin_));
    }
    return is_pinned;
}

std::size_t CurlTransport::on_read(char* target, std::size_t size, std::size_t count, void* data) {
    auto& exchange = *static_cast<Exchange*>(data);
    const std::string& body = exchange.request->body;
    const std::size_t length = std::min(size * count, body.size() - exchange.sent);
    std::memcpy(target, body.data() + exchange.sent, length);
    exchange.sent += length;
    return length;
}

std::size_t CurlTransport::on_body(char* bytes, std::size_t size, std::size_t count, void* data) {
    auto& exchange = *static_cast<Exchange*>(data);
    const std::size_t length = size * count;
    if (length > limits::kAnswerBytesMax - exchange.answer.body.size()) {
        exchange.is_too_large = true;
        return 0;
    }
    exchange.answer.body.append(bytes, length);
    return length;
}

std::size_t CurlTransport::on_header(char* bytes, std::size_t size, std::size_t count, void* data) {
    auto& exchange = *static_cast<Exchange*>(data);
    std::string_view line{bytes, size * count};
    if (line.size() > limits::kAnswerHeaderBytesMax - exchange.header_bytes) {
        exchange.is_too_large = true;
        return 0;
    }
    exchange.header_bytes += line.size();
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
        exchange.answer.headers.clear();  // What came before was an interim answer.
        return size * count;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size * count;
    HttpHeader header{std::string{line.substr(0, colon)}, {}};
    std::transform(header.name.begin(), header.name.end(), header.name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    if (value != std::string_view::npos) header.value = line.substr(value);
    exchange.answer.headers.push_back(std::move(header));
    return size * count;
}

int CurlTransport::on_progress(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Exchange*>(data)->stop.stop_requested() ? 1 : 0;
}

HttpAnswer CurlTransport::exchange(const HttpRequest& request, std::stop_token stop) {
    if (stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
    if (handle_ == nullptr) open();
    Exchange exchange;
    exchange.request = &request;
    exchange.stop = stop;
    curl_slist* raw = nullptr;
    const auto add = [&](const std::string& line) { raw = curl_slist_append(raw, line.c_str()); };
    add("Expect:");
    add("Accept-Encoding: identity");
    add("User-Agent: entrepot");
    for (const HttpHeader& header : request.headers)
        add(header.name + ": " + header.value);
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers{raw,
                                                                              &curl_slist_free_all};
    set(CURLOPT_HTTPHEADER, headers.get());
    // A read callback without a way to rewind it is what keeps libcurl from sending a request a
    // second time by itself when a kept connection turns out to be dead.
    set(CURLOPT_READDATA, static_cast<void*>(&exchange));
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
    set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&exchange));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    error_text_.fill('\0');
    refusal_.clear();
    local_address_.clear();

    const CURLcode code = curl_easy_perform(handle_.get());
    if (code != CURLE_OK) fail(code, exchange);

    long status = 0;
    long connects = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle_.get(), CURLINFO_NUM_CONNECTS, &connects);
    exchange.answer.status = static_cast<int>(status);
    exchange.answer.is_new_connection = connects > 0;
    const auto encoding = exchange.answer.header("content-encoding");
    if (encoding && *encoding != "identity") {
        throw Error{
            ErrorCode::protocol,
            fmt::format("{} answers in encoding {}, which was not asked for", host_, *encoding)};
    }
    return std::move(exchange.answer);
}

void CurlTransport::fail(CURLcode code, const Exchange& exchange) {
    handle_.reset();  // A connection that failed is never used again.
    if (exchange.is_too_large) {
        throw Error{ErrorCode::limit, fmt::format("{} sends an answer of more than {}", host_,
                                                  format_size(limits::kAnswerBytesMax))};
    }
    if (exchange.stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
    if (!local_address_.empty()) {
        throw Error{ErrorCode::access_denied,
                    fmt::format("{} leads to {}, which is this machine itself or an address that "
                                "no host has",
                                host_, local_address_),
                    "correct the name in DNS or /etc/hosts; or set hosts.allow_loopback = true"};
    }
    const std::string detail =
        error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
    if (!refusal_.empty() || translate(code) == ErrorCode::untrusted) {
        throw Error{ErrorCode::untrusted,
                    fmt::format("the certificate of {} is not accepted: {}", host_,
                                refusal_.empty() ? detail : refusal_),
                    "Compare the SHA-256 with the certificate on the host itself. If it is the "
                    "right one, set it as the pin (--pin) or give the CA that signed it (--ca)."};
    }
    if (code == CURLE_SSL_CONNECT_ERROR && is_hang_up(detail)) {
        throw Error{
            ErrorCode::unreachable,
            fmt::format("{} closed the connection before TLS was set up: {}", host_, detail),
            "Is the host starting or shutting down, or does a firewall cut connections?"};
    }
    if (code == CURLE_SSL_CONNECT_ERROR && is_old_tls(detail)) {
        throw Error{ErrorCode::untrusted,
                    fmt::format("{} speaks no version of TLS that can be trusted", host_),
                    hint_for(code)};
    }
    throw Error{translate(code), fmt::format("{}: {}", host_, detail), hint_for(code)};
}

}  // namespace

std::string host_of_url(const std::string& url) {
    std::string host = url_part(url, CURLUPART_HOST);
    if (host.empty()) throw Error{ErrorCode::invalid, fmt::format("'{}' names no host", url)};
    return host;
}

UrlParts parts_of_url(const std::string& url) {
    UrlParts parts{url_part(url, CURLUPART_SCHEME), host_of_url(url), 0};
    if (parts.host.starts_with('[') && parts.host.ends_with(']')) {
        parts.host = parts.host.substr(1, parts.host.size() - 2);
    }
    const std::string port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parts.port);
    if (error != std::errc{} || end != port.data() + port.size() || parts.port == 0) {
        throw Error{ErrorCode::invalid, fmt::format("'{}' names no port", url)};
    }
    return parts;
}

std::unique_ptr<Transport> make_curl_transport(const CurlTransportOptions& options) {
    return std::make_unique<CurlTransport>(options);
}

}  // namespace entrepot::wsman

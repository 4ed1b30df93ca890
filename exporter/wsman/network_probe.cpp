// TLS as a peer speaks it: every certificate is let in, and then judged (RFC 5280, RFC 6125).
#include "exporter/wsman/network_probe.h"

#include "base/bytes.h"
#include "base/error.h"
#include "exporter/wsman/limits.h"
#include "exporter/wsman/probe_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <utility>

namespace entrepot::wsman {
namespace {

template <typename T, auto Free>
struct Freed {
    void operator()(T* object) const { Free(object); }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>>;
using Stream = std::unique_ptr<SSL, Freed<SSL, SSL_free>>;
using Store = std::unique_ptr<X509_STORE, Freed<X509_STORE, X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX, X509_STORE_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES, GENERAL_NAMES_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO, BIO_free>>;

std::string bounded(std::string text) {
    if (text.size() > limits::kReportedTextBytesMax) text.resize(limits::kReportedTextBytesMax);
    // Names of a certificate are anybody's bytes.
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return text;
}

std::string text_of(const X509_NAME* name) {
    const Memory memory{BIO_new(BIO_s_mem())};
    X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return size <= 0 ? std::string{} : bounded({text, static_cast<std::size_t>(size)});
}

std::string address_text(const ASN1_OCTET_STRING* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int length = ASN1_STRING_length(address);
    const int family = length == 4 ? AF_INET : AF_INET6;
    if (length != 4 && length != 16) return "?";
    ::inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size());
    return text.data();
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    const Names found{static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
    for (int i = 0; found != nullptr && i < sk_GENERAL_NAME_num(found.get()); ++i) {
        if (names.size() >= limits::kReportedNamesMax) break;
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(found.get(), i);
        if (name->type == GEN_DNS) {
            const auto* data =
                reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
            const int length = ASN1_STRING_length(name->d.dNSName);
            names.push_back(bounded({data, static_cast<std::size_t>(length)}));
        } else if (name->type == GEN_IPADD) {
            names.push_back(address_text(name->d.iPAddress));
        }
    }
    if (!names.empty()) return names;
    std::array<char, 256> common{};
    const int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                                 common.data(), common.size());
    if (length > 0) names.push_back(bounded({common.data(), static_cast<std::size_t>(length)}));
    return names;
}

WallTime time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return WallTime{std::chrono::seconds{::timegm(&parts)}};
}

bool is_for(X509* certificate, const std::string& host) {
    if (X509_check_ip_asc(certificate, host.c_str(), 0) == 1) return true;
    return X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
}

ChainState chain_state_of(int error) {
    switch (error) {
        case X509_V_OK:
            return ChainState::trusted;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return ChainState::self_signed;
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_UNTRUSTED:
            return ChainState::unknown_issuer;
        case X509_V_ERR_INVALID_PURPOSE:
            return ChainState::wrong_purpose;
        default:
            return ChainState::other;
    }
}

Store make_store(const std::filesystem::path& ca_file) {
    Store store{X509_STORE_new()};
    const bool is_read = ca_file.empty() ? X509_STORE_set_default_paths(store.get()) == 1
                                         : X509_STORE_load_file(store.get(), ca_file.c_str()) == 1;
    if (!is_read) {
        ERR_clear_error();
        throw Error{ErrorCode::invalid,
                    fmt::format("the CA file {} cannot be read", ca_file.string())};
    }
    return store;
}

void judge_chain(SSL* stream, X509* leaf, const std::filesystem::path& ca_file,
                 CertificateReport& report) {
    const Store store = make_store(ca_file);
    const StoreContext context{X509_STORE_CTX_new()};
    X509_STORE_CTX_init(context.get(), store.get(), leaf, SSL_get_peer_cert_chain(stream));
    X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
    // Dates are judged apart: an old certificate may be of an unknown issuer, too.
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_NO_CHECK_TIME);
    X509_verify_cert(context.get());
    const int error = X509_STORE_CTX_get_error(context.get());
    report.chain = chain_state_of(error);
    if (error != X509_V_OK) report.chain_detail = X509_verify_cert_error_string(error);
    ERR_clear_error();
}

CertificateReport describe(SSL* stream, X509* leaf, const TlsQuestion& question) {
    CertificateReport report;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    X509_digest(leaf, EVP_sha256(), digest.data(), &size);
    report.sha256 = to_hex(std::as_bytes(std::span{digest}.first(size)));
    report.subject = text_of(X509_get_subject_name(leaf));
    report.issuer = text_of(X509_get_issuer_name(leaf));
    report.names = names_of(leaf);
    report.not_before = time_of(X509_get0_notBefore(leaf));
    report.not_after = time_of(X509_get0_notAfter(leaf));
    report.is_for_host = is_for(leaf, question.host);
    judge_chain(stream, leaf, question.ca_file, report);
    return report;
}

// What OpenSSL 3 says first about a handshake that failed.
TlsState failed_state(unsigned long error, std::string& detail) {
    if (error == 0) return TlsState::hung_up;
    std::array<char, 256> text{};
    ERR_error_string_n(error, text.data(), text.size());
    detail = text.data();
    switch (ERR_GET_REASON(error)) {
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return TlsState::hung_up;
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
        case SSL_R_UNEXPECTED_MESSAGE:
        case SSL_R_RECORD_LENGTH_MISMATCH:
            return TlsState::not_tls;
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            return TlsState::too_old;
        default:
            return TlsState::no_cipher;
    }
}

class Probe final : public NetworkProbe {
public:
    NameReport resolve(const std::string& host) override { return resolve_name(host); }

    PortReport connect(const std::string& host, std::uint16_t port, std::stop_token stop) override {
        return connect_to(host, port, std::move(stop)).report;
    }

    TlsReport shake_hands(const TlsQuestion& question, std::stop_token stop) override;
    std::vector<std::string> own_addresses() override;

private:
    static Stream make_stream(SSL_CTX* context, const TlsQuestion& question, int handle);
    static void finish(SSL* stream, const TlsQuestion& question, TlsReport& report);
};

// Weak on purpose: what the peer can do is to be seen, and nothing secret is sent.
Stream Probe::make_stream(SSL_CTX* context, const TlsQuestion& question, int handle) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    Stream stream{SSL_new(context)};
    if (resolve_name(question.host).state != NameState::is_address) {
        SSL_set_tlsext_host_name(stream.get(), question.host.c_str());
    }
    SSL_set_fd(stream.get(), handle);
    return stream;
}

void Probe::finish(SSL* stream, const TlsQuestion& question, TlsReport& report) {
    report.protocol = SSL_get_version(stream);
    report.cipher = SSL_get_cipher_name(stream);
    if (SSL_version(stream) < TLS1_2_VERSION) report.state = TlsState::too_old;
    X509* leaf = SSL_get0_peer_certificate(stream);
    if (leaf != nullptr) report.certificate = describe(stream, leaf, question);
}

TlsReport Probe::shake_hands(const TlsQuestion& question, std::stop_token stop) {
    TlsReport report;
    const Connected connected = connect_to(question.host, question.port, stop);
    if (connected.report.state != PortState::open) {
        report.state = TlsState::hung_up;
        report.detail = connected.report.detail;
        return report;
    }
    const Context context{SSL_CTX_new(TLS_client_method())};
    if (context == nullptr) throw Error{ErrorCode::internal, "OpenSSL gives no context"};
    const Stream stream = make_stream(context.get(), question, connected.socket.get());
    std::chrono::milliseconds left = limits::kHandshakeTimeout;
    do {
        ERR_clear_error();
        const int result = SSL_connect(stream.get());
        if (result == 1) {
            finish(stream.get(), question, report);
            return report;
        }
        const int reason = SSL_get_error(stream.get(), result);
        const bool is_waiting = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
        if (!is_waiting) {
            report.state = failed_state(ERR_peek_error(), report.detail);
            ERR_clear_error();
            return report;
        }
        const Wait what = reason == SSL_ERROR_WANT_READ ? Wait::readable : Wait::writable;
        if (!wait_for(connected.socket.get(), what, left, stop)) break;
    } while (left.count() > 0);
    report.state = TlsState::silent;
    return report;
}

std::vector<std::string> Probe::own_addresses() {
    ifaddrs* raw = nullptr;
    if (::getifaddrs(&raw) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list{raw, &::freeifaddrs};
    std::vector<std::string> addresses;
    for (const ifaddrs* one = list.get(); one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr) continue;
        std::array<char, INET6_ADDRSTRLEN> text{};
        const void* bytes = nullptr;
        if (one->ifa_addr->sa_family == AF_INET) {
            bytes = &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr;
        } else if (one->ifa_addr->sa_family == AF_INET6) {
            bytes = &reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr;
        }
        if (bytes == nullptr) continue;
        ::inet_ntop(one->ifa_addr->sa_family, bytes, text.data(), text.size());
        addresses.emplace_back(text.data());
    }
    return addresses;
}

}  // namespace

std::unique_ptr<NetworkProbe> make_network_probe() {
    return std::make_unique<Probe>();
}

}  // namespace entrepot::wsman

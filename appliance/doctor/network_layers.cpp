// name, port, tls: what can be seen before a single byte of HTTP.
#include "appliance/doctor/examination.h"

#include "appliance/doctor/limits.h"

#include "base/error.h"
#include "exporter/wsman/local_target.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::doctor {

using wsman::ChainState;
using wsman::NameState;
using wsman::PortState;
using wsman::TlsState;

namespace {

// As the connection itself will judge them, and before anything is asked of their ports.
bool is_any_local(const std::vector<std::string>& addresses) {
    return std::ranges::any_of(addresses, [](const std::string& address) {
        const std::string plain = address.substr(0, address.find('%'));
        const bool is_v6 = plain.find(':') != std::string::npos;
        return wsman::is_local_target(is_v6 ? "https://[" + plain + "]:1/"
                                            : "https://" + plain + ":1/");
    });
}

}  // namespace

bool Examination::is_kerberos_wanted() const {
    return host_.draft.authentication == "kerberos";
}

void Examination::look_at_name() {
    url_ = wsman::parts_of_url(host_.draft.url);
    report_.set("host", url_.host);
    report_.set("address", url_.host);
    report_.set("port", std::to_string(url_.port));
    const wsman::NameReport name = services_.network.resolve(url_.host);
    const std::string seen = fmt::format("{} is {}", url_.host, join_names(name.addresses));
    switch (name.state) {
        case NameState::known:
            report_.set("address", name.addresses.front());
            if (!services_.allows_local_names && is_any_local(name.addresses)) {
                return fail("name.leads-here", seen);
            }
            return report_.add("name.known", seen);
        case NameState::is_address: {
            const bool names_host = host_.draft.service.find('/') != std::string::npos;
            if (!is_kerberos_wanted() || names_host) return report_.add("name.address", url_.host);
            return fail("name.address-and-kerberos",
                        fmt::format("the URL is {}, the way to log in Kerberos", host_.draft.url));
        }
        case NameState::unknown:
            return fail("name.unknown", fmt::format("{}: {}", url_.host, name.detail));
        case NameState::no_answer:
            return fail("name.no-answer", fmt::format("{}: {}", url_.host, name.detail));
    }
}

void Examination::look_at_port() {
    const auto port = services_.network.connect(url_.host, url_.port, stop_);
    report_.set("address", port.address.empty() ? url_.host : port.address);
    if (port.state == PortState::open) return report_.add("port.open", port.detail);
    judge_closed_port(port);
}

// The other of WinRM's two ports tells whether the host is there at all.
void Examination::judge_closed_port(const wsman::PortReport& report) {
    if (report.state == PortState::silent) return fail("port.silent", report.detail);
    if (report.state == PortState::unroutable) return fail("port.unroutable", report.detail);
    const bool wants_tls = url_.scheme == "https";
    const std::uint16_t other_port = wants_tls ? limits::kHttpPort : limits::kHttpsPort;
    const auto other = services_.network.connect(url_.host, other_port, stop_);
    const std::string seen = fmt::format("{}; {}", report.detail, other.detail);
    if (other.state != PortState::open) return fail("port.refused", seen);
    fail(wants_tls ? "port.https-listener-missing" : "port.http-listener-missing", seen);
}

void Examination::look_at_tls() {
    if (url_.scheme != "https") {
        return report_.add("tls.none", host_.draft.url);
    }
    wsman::TlsReport report;
    try {
        report = services_.network.shake_hands(
            {.host = url_.host, .port = url_.port, .ca_file = host_.draft.ca_file}, stop_);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid) throw;
        return fail("tls.ca-unreadable", error.message());
    }
    judge_handshake(report);
}

void Examination::judge_handshake(const wsman::TlsReport& report) {
    const std::string seen = fmt::format("{} port {}: {}", url_.host, url_.port,
                                         report.detail.empty() ? "no answer" : report.detail);
    switch (report.state) {
        case TlsState::established:
            break;
        case TlsState::too_old:
            return fail("tls.too-old",
                        report.protocol.empty()
                            ? seen
                            : fmt::format("it agrees to {} at most", report.protocol));
        case TlsState::not_tls:
            return fail("tls.not-tls", seen);
        case TlsState::hung_up:
            return fail("tls.hung-up", fmt::format("{} port {}: the connection ended during the "
                                                   "handshake",
                                                   url_.host, url_.port));
        case TlsState::no_cipher:
            return fail("tls.no-cipher", seen);
        case TlsState::silent:
            return fail("tls.silent", seen);
    }
    if (!report.certificate) return fail("tls.no-cipher", "the host shows no certificate");
    report_.set("sha256", report.certificate->sha256);
    report_.set("issuer", report.certificate->issuer);
    judge_certificate(*report.certificate);
}

void Examination::judge_certificate(const wsman::CertificateReport& certificate) {
    const std::string seen = fmt::format("{} for {}, by {}, valid from {} to {}, SHA-256 {}",
                                         certificate.subject, join_names(certificate.names),
                                         certificate.issuer, format_time(certificate.not_before),
                                         format_time(certificate.not_after), certificate.sha256);
    const std::string& pin = host_.draft.pin_sha256;
    if (!pin.empty()) {
        // The pin names this one certificate; neither name nor dates matter.
        if (pin == certificate.sha256) return report_.add("tls.pinned", seen);
        return fail("tls.pin-differs", fmt::format("pinned is {}; shown is {}", pin, seen));
    }
    judge_dates(certificate, seen);
    if (!certificate.is_for_host) fail("tls.wrong-name", seen);
    const std::string why =
        certificate.chain_detail.empty() ? seen : certificate.chain_detail + ": " + seen;
    switch (certificate.chain) {
        case ChainState::trusted:
            if (blocker_.empty()) report_.add("tls.trusted", seen);
            return;
        case ChainState::self_signed:
            return fail("tls.self-signed", why);
        case ChainState::unknown_issuer:
            return fail("tls.unknown-issuer", why);
        case ChainState::wrong_purpose:
            return fail("tls.wrong-purpose", why);
        case ChainState::other:
            return fail("tls.untrusted", why);
    }
}

void Examination::judge_dates(const wsman::CertificateReport& certificate,
                              const std::string& evidence) {
    const WallTime now = services_.clock.wall_now();
    if (now > certificate.not_after) return fail("tls.expired", evidence);
    if (now < certificate.not_before) return fail("tls.not-yet-valid", evidence);
    if (certificate.not_after - now < limits::kCertificateSoon) {
        report_.add("tls.expires-soon", evidence);
    }
}

}  // namespace entrepot::doctor

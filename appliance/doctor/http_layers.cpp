// http and clock: what answers before anybody logs in.
#include "appliance/doctor/examination.h"

#include "appliance/doctor/limits.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::doctor {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kNotFound = 404;
constexpr int kProxyLogin = 407;
constexpr int kUnavailable = 503;
constexpr std::string_view kMicrosoft = "Microsoft";

std::string describe(const hyperv::HttpReport& report) {
    std::string text = fmt::format("HTTP {}", report.status);
    if (!report.server.empty()) text += fmt::format(" from {}", report.server);
    if (!report.content_type.empty()) text += fmt::format(", {}", report.content_type);
    if (!report.location.empty()) text += fmt::format(", to {}", report.location);
    if (!report.vendor.empty()) text += fmt::format(", product of {}", report.vendor);
    if (!report.schemes.empty()) text += fmt::format(", offers {}", join_names(report.schemes));
    return text;
}

}  // namespace

// A client certificate that cannot be used shows here, before the host is asked.
bool Examination::make_probe() {
    connection_ = services_.knowledge.connection_of(host_);
    connection_->waits_out_quotas = false;
    if (!options_.record_directory.empty()) {
        connection_->record_directory = options_.record_directory;
    }
    try {
        probe_ = services_.knowledge.make_probe(*connection_, stop_);
        return true;
    } catch (const Error& error) {
        const bool is_certificate =
            host_.draft.authentication == "certificate" && error.code() == ErrorCode::invalid;
        if (!is_certificate) throw;
        fail("auth.certificate-unusable", error.message());
        return false;
    }
}

void Examination::look_at_http() {
    if (!make_probe()) return;
    try {
        http_ = probe_->ask_without_login();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        return judge_http_error(error);
    }
    judge_answer();
}

void Examination::judge_http_error(const Error& error) {
    switch (error.code()) {
        case ErrorCode::timeout:
            return fail("http.silent", error.message());
        case ErrorCode::untrusted:
            return fail("http.certificate", error.message());
        default:
            return fail("http.broken", error.message());
    }
}

void Examination::judge_answer() {
    const std::string seen = describe(http_);
    const int status = http_.status;
    if (http_.is_wsman) {
        const bool is_windows = http_.vendor.find(kMicrosoft) != std::string::npos;
        return report_.add(is_windows ? "http.winrm" : "http.other-product", seen);
    }
    if (status == kUnauthorized && !http_.schemes.empty()) {
        return report_.add("http.identify-closed", seen);
    }
    if (status == kNotFound) return fail("http.not-found", seen);
    if (status == kUnavailable) return fail("http.not-ready", seen);
    if (status == kProxyLogin || status == 502 || status == 504) return fail("http.gateway", seen);
    if (status >= 300 && status < 400) return fail("http.redirect", seen);
    fail("http.other-server", seen);
}

void Examination::look_at_clock() {
    if (!http_.clock_difference) return report_.add("clock.unknown", describe(http_));
    const auto difference = *http_.clock_difference;
    const auto size = difference < difference.zero() ? -difference : difference;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(size).count();
    const std::string seen = fmt::format("the host's clock is {} s {} ours", seconds,
                                         difference < difference.zero() ? "behind" : "before");
    if (size <= limits::kClockCloseMax) return report_.add("clock.close", seen);
    if (size <= limits::kKerberosSkewMax) return report_.add("clock.differs", seen);
    report_.add(is_kerberos_wanted() ? "clock.far" : "clock.far-without-kerberos", seen);
}

}  // namespace entrepot::doctor

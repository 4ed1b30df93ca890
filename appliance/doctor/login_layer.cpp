// auth: one login, at most one more.
#include "appliance/doctor/examination.h"

#include "exporter/wsman/host_gate.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::doctor {

using wsman::LoginError;
using wsman::LoginFailure;

namespace {

std::string_view id_of(LoginFailure failure) {
    switch (failure) {
        case LoginFailure::scheme_off:
            return "auth.negotiate-off";
        case LoginFailure::refused:
            return "auth.refused";
        case LoginFailure::ticket_refused:
            return "auth.ticket-refused";
        case LoginFailure::certificate_refused:
            return "auth.certificate-refused";
        case LoginFailure::refused_afterwards:
            return "auth.loop";
        case LoginFailure::connection_closed:
            return "auth.connection-lost";
        case LoginFailure::cannot_seal:
            return "auth.cannot-seal";
        case LoginFailure::no_end:
            return "auth.no-end";
        case LoginFailure::held_back:
            return "auth.held-back";
        case LoginFailure::no_realm:
            return "auth.no-realm";
        case LoginFailure::kdc_unreachable:
            return "auth.kdc-silent";
        case LoginFailure::user_unknown:
            return "auth.user-unknown";
        case LoginFailure::service_unknown:
            return "auth.spn-unknown";
        case LoginFailure::no_ticket:
            return "auth.no-ticket";
        case LoginFailure::ticket_expired:
            return "auth.ticket-expired";
        case LoginFailure::keytab_unreadable:
            return "auth.keytab-unreadable";
        case LoginFailure::keytab_lacks_user:
            return "auth.keytab-other-user";
        case LoginFailure::password_wrong:
            return "auth.password-wrong";
        case LoginFailure::account_locked:
            return "auth.account-locked";
        case LoginFailure::password_expired:
            return "auth.password-expired";
        case LoginFailure::account_expired:
            return "auth.account-expired";
        case LoginFailure::policy:
            return "auth.policy";
        case LoginFailure::clock_skew:
            return "auth.clock-skew";
        case LoginFailure::kerberos_other:
            return "auth.kerberos-other";
    }
    return "auth.kerberos-other";
}

// Basic knows accounts of the host only. HOST\user is one; an address tells no host's name.
bool is_of_domain(const std::string& user, const std::string& host) {
    if (user.find('@') != std::string::npos) return true;
    const std::size_t slash = user.find('\\');
    if (slash == std::string::npos) return false;
    const std::string domain = user.substr(0, slash);
    if (domain.find('.') != std::string::npos) return domain != ".";
    const bool is_address = host.find_first_not_of("0123456789.:") == std::string::npos;
    const std::string short_name = host.substr(0, host.find('.'));
    return !is_address && !std::equal(domain.begin(), domain.end(), short_name.begin(),
                                      short_name.end(), [](unsigned char a, unsigned char b) {
                                          return std::tolower(a) == std::tolower(b);
                                      });
}

}  // namespace

void Examination::look_at_login() {
    const auto& draft = host_.draft;
    const bool needs_secret = draft.authentication == "basic" || draft.authentication == "ntlm" ||
                              draft.authentication == "certificate";
    if (needs_secret && !host_.has_password) {
        return fail("auth.no-secret", fmt::format("--auth {}", draft.authentication));
    }
    const auto gate = connection_->gate;
    const auto until = gate == nullptr ? std::nullopt : gate->held_back_until();
    if (until && !options_.retries_login) {
        return fail("auth.held-back", gate->last_refusal(), {{"until", format_time(*until)}});
    }
    if (until) gate->note_login();  // A person says so.
    try {
        login_ = probe_->log_in();
    } catch (const LoginError& error) {
        return judge_login(error);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        return judge_login_trouble(error);
    }
    const std::string way = login_.is_kerberos ? "Kerberos" : draft.authentication;
    const std::string seen =
        fmt::format("as {}, by {}; {}", draft.user, way, login_.product_version);
    if (!login_.why_no_kerberos.empty()) {
        report_.add("auth.ntlm-instead", login_.why_no_kerberos);
    }
    report_.add("auth.accepted", seen);
}

void Examination::judge_login(const LoginError& error) {
    const std::string seen = error.message();
    switch (error.failure()) {
        case LoginFailure::scheme_off:
            return fail(
                host_.draft.authentication == "basic" ? "auth.basic-off" : "auth.negotiate-off",
                seen);
        case LoginFailure::held_back:
            return fail("auth.held-back", seen, {{"until", "an hour has passed"}});
        case LoginFailure::refused:
        case LoginFailure::ticket_refused:
            return judge_refusal(error);
        default:
            return fail(id_of(error.failure()), seen);
    }
}

// A second attempt, the last: it tells a wrong password from a proxy that ends TLS.
void Examination::judge_refusal(const LoginError& error) {
    const std::string& authentication = host_.draft.authentication;
    const std::string& user = host_.draft.user;
    if (authentication == "basic") {
        return fail(is_of_domain(user, url_.host) ? "auth.basic-domain-account" : "auth.refused",
                    error.message());
    }
    const bool binds = url_.scheme == "https" && connection_->binds_channel;
    if (binds && probe_->can_log_in_without_channel_binding()) {
        if (connection_->gate != nullptr) connection_->gate->note_login();
        return fail("auth.channel-binding", error.message());
    }
    if (binds && connection_->gate != nullptr) connection_->gate->note_refusal(error.message());
    fail(id_of(error.failure()),
         fmt::format("{} ({} in all)", error.message(), binds ? "two attempts" : "one attempt"));
}

void Examination::judge_login_trouble(const Error& error) {
    switch (error.code()) {
        case ErrorCode::protocol:
            return fail(url_.scheme == "https" ? "http.broken" : "auth.seal-broken",
                        error.message());
        case ErrorCode::unreachable:
            return fail("auth.connection-lost", error.message());
        case ErrorCode::timeout:
            return fail("http.silent", error.message());
        case ErrorCode::access_denied:
            return fail("rights.winrm-denied", error.message());
        case ErrorCode::busy:
            return fail("quota.exceeded", error.message());
        default:
            report_.add_unexpected("auth", error);
            blocker_ = report_.checks().back().id;
    }
}

}  // namespace entrepot::doctor

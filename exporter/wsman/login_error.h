// Why a login came to nothing, told apart as far as that can be seen from outside (wsman 11).
#pragma once

#include "base/error.h"

#include <string>

namespace entrepot::wsman {

enum class LoginFailure {
    // What the host answers.
    scheme_off,           ///< It does not offer the way to log in that we want.
    refused,              ///< It refuses user and password, and says no more.
    ticket_refused,       ///< The KDC gave a ticket, and the host does not take it.
    certificate_refused,  ///< It maps our client certificate to no account.
    refused_afterwards,   ///< The login went well, and the request after it was refused.
    connection_closed,    ///< It closes the connection in the middle, or after each login.
    cannot_seal,          ///< Without TLS messages must be sealed, which this way cannot.
    no_end,               ///< The exchange of tokens does not end.
    held_back,            ///< Refused before; not tried again, so that nothing is locked out.

    // What the Kerberos library says.
    no_realm,         ///< Nothing says which realm the user or the host belongs to.
    kdc_unreachable,  ///< No KDC answers.
    user_unknown,
    service_unknown,  ///< The KDC knows no such service (SPN).
    no_ticket,        ///< No password, no keytab, and no ticket in the cache.
    ticket_expired,
    keytab_unreadable,  ///< What was given as a keytab is none, or is empty.
    keytab_lacks_user,
    password_wrong,
    account_locked,  ///< Or disabled.
    password_expired,
    account_expired,
    policy,  ///< The KDC's policy forbids it, or it refuses without a reason.
    clock_skew,
    kerberos_other,
};

/// A login that failed. Its message explains, `failure()` decides.
class LoginError : public Error {
public:
    LoginError(LoginFailure failure, ErrorCode code, const std::string& message,
               const std::string& hint = {})
        : Error(code, message, hint), failure_(failure) {}
    LoginFailure failure() const { return failure_; }

private:
    LoginFailure failure_;
};

/// True if somebody looked at the account and said no: asking again may lock it.
inline bool is_refusal(LoginFailure failure) {
    switch (failure) {
        case LoginFailure::refused:
        case LoginFailure::ticket_refused:
        case LoginFailure::certificate_refused:
        case LoginFailure::refused_afterwards:
        case LoginFailure::held_back:
        case LoginFailure::password_wrong:
        case LoginFailure::account_locked:
        case LoginFailure::password_expired:
        case LoginFailure::account_expired:
        case LoginFailure::policy:
            return true;
        case LoginFailure::scheme_off:
        case LoginFailure::connection_closed:
        case LoginFailure::cannot_seal:
        case LoginFailure::no_end:
        case LoginFailure::no_realm:
        case LoginFailure::kdc_unreachable:
        case LoginFailure::user_unknown:
        case LoginFailure::service_unknown:
        case LoginFailure::no_ticket:
        case LoginFailure::ticket_expired:
        case LoginFailure::keytab_unreadable:
        case LoginFailure::keytab_lacks_user:
        case LoginFailure::clock_skew:
        case LoginFailure::kerberos_other:
            return false;
    }
    return false;
}

}  // namespace entrepot::wsman

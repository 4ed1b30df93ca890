// Users, sessions, tokens, links and the audit log together, and what concerns several of them:
// setting up, signing in, changing a password or a role. Follows the public interfaces, "REST and
// console", and the threats F-WB-01 to F-WB-08 and F-WB-20.
#pragma once

#include "appliance/access/audit_log.h"
#include "appliance/access/links.h"
#include "appliance/access/password_hasher.h"
#include "appliance/access/sessions.h"
#include "appliance/access/throttle.h"
#include "appliance/access/tokens.h"
#include "appliance/access/users.h"
#include "appliance/state/settings.h"

#include "base/log.h"
#include "base/secret.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot::access {

/// What came of a try to sign in.
struct SignIn {
    std::optional<Session> session;  ///< Nothing: refused, or too early.
    std::chrono::seconds wait{0};    ///< Above zero: too early; try again after it.
};

/// What a link is for.
struct LinkPurpose {
    bool is_setup = false;
    std::string user_name;  ///< Empty for the setup.
};

/// What it is given outlives it. Safe to share between threads.
class Access {
public:
    Access(Clock& clock, Random& random, Log& log, state::Database& database,
           state::SettingStore& settings, const HashOptions& hash_options = {});

    /// Until the first administrator exists; then closed for ever.
    bool is_setup_open();
    /// Error{conflict} once the setup is closed.
    NewLink make_setup_link();
    /// A link with which the user chooses a password. Error{not_found}.
    NewLink make_user_link(const std::string& user_name);
    /// Error{unauthenticated} if it is unknown, spent or too old.
    LinkPurpose look_at_link(std::string_view token);
    /// Spends the link: makes the first administrator, or gives a user a new password; all former
    /// sessions of the user end. `user_name` counts for the setup only. Errors as look_at_link(),
    /// check_new_password() and UserStore::add(); the link lives on where it fails.
    Session redeem_link(std::string_view token, const std::string& user_name,
                        const Secret& password, const Origin& origin);

    /// A wrong password, an unknown user and a disabled one look alike, and take as long.
    SignIn sign_in(const std::string& user_name, const Secret& password, const Origin& origin);
    /// The session's user gives the password again. A SignIn without a session: refused.
    SignIn confirm(const User& user, const Secret& password, const Origin& origin);

    /// Whom the refused sign-ins come from, and whom they are for, where there were many.
    std::vector<SignInThrottle::Suspect> list_suspects() { return throttle_.list_suspects(); }

    /// `password` may be absent: then the user needs a link. Errors as UserStore::add().
    UserRecord add_user(const std::string& name, Privilege role,
                        const std::optional<Secret>& password);
    /// Whoever loses or gains a role, or is disabled, is signed out.
    void set_role(const std::string& user_name, Privilege role);
    void set_disabled(const std::string& user_name, bool is_disabled);
    /// Ends all sessions of the user but one, and the links.
    void set_password(const std::string& user_name, const Secret& password,
                      const std::string& but_session_id = {});
    void remove_user(const std::string& user_name);

    /// The user of a token's secret, with the lesser of the token's and its owner's privilege;
    /// nullopt if the token or its owner is gone, ended or disabled.
    std::optional<User> find_token_user(std::string_view secret);
    /// Whether the session or token of a user who is being answered still lives.
    bool is_alive(const User& user);

private:
    void close_setup();

    Clock& clock_;
    Log& log_;
    state::SettingStore& settings_;
    PasswordHasher hasher_;
    SignInThrottle throttle_;
    std::mutex setup_mutex_;  ///< One link, one administrator.

public:
    UserStore users;
    LinkStore links;
    TokenStore tokens;
    SessionStore sessions;
    AuditLog audit;
};

}  // namespace entrepot::access

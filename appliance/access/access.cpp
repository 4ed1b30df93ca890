// Setting up, signing in, and what ends with what; see access.h.
#include "appliance/access/access.h"

#include "base/error.h"

#include <algorithm>

namespace entrepot::access {
namespace {

// Where it is, the setup is closed for ever, whoever is removed later (F-WB-08).
constexpr std::string_view kSetupDoneSetting = "access_setup_done";
constexpr std::chrono::seconds kBusyWait{2};

[[noreturn]] void refuse_link() {
    throw Error{ErrorCode::unauthenticated, "this link is unknown, was already used, or is too old",
                "entrepot user link on the appliance makes a new one"};
}

}  // namespace

Access::Access(Clock& clock, Random& random, Log& log, state::Database& database,
               state::SettingStore& settings, const HashOptions& hash_options)
    : clock_(clock),
      log_(log),
      settings_(settings),
      hasher_(random, hash_options),
      throttle_(clock),
      users(database, clock, random),
      links(database, clock, random),
      tokens(database, clock, random),
      sessions(clock, random),
      audit(database, clock) {}

bool Access::is_setup_open() {
    return !settings_.find(kSetupDoneSetting);
}

void Access::close_setup() {
    settings_.put(kSetupDoneSetting, true);
    links.end_all_of("");
}

NewLink Access::make_setup_link() {
    const std::scoped_lock lock{setup_mutex_};
    if (!is_setup_open()) {
        throw Error{ErrorCode::conflict, "the setup is done: there are users",
                    "entrepot user link NAME makes a link for one of them"};
    }
    return links.make("");
}

NewLink Access::make_user_link(const std::string& user_name) {
    return links.make(users.get(user_name).id);
}

LinkPurpose Access::look_at_link(std::string_view token) {
    const auto user_id = links.find(token);
    if (!user_id) refuse_link();
    if (user_id->empty()) {
        if (!is_setup_open()) refuse_link();
        return {.is_setup = true, .user_name = {}};
    }
    const auto user = users.find_id(*user_id);
    if (!user || user->is_disabled) refuse_link();
    return {.is_setup = false, .user_name = user->name};
}

Session Access::redeem_link(std::string_view token, const std::string& user_name,
                            const Secret& password, const Origin& origin) {
    const std::scoped_lock lock{setup_mutex_};
    const LinkPurpose purpose = look_at_link(token);
    const std::string name = purpose.is_setup ? user_name : purpose.user_name;
    check_new_password(password, name);
    const std::string hash = hasher_.hash(password);
    UserRecord user;
    if (purpose.is_setup) {
        user = users.add(name, Privilege::administrator, hash);
        close_setup();
    } else {
        user = users.get(name);
        users.set_password_hash(user.id, hash);
        sessions.end_all_of(user.id);
        links.end_all_of(user.id);
    }
    users.remember_sign_in(user.id);
    throttle_.forgive(user.name, origin.address);
    return sessions.begin(user.id, user.name, user.role, origin);
}

SignIn Access::sign_in(const std::string& user_name, const Secret& password, const Origin& origin) {
    SignIn result;
    result.wait = throttle_.begin_try(user_name, origin.address);
    if (result.wait.count() > 0) return result;
    const auto user = users.find(user_name);
    const bool may_enter = user && !user->is_disabled;
    const std::string hash = may_enter ? users.read_password_hash(user->id) : std::string{};
    try {
        if (!hasher_.matches(password, hash)) {
            log_.warning("sign-in refused", {{"user", user_name}, {"from", origin.address}});
            return result;
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::busy) throw;
        result.wait = kBusyWait;
        return result;
    }
    throttle_.forgive(user_name, origin.address);
    users.remember_sign_in(user->id);
    result.session = sessions.begin(user->id, user->name, user->role, origin);
    return result;
}

SignIn Access::confirm(const User& user, const Secret& password, const Origin& origin) {
    SignIn result;
    result.wait = throttle_.begin_try(user.name, origin.address);
    if (result.wait.count() > 0) return result;
    if (!hasher_.matches(password, users.read_password_hash(user.user_id))) {
        log_.warning("password refused", {{"user", user.name}, {"from", origin.address}});
        return result;
    }
    throttle_.forgive(user.name, origin.address);
    sessions.confirm(user.credential_id);
    const auto all = sessions.list();
    const auto own = std::find_if(all.begin(), all.end(), [&](const Session& session) {
        return session.id == user.credential_id;
    });
    if (own != all.end()) result.session = *own;
    return result;
}

UserRecord Access::add_user(const std::string& name, Privilege role,
                            const std::optional<Secret>& password) {
    std::string hash;
    if (password) {
        check_new_password(*password, name);
        hash = hasher_.hash(*password);
    }
    const std::scoped_lock lock{setup_mutex_};
    UserRecord user = users.add(name, role, hash);
    if (role == Privilege::administrator) close_setup();
    return user;
}

void Access::set_role(const std::string& user_name, Privilege role) {
    const UserRecord user = users.get(user_name);
    users.set_role(user.id, role);
    sessions.end_all_of(user.id);
    if (role == Privilege::administrator) close_setup();
}

void Access::set_disabled(const std::string& user_name, bool is_disabled) {
    const UserRecord user = users.get(user_name);
    users.set_disabled(user.id, is_disabled);
    if (is_disabled) sessions.end_all_of(user.id);
}

void Access::set_password(const std::string& user_name, const Secret& password,
                          const std::string& but_session_id) {
    const UserRecord user = users.get(user_name);
    check_new_password(password, user.name);
    users.set_password_hash(user.id, hasher_.hash(password));
    links.end_all_of(user.id);
    sessions.end_all_of(user.id, but_session_id);
}

void Access::remove_user(const std::string& user_name) {
    const UserRecord user = users.get(user_name);
    users.remove(user.id);
    sessions.end_all_of(user.id);
}

std::optional<User> Access::find_token_user(std::string_view secret) {
    const auto token = tokens.find(secret);
    if (!token) return std::nullopt;
    User user;
    user.via = Via::token;
    user.credential_id = token->id;
    user.is_confirmed = token->draft.may_destroy;
    user.privilege = token->draft.role;
    user.user_id = token->draft.user_id;
    if (user.user_id.empty()) {
        user.name = "token " + token->draft.name;
        return user;
    }
    const auto owner = users.find_id(user.user_id);
    if (!owner || owner->is_disabled) return std::nullopt;
    user.name = owner->name;
    user.privilege = std::min(user.privilege, owner->role);
    return user;
}

bool Access::is_alive(const User& user) {
    switch (user.via) {
        case Via::nothing:
        case Via::local:
            return true;
        case Via::session:
            return sessions.is_alive(user.credential_id);
        case Via::token: {
            const auto token = tokens.find_id(user.credential_id);
            if (!token || token->draft.expires <= clock_.wall_now()) return false;
            if (user.user_id.empty()) return true;
            const auto owner = users.find_id(user.user_id);
            return owner && !owner->is_disabled;
        }
    }
    return false;
}

}  // namespace entrepot::access

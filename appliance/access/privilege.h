// Who may do what: a closed list of privileges, each including the one before it. A user's role is
// a privilege other than none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace entrepot::access {

enum class Privilege {
    none,              ///< Answered without signing in.
    viewer,            ///< Sees everything but secrets.
    restore_operator,  ///< And gets data out.
    operator_,         ///< And runs jobs.
    administrator,     ///< And changes the configuration, deletes, holds keys.
};

/// The name as it stands in the OpenAPI document: "none", "viewer", "restore-operator", "operator",
/// "administrator".
std::string_view to_string(Privilege privilege);
/// The privilege of a name; nullopt for a name that we do not know.
std::optional<Privilege> privilege_from(std::string_view name);
/// The role of a name. Error{invalid} for "none" and for a name that we do not know.
Privilege role_from(std::string_view name);

/// How a request proved who it is from.
enum class Via { nothing, local, session, token };

/// "nothing", "local", "session", "token"
std::string_view to_string(Via via);

/// Who asks, as the transport proved it.
struct User {
    std::string name;
    Privilege privilege = Privilege::none;
    /// Came over the local socket or runs in this process: the machine's own administrator.
    bool is_local = false;
    Via via = Via::nothing;
    std::string user_id;        ///< Empty for the machine's own administrator.
    std::string credential_id;  ///< Of the session or the token.
    /// Gave the password a short time ago, or is a token that was made for it: may do what destroys
    /// or reveals.
    bool is_confirmed = false;
};

/// Whoever may open the local socket or the data directory.
User local_administrator();

}  // namespace entrepot::access

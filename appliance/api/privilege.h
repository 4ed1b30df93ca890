// Who may do what over the API: a closed list of privileges, each including the one before it.
#pragma once

#include <string>
#include <string_view>

namespace entrepot::api {

enum class Privilege {
    none,              ///< Answered without a session.
    viewer,            ///< Sees everything but secrets.
    restore_operator,  ///< And gets data out.
    operator_,         ///< And runs jobs.
    administrator,     ///< And changes the configuration, deletes, holds keys.
};

/// The name as it stands in the OpenAPI document: "none", "viewer", "restore-operator", "operator",
/// "administrator".
std::string_view to_string(Privilege privilege);

/// Who asks, as the transport proved it.
struct User {
    std::string name;
    Privilege privilege = Privilege::none;
    /// Came over the local socket or runs in this process: the machine's own administrator.
    bool is_local = false;
};

}  // namespace entrepot::api

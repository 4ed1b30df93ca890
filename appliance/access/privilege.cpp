// Names of privileges.
#include "appliance/access/privilege.h"

#include "base/error.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace entrepot::access {
namespace {

constexpr std::array<std::pair<Privilege, std::string_view>, 5> kPrivileges{{
    {Privilege::none, "none"},
    {Privilege::viewer, "viewer"},
    {Privilege::restore_operator, "restore-operator"},
    {Privilege::operator_, "operator"},
    {Privilege::administrator, "administrator"},
}};

}  // namespace

std::string_view to_string(Privilege privilege) {
    for (const auto& [known, name] : kPrivileges) {
        if (known == privilege) return name;
    }
    return "administrator";
}

std::optional<Privilege> privilege_from(std::string_view name) {
    for (const auto& [known, known_name] : kPrivileges) {
        if (known_name == name) return known;
    }
    return std::nullopt;
}

Privilege role_from(std::string_view name) {
    const auto role = privilege_from(name);
    if (role && *role != Privilege::none) return *role;
    throw Error{ErrorCode::invalid, fmt::format("\"{}\" is no role", name),
                "roles are viewer, restore-operator, operator and administrator"};
}

std::string_view to_string(Via via) {
    switch (via) {
        case Via::nothing:
            return "nothing";
        case Via::local:
            return "local";
        case Via::session:
            return "session";
        case Via::token:
            return "token";
    }
    return "nothing";
}

User local_administrator() {
    User user;
    user.name = "command line";
    user.privilege = Privilege::administrator;
    user.is_local = true;
    user.via = Via::local;
    user.is_confirmed = true;
    return user;
}

}  // namespace entrepot::access

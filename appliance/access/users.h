// The people who may sign in, in the state database.
#pragma once

#include "appliance/access/privilege.h"
#include "appliance/state/database.h"

#include "base/clock.h"
#include "base/random.h"

#include <optional>
#include <string>
#include <vector>

namespace entrepot::access {

struct UserRecord {
    std::string id;
    std::string name;
    Privilege role = Privilege::viewer;
    bool has_password = false;  ///< Without one, only a link lets them in.
    bool is_disabled = false;
    WallTime created{};
    std::optional<WallTime> password_changed;
    std::optional<WallTime> last_sign_in;
};

/// Safe to share between threads. At least one administrator who is not disabled remains, whatever
/// is asked: Error{conflict}.
class UserStore {
public:
    UserStore(state::Database& database, Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}

    /// `password_hash` may be empty. Error{already_exists} whatever the name's letter case,
    /// Error{invalid}, Error{limit}.
    UserRecord add(const std::string& name, Privilege role, const std::string& password_hash);
    /// Error{not_found}.
    UserRecord get(const std::string& name);
    std::optional<UserRecord> find(const std::string& name);
    std::optional<UserRecord> find_id(const std::string& id);
    std::vector<UserRecord> list();
    bool is_empty();

    void set_role(const std::string& id, Privilege role);
    void set_disabled(const std::string& id, bool is_disabled);
    void set_password_hash(const std::string& id, const std::string& hash);
    void remember_sign_in(const std::string& id);
    void remove(const std::string& id);

    /// Empty if the user has no password or is unknown.
    std::string read_password_hash(const std::string& id);

private:
    state::Database& database_;
    Clock& clock_;
    Random& random_;
};

}  // namespace entrepot::access

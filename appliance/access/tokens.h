// API tokens: for scripts and monitoring, with a scope and an end. Kept as digests in the state
// database.
#pragma once

#include "appliance/access/privilege.h"
#include "appliance/state/database.h"

#include "base/clock.h"
#include "base/random.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::access {

/// What every token begins with, so that people and scanners know one when they see it.
inline constexpr std::string_view kTokenPrefix = "entrepot_";

struct TokenDraft {
    std::string name{};
    std::string user_id{};  ///< Empty: of the machine's own administrator.
    Privilege role = Privilege::viewer;
    /// May do what asks a person for the password again.
    bool may_destroy = false;
    WallTime expires{};
};

struct TokenRecord {
    std::string id;
    TokenDraft draft;
    WallTime created{};
    std::optional<WallTime> last_used;
};

struct NewToken {
    TokenRecord record;
    std::string secret;  ///< Shown once.
};

/// Safe to share between threads.
class TokenStore {
public:
    TokenStore(state::Database& database, Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}

    /// Error{invalid} for a name or an end out of bounds, Error{limit}.
    NewToken add(const TokenDraft& draft);
    /// The living token of a secret; remembers that it was used.
    std::optional<TokenRecord> find(std::string_view secret);
    std::optional<TokenRecord> find_id(const std::string& id);
    /// Ended ones, too, until they are revoked.
    std::vector<TokenRecord> list();
    /// Returns whether it was there.
    bool revoke(const std::string& id);

private:
    state::Database& database_;
    Clock& clock_;
    Random& random_;
};

}  // namespace entrepot::access

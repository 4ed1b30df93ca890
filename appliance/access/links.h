// One-time links: the setup link, with which the first administrator chooses a name and a password,
// and links with which a user chooses a (new) password. Kept as digests in the state database, so
// that one may be made while no daemon runs.
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"
#include "base/random.h"

#include <optional>
#include <string>
#include <string_view>

namespace entrepot::access {

struct NewLink {
    std::string token;  ///< Shown once; what the address ends in.
    WallTime expires{};
};

/// Safe to share between threads.
class LinkStore {
public:
    LinkStore(state::Database& database, Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}

    /// A new link; older ones of the same user end. An empty user id stands for the setup, whose
    /// older links live on: each start of the daemon prints one, and any of them may be at hand.
    NewLink make(const std::string& user_id);

    /// The user's id of a living link; nullopt if it is unknown, spent or too old.
    std::optional<std::string> find(std::string_view token);

    /// Ends all links of a user, or of the setup.
    void end_all_of(const std::string& user_id);

private:
    state::Database& database_;
    Clock& clock_;
    Random& random_;
};

}  // namespace entrepot::access

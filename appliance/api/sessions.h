// Browser sessions: one-time links, cookies, and the tokens against forged requests. Kept in memory
// only; a restart signs everybody out.
#pragma once

#include "appliance/api/privilege.h"

#include "base/clock.h"
#include "base/random.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot::api {

struct Session {
    std::string cookie;      ///< Known only when the session is made; empty in a lookup.
    std::string csrf_token;  ///< To be repeated in a header by every request that changes anything.
    User user;
    WallTime expires{};
};

/// Safe to share between threads. Holds only SHA-256 digests of what it gives out, so that a look
/// into its memory opens nothing.
class SessionStore {
public:
    SessionStore(Clock& clock, Random& random) : clock_(clock), random_(random) {}

    /// A token for one sign-in within a day.
    std::string make_link_token();

    /// Spends the token. Error{unauthenticated} if it is unknown, spent or too old; Error{limit}
    /// if there are too many sessions.
    Session exchange(std::string_view token);

    /// The living session of a cookie's value; using it keeps it alive.
    std::optional<Session> find(std::string_view cookie);

    void end(std::string_view cookie);

private:
    struct Entry {
        std::string csrf_token;
        User user;
        WallTime begun{};
        WallTime used{};
    };

    std::string make_token();
    void drop_expired(WallTime now);

    Clock& clock_;
    Random& random_;
    std::mutex mutex_;
    std::map<std::string, WallTime> links_;  ///< Digest of the token to the end of its life.
    std::map<std::string, Entry> sessions_;  ///< By digest of the cookie.
};

}  // namespace entrepot::api

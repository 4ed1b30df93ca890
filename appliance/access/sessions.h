// Browser sessions: cookies and the tokens against forged requests. Kept in memory only; a restart
// signs everybody out.
#pragma once

#include "appliance/access/privilege.h"

#include "base/clock.h"
#include "base/random.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::access {

/// Where a sign-in came from; shown in the list of sessions and in the audit log.
struct Origin {
    std::string address;
    std::string user_agent;
};

struct Session {
    std::string id;          ///< Names it in lists; opens nothing.
    std::string cookie;      ///< Known only when the session is made; empty in a lookup.
    std::string csrf_token;  ///< To be repeated in a header by every request that changes anything.
    User user;
    Origin origin;
    WallTime begun{};
    WallTime used{};
    WallTime expires{};
};

/// Safe to share between threads. Holds only SHA-256 digests of the cookies it gives out, so that a
/// look into its memory opens nothing.
class SessionStore {
public:
    SessionStore(Clock& clock, Random& random) : clock_(clock), random_(random) {}

    /// A session with a cookie of its own. The user's oldest one ends where there are too many.
    /// Error{limit} if there are too many of all users.
    Session begin(const std::string& user_id, const std::string& user_name, Privilege role,
                  const Origin& origin);

    /// The living session of a cookie's value; using it keeps it alive.
    std::optional<Session> find(std::string_view cookie);
    /// Whether a session lives, without keeping it alive.
    bool is_alive(const std::string& id);

    /// The password was given again: for a while the session may do what destroys or reveals.
    void confirm(const std::string& id);

    std::vector<Session> list();
    void end(std::string_view cookie);
    /// Returns whether it was there.
    bool end_id(const std::string& id);
    /// All of a user but, where one is named, the one that goes on.
    void end_all_of(const std::string& user_id, const std::string& but_id = {});

private:
    struct Entry {
        Session session;
        WallTime confirmed{};
    };

    void drop_expired(WallTime now);
    void make_room_for(const std::string& user_id);

    Clock& clock_;
    Random& random_;
    std::mutex mutex_;
    std::map<std::string, Entry> sessions_;  ///< By digest of the cookie.
};

}  // namespace entrepot::access

// Sessions in memory, found by digest.
#include "appliance/access/sessions.h"

#include "appliance/access/limits.h"
#include "appliance/access/secret_text.h"

#include "base/error.h"

#include <algorithm>

namespace entrepot::access {
namespace {

// Made from the cookie, which nobody else knows: a page that is loaded again learns it from us.
std::string csrf_token_of(std::string_view cookie) {
    return digest_of("csrf " + std::string{cookie});
}

}  // namespace

void SessionStore::drop_expired(WallTime now) {
    std::erase_if(sessions_, [&](const auto& item) {
        const Session& session = item.second.session;
        return session.used + limits::kSessionIdleMax <= now || session.expires <= now;
    });
}

void SessionStore::make_room_for(const std::string& user_id) {
    std::size_t count = 0;
    auto oldest = sessions_.end();
    for (auto item = sessions_.begin(); item != sessions_.end(); ++item) {
        if (item->second.session.user.user_id != user_id) continue;
        ++count;
        const bool is_older =
            oldest == sessions_.end() || item->second.session.used < oldest->second.session.used;
        if (is_older) oldest = item;
    }
    if (count >= limits::kSessionsPerUserMax) sessions_.erase(oldest);
    if (sessions_.size() >= limits::kSessionsMax) {
        throw Error{ErrorCode::limit, "there are too many sessions"};
    }
}

Session SessionStore::begin(const std::string& user_id, const std::string& user_name,
                            Privilege role, const Origin& origin) {
    const std::scoped_lock lock{mutex_};
    const WallTime now = clock_.wall_now();
    drop_expired(now);
    make_room_for(user_id);
    Session session;
    session.id = make_id(random_);
    session.user.name = user_name;
    session.user.privilege = role;
    session.user.via = Via::session;
    session.user.user_id = user_id;
    session.user.credential_id = session.id;
    session.origin = origin;
    session.origin.user_agent.resize(
        std::min(origin.user_agent.size(), limits::kUserAgentBytesMax));
    session.begun = now;
    session.used = now;
    session.expires = now + limits::kSessionLifeMax;
    const std::string cookie = make_secret_text(random_);
    session.csrf_token = csrf_token_of(cookie);
    sessions_[digest_of(cookie)] = Entry{session, now};
    session.cookie = cookie;
    session.user.is_confirmed = true;
    return session;
}

std::optional<Session> SessionStore::find(std::string_view cookie) {
    const std::scoped_lock lock{mutex_};
    const WallTime now = clock_.wall_now();
    drop_expired(now);
    const auto found = sessions_.find(digest_of(cookie));
    if (found == sessions_.end()) return std::nullopt;
    found->second.session.used = now;
    Session session = found->second.session;
    session.user.is_confirmed = found->second.confirmed + limits::kConfirmationLife > now;
    return session;
}

bool SessionStore::is_alive(const std::string& id) {
    const std::scoped_lock lock{mutex_};
    drop_expired(clock_.wall_now());
    return std::any_of(sessions_.begin(), sessions_.end(),
                       [&](const auto& item) { return item.second.session.id == id; });
}

void SessionStore::confirm(const std::string& id) {
    const std::scoped_lock lock{mutex_};
    for (auto& [digest, entry] : sessions_) {
        if (entry.session.id == id) entry.confirmed = clock_.wall_now();
    }
}

std::vector<Session> SessionStore::list() {
    const std::scoped_lock lock{mutex_};
    drop_expired(clock_.wall_now());
    std::vector<Session> sessions;
    for (const auto& [digest, entry] : sessions_) {
        sessions.push_back(entry.session);
        sessions.back().csrf_token.clear();
    }
    std::sort(sessions.begin(), sessions.end(),
              [](const Session& a, const Session& b) { return a.begun < b.begun; });
    return sessions;
}

void SessionStore::end(std::string_view cookie) {
    const std::scoped_lock lock{mutex_};
    sessions_.erase(digest_of(cookie));
}

bool SessionStore::end_id(const std::string& id) {
    const std::scoped_lock lock{mutex_};
    return std::erase_if(sessions_,
                         [&](const auto& item) { return item.second.session.id == id; }) > 0;
}

void SessionStore::end_all_of(const std::string& user_id, const std::string& but_id) {
    const std::scoped_lock lock{mutex_};
    std::erase_if(sessions_, [&](const auto& item) {
        const Session& session = item.second.session;
        return session.user.user_id == user_id && session.id != but_id;
    });
}

}  // namespace entrepot::access

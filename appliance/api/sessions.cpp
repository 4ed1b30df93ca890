// Sessions in memory, found by digest.
#include "appliance/api/sessions.h"

#include "base/bytes.h"
#include "base/error.h"

#include <openssl/sha.h>

#include <array>

namespace entrepot::api {
namespace {

using std::chrono::hours;

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kSessionsMax = 256;
constexpr std::size_t kLinksMax = 16;
constexpr hours kLinkLife{24};
constexpr hours kIdleLife{12};
constexpr hours kSessionLife{24 * 7};

// A map keyed by the digest leaks nothing useful through the time of its comparison: the attacker
// does not choose the digest.
std::string digest_of(std::string_view token) {
    std::array<std::byte, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return to_hex(digest);
}

}  // namespace

std::string SessionStore::make_token() {
    std::array<std::byte, kTokenBytes> bytes{};
    random_.fill(bytes);
    return to_hex(bytes);
}

void SessionStore::drop_expired(WallTime now) {
    std::erase_if(links_, [&](const auto& link) { return link.second <= now; });
    std::erase_if(sessions_, [&](const auto& item) {
        return item.second.used + kIdleLife <= now || item.second.begun + kSessionLife <= now;
    });
}

std::string SessionStore::make_link_token() {
    const std::scoped_lock lock{mutex_};
    const WallTime now = clock_.wall_now();
    drop_expired(now);
    if (links_.size() >= kLinksMax) {
        throw Error{ErrorCode::limit, "there are too many unused sign-in links",
                    "use one of them, or wait until they expire"};
    }
    std::string token = make_token();
    links_[digest_of(token)] = now + kLinkLife;
    return token;
}

Session SessionStore::exchange(std::string_view token) {
    const std::scoped_lock lock{mutex_};
    const WallTime now = clock_.wall_now();
    drop_expired(now);
    const auto link = links_.find(digest_of(token));
    if (link == links_.end()) {
        throw Error{ErrorCode::unauthenticated,
                    "this sign-in link is unknown, was already used, or is too old",
                    "restart the daemon to get a new one"};
    }
    if (sessions_.size() >= kSessionsMax) {
        throw Error{ErrorCode::limit, "there are too many sessions"};
    }
    links_.erase(link);
    Session session{make_token(), make_token(), {"console", Privilege::administrator, false}, {}};
    sessions_[digest_of(session.cookie)] = Entry{session.csrf_token, session.user, now, now};
    session.expires = now + kSessionLife;
    return session;
}

std::optional<Session> SessionStore::find(std::string_view cookie) {
    const std::scoped_lock lock{mutex_};
    const WallTime now = clock_.wall_now();
    drop_expired(now);
    const auto found = sessions_.find(digest_of(cookie));
    if (found == sessions_.end()) return std::nullopt;
    Entry& entry = found->second;
    entry.used = now;
    return Session{{}, entry.csrf_token, entry.user, entry.begun + kSessionLife};
}

void SessionStore::end(std::string_view cookie) {
    const std::scoped_lock lock{mutex_};
    sessions_.erase(digest_of(cookie));
}

}  // namespace entrepot::api

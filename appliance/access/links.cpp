// Rows of access_links; see links.h.
#include "appliance/access/links.h"

#include "appliance/access/limits.h"
#include "appliance/access/secret_text.h"
#include "appliance/state/statement.h"

namespace entrepot::access {

using state::execute;
using state::query;
using state::Rows;
using state::to_sql;

NewLink LinkStore::make(const std::string& user_id) {
    const WallTime now = clock_.wall_now();
    NewLink link{make_secret_text(random_), now + limits::kLinkLife};
    database_.transact([&](Poco::Data::Session& session) {
        execute(session, "DELETE FROM access_links WHERE expires <= ?", {to_sql(now)});
        if (!user_id.empty()) {
            execute(session, "DELETE FROM access_links WHERE user_id = ?", {user_id});
        }
        // The oldest go, so that a daemon that starts again and again can still print one.
        execute(
            session,
            "DELETE FROM access_links WHERE user_id = '' AND digest NOT IN "
            "(SELECT digest FROM access_links WHERE user_id = '' ORDER BY expires DESC LIMIT ?)",
            {static_cast<std::int64_t>(limits::kLinksMax - 1)});
        execute(session, "INSERT INTO access_links (digest, user_id, expires) VALUES (?, ?, ?)",
                {digest_of(link.token), user_id, to_sql(link.expires)});
    });
    return link;
}

std::optional<std::string> LinkStore::find(std::string_view token) {
    std::optional<std::string> user_id;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows =
            query(session, "SELECT user_id FROM access_links WHERE digest = ? AND expires > ?",
                  {digest_of(token), to_sql(clock_.wall_now())});
        if (!rows.empty()) user_id = rows.text(0, 0);
    });
    return user_id;
}

void LinkStore::end_all_of(const std::string& user_id) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session, "DELETE FROM access_links WHERE user_id = ?", {user_id});
    });
}

}  // namespace entrepot::access

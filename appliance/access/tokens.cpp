// Rows of api_tokens; see tokens.h.
#include "appliance/access/tokens.h"

#include "appliance/access/limits.h"
#include "appliance/access/secret_text.h"
#include "appliance/state/names.h"
#include "appliance/state/statement.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::access {
namespace {

using state::execute;
using state::query;
using state::Rows;
using state::to_sql;
using Session = Poco::Data::Session;

constexpr const char* kColumns =
    "SELECT id, name, user_id, role, may_destroy, expires, created, last_used FROM api_tokens";

TokenRecord read_row(const Rows& rows, std::size_t row) {
    return {.id = rows.text(row, 0),
            .draft = {.name = rows.text(row, 1),
                      .user_id = rows.text(row, 2),
                      .role = role_from(rows.text(row, 3)),
                      .may_destroy = rows.number(row, 4) != 0,
                      .expires = rows.time(row, 5)},
            .created = rows.time(row, 6),
            .last_used = rows.optional_time(row, 7)};
}

void check_draft(const TokenDraft& draft, WallTime now) {
    state::check_name("token", draft.name);
    if (draft.expires <= now || draft.expires > now + limits::kTokenLifeMax) {
        throw Error{ErrorCode::invalid, "a token ends within a year from now"};
    }
}

}  // namespace

NewToken TokenStore::add(const TokenDraft& draft) {
    const WallTime now = clock_.wall_now();
    check_draft(draft, now);
    NewToken token;
    token.secret = std::string{kTokenPrefix} + make_secret_text(random_);
    token.record = {make_id(random_), draft, now, {}};
    database_.transact([&](Session& session) {
        const Rows own =
            query(session, "SELECT id FROM api_tokens WHERE user_id = ?", {draft.user_id});
        if (own.size() >= limits::kTokensPerUserMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("there are {} tokens already", limits::kTokensPerUserMax),
                        "revoke those that are not used any more"};
        }
        execute(session,
                "INSERT INTO api_tokens (id, digest, name, user_id, role, may_destroy, expires, "
                "created, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                {token.record.id, digest_of(token.secret), draft.name, draft.user_id,
                 std::string{to_string(draft.role)}, std::int64_t{draft.may_destroy ? 1 : 0},
                 to_sql(draft.expires), to_sql(now)});
    });
    return token;
}

std::optional<TokenRecord> TokenStore::find(std::string_view secret) {
    if (!secret.starts_with(kTokenPrefix)) return std::nullopt;
    const WallTime now = clock_.wall_now();
    std::optional<TokenRecord> found;
    database_.transact([&](Session& session) {
        const std::string sql = std::string{kColumns} + " WHERE digest = ? AND expires > ?";
        const Rows rows = query(session, sql.c_str(), {digest_of(secret), to_sql(now)});
        if (rows.empty()) return;
        found = read_row(rows, 0);
        if (found->last_used && now - *found->last_used < limits::kTokenUseGrain) return;
        execute(session, "UPDATE api_tokens SET last_used = ? WHERE id = ?",
                {to_sql(now), found->id});
    });
    return found;
}

std::optional<TokenRecord> TokenStore::find_id(const std::string& id) {
    std::optional<TokenRecord> found;
    database_.transact([&](Session& session) {
        const std::string sql = std::string{kColumns} + " WHERE id = ?";
        const Rows rows = query(session, sql.c_str(), {id});
        if (!rows.empty()) found = read_row(rows, 0);
    });
    return found;
}

std::vector<TokenRecord> TokenStore::list() {
    std::vector<TokenRecord> tokens;
    database_.transact([&](Session& session) {
        const std::string sql = std::string{kColumns} + " ORDER BY created, id";
        const Rows rows = query(session, sql.c_str());
        for (std::size_t row = 0; row < rows.size(); ++row)
            tokens.push_back(read_row(rows, row));
    });
    return tokens;
}

bool TokenStore::revoke(const std::string& id) {
    bool was_there = false;
    database_.transact([&](Session& session) {
        was_there = execute(session, "DELETE FROM api_tokens WHERE id = ?", {id}) > 0;
    });
    return was_there;
}

}  // namespace entrepot::access

// Rows of users; see users.h.
#include "appliance/access/users.h"

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
    "SELECT id, name, role, password_hash, is_disabled, created, password_changed, last_sign_in "
    "FROM users";

UserRecord read_row(const Rows& rows, std::size_t row) {
    return {.id = rows.text(row, 0),
            .name = rows.text(row, 1),
            .role = role_from(rows.text(row, 2)),
            .has_password = !rows.text(row, 3).empty(),
            .is_disabled = rows.number(row, 4) != 0,
            .created = rows.time(row, 5),
            .password_changed = rows.optional_time(row, 6),
            .last_sign_in = rows.optional_time(row, 7)};
}

Rows select_where(Session& session, const std::string& condition,
                  const std::vector<state::SqlValue>& parameters) {
    const std::string sql = std::string{kColumns} + condition;
    return query(session, sql.c_str(), parameters);
}

void check_user_name(const std::string& name) {
    state::check_name("user", name);
    if (name.size() > limits::kUserNameBytesMax) {
        throw Error{ErrorCode::invalid,
                    fmt::format("a user's name has at most {} bytes", limits::kUserNameBytesMax)};
    }
}

void require_one(std::size_t count) {
    if (count == 0) throw Error{ErrorCode::not_found, "the user was removed in the meantime"};
}

bool has_administrator(Session& session) {
    return !query(session,
                  "SELECT id FROM users WHERE role = 'administrator' AND is_disabled = 0 LIMIT 1")
                .empty();
}

// Called inside the transaction that took somebody's right away.
void require_administrator(Session& session) {
    if (has_administrator(session)) return;
    throw Error{ErrorCode::conflict, "this is the last administrator",
                "make somebody else an administrator first"};
}

}  // namespace

UserRecord UserStore::add(const std::string& name, Privilege role,
                          const std::string& password_hash) {
    check_user_name(name);
    UserRecord record;
    record.id = make_id(random_);
    record.name = name;
    record.role = role;
    record.has_password = !password_hash.empty();
    record.created = clock_.wall_now();
    if (record.has_password) record.password_changed = record.created;
    database_.transact([&](Session& session) {
        if (!query(session, "SELECT id FROM users WHERE LOWER(name) = LOWER(?)", {name}).empty()) {
            throw Error{ErrorCode::already_exists, fmt::format("there is a user {}", name)};
        }
        if (query(session, "SELECT id FROM users").size() >= limits::kUsersMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("there are {} users already", limits::kUsersMax)};
        }
        execute(session,
                "INSERT INTO users (id, name, role, password_hash, is_disabled, created, "
                "password_changed, last_sign_in) VALUES (?, ?, ?, ?, 0, ?, ?, 0)",
                {record.id, name, std::string{to_string(role)}, password_hash,
                 to_sql(record.created), to_sql(record.password_changed)});
    });
    return record;
}

UserRecord UserStore::get(const std::string& name) {
    if (auto found = find(name)) return *found;
    throw Error{ErrorCode::not_found, fmt::format("there is no user {}", name),
                "entrepot user list shows them"};
}

std::optional<UserRecord> UserStore::find(const std::string& name) {
    std::optional<UserRecord> found;
    database_.transact([&](Session& session) {
        const Rows rows = select_where(session, " WHERE name = ?", {name});
        if (!rows.empty()) found = read_row(rows, 0);
    });
    return found;
}

std::optional<UserRecord> UserStore::find_id(const std::string& id) {
    std::optional<UserRecord> found;
    database_.transact([&](Session& session) {
        const Rows rows = select_where(session, " WHERE id = ?", {id});
        if (!rows.empty()) found = read_row(rows, 0);
    });
    return found;
}

std::vector<UserRecord> UserStore::list() {
    std::vector<UserRecord> users;
    database_.transact([&](Session& session) {
        const Rows rows = select_where(session, " ORDER BY name", {});
        for (std::size_t row = 0; row < rows.size(); ++row)
            users.push_back(read_row(rows, row));
    });
    return users;
}

bool UserStore::is_empty() {
    bool is_empty = true;
    database_.transact([&](Session& session) {
        is_empty = query(session, "SELECT id FROM users LIMIT 1").empty();
    });
    return is_empty;
}

void UserStore::set_role(const std::string& id, Privilege role) {
    database_.transact([&](Session& session) {
        const bool had = has_administrator(session);
        require_one(execute(session, "UPDATE users SET role = ? WHERE id = ?",
                            {std::string{to_string(role)}, id}));
        if (had) require_administrator(session);
    });
}

void UserStore::set_disabled(const std::string& id, bool is_disabled) {
    database_.transact([&](Session& session) {
        const bool had = has_administrator(session);
        require_one(execute(session, "UPDATE users SET is_disabled = ? WHERE id = ?",
                            {std::int64_t{is_disabled ? 1 : 0}, id}));
        if (had) require_administrator(session);
    });
}

void UserStore::set_password_hash(const std::string& id, const std::string& hash) {
    database_.transact([&](Session& session) {
        require_one(execute(session,
                            "UPDATE users SET password_hash = ?, password_changed = ? WHERE id = ?",
                            {hash, to_sql(clock_.wall_now()), id}));
    });
}

void UserStore::remember_sign_in(const std::string& id) {
    database_.transact([&](Session& session) {
        execute(session, "UPDATE users SET last_sign_in = ? WHERE id = ?",
                {to_sql(clock_.wall_now()), id});
    });
}

void UserStore::remove(const std::string& id) {
    database_.transact([&](Session& session) {
        const bool had = has_administrator(session);
        require_one(execute(session, "DELETE FROM users WHERE id = ?", {id}));
        execute(session, "DELETE FROM api_tokens WHERE user_id = ?", {id});
        execute(session, "DELETE FROM access_links WHERE user_id = ?", {id});
        if (had) require_administrator(session);
    });
}

std::string UserStore::read_password_hash(const std::string& id) {
    std::string hash;
    database_.transact([&](Session& session) {
        const Rows rows = query(session, "SELECT password_hash FROM users WHERE id = ?", {id});
        if (!rows.empty()) hash = rows.text(0, 0);
    });
    return hash;
}

}  // namespace entrepot::access

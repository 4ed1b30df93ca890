// Rows of job journals; see journal.h.
#include "appliance/state/journal.h"

#include "appliance/state/statement.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::state {
namespace {

std::map<std::string, Json> read_values(const Rows& rows) {
    std::map<std::string, Json> values;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        values.emplace(rows.text(row, 0), rows.json(row, 1));
    }
    return values;
}

}  // namespace

std::optional<Json> JournalStore::find(const std::string& job_id, std::string_view key) {
    std::optional<Json> found;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows = query(session, "SELECT value FROM journal WHERE job = ? AND name = ?",
                                {job_id, std::string{key}});
        if (!rows.empty()) found = rows.json(0, 0);
    });
    return found;
}

void JournalStore::put(const std::string& job_id, std::string_view key, const Json& value) {
    const std::string text = dump_json(value);
    if (text.size() > kJournalValueBytesMax) {
        throw Error{ErrorCode::limit, fmt::format("journal value {} of job {} has {} bytes", key,
                                                  job_id, text.size())};
    }
    database_.transact([&](Poco::Data::Session& session) {
        execute(session,
                "INSERT INTO journal (job, name, value) VALUES (?, ?, ?) "
                "ON CONFLICT (job, name) DO UPDATE SET value = excluded.value",
                {job_id, std::string{key}, text});
    });
}

std::map<std::string, Json> JournalStore::list(const std::string& job_id) {
    std::map<std::string, Json> values;
    database_.transact([&](Poco::Data::Session& session) {
        values =
            read_values(query(session, "SELECT name, value FROM journal WHERE job = ?", {job_id}));
    });
    return values;
}

std::map<std::string, Json> JournalStore::list_key(std::string_view key) {
    std::map<std::string, Json> values;
    database_.transact([&](Poco::Data::Session& session) {
        values = read_values(
            query(session, "SELECT job, value FROM journal WHERE name = ?", {std::string{key}}));
    });
    return values;
}

}  // namespace entrepot::state

// Rows of settings; see settings.h.
#include "appliance/state/settings.h"

#include "appliance/state/statement.h"

namespace entrepot::state {

std::optional<Json> SettingStore::find(std::string_view key) {
    std::optional<Json> found;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows =
            query(session, "SELECT value FROM settings WHERE name = ?", {std::string{key}});
        if (!rows.empty()) found = rows.json(0, 0);
    });
    return found;
}

void SettingStore::put(std::string_view key, const Json& value) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session,
                "INSERT INTO settings (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                {std::string{key}, dump_json(value)});
    });
}

void SettingStore::remove(std::string_view key) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session, "DELETE FROM settings WHERE name = ?", {std::string{key}});
    });
}

}  // namespace entrepot::state

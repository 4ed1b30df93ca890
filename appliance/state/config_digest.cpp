// Each column of each row, with its length before it.
#include "appliance/state/config_digest.h"

#include "appliance/state/statement.h"

#include "base/crc32c.h"

#include <fmt/format.h>

#include <array>
#include <functional>

namespace entrepot::state {
namespace {

struct Table {
    const char* sql;
    std::size_t columns;
};

// All columns that people set; none of them is a number.
constexpr std::array<Table, 7> kTables{{
    {"SELECT id, name, url, authentication, user_name, ca_file, pin_sha256, share, "
     "sealed_password, service, secret_kind, client_certificate FROM hosts ORDER BY id",
     12},
    {"SELECT name, unc, path FROM shares ORDER BY name", 3},
    {"SELECT host, vm, disk, reason FROM exclusions ORDER BY host, vm, disk", 4},
    {"SELECT id, name, definition FROM policies ORDER BY id", 3},
    {"SELECT id, name, role, password_hash FROM users ORDER BY id", 4},
    {"SELECT id, digest, name, role FROM api_tokens ORDER BY id", 4},
    {"SELECT name, value FROM settings WHERE name LIKE 'said.%' ORDER BY name", 2},
}};

}  // namespace

std::string config_digest(Database& database) {
    std::string text;
    database.transact([&](Poco::Data::Session& session) {
        for (const Table& table : kTables) {
            const Rows rows = query(session, table.sql);
            text += fmt::format("{} rows\n", rows.size());
            for (std::size_t row = 0; row < rows.size(); ++row) {
                for (std::size_t column = 0; column < table.columns; ++column) {
                    const std::string& field = rows.text(row, column);
                    text += fmt::format("{}:{}\n", field.size(), field);
                }
            }
        }
    });
    return fmt::format("{:016x}{:08x}", std::hash<std::string>{}(text), crc32c(as_bytes(text)));
}

}  // namespace entrepot::state

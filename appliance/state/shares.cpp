// Rows of shares; see shares.h.
#include "appliance/state/shares.h"

#include "appliance/state/names.h"
#include "appliance/state/statement.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::state {
namespace {

ShareRecord read_share(const Rows& rows, std::size_t row) {
    return {.name = rows.text(row, 0),
            .unc = rows.text(row, 1),
            .path = rows.text(row, 2),
            .listen = rows.text(row, 3)};
}

}  // namespace

void ShareStore::add(const ShareRecord& share) {
    check_name("share", share.name);
    database_.transact([&](Poco::Data::Session& session) {
        if (!query(session, "SELECT name FROM shares WHERE name = ?", {share.name}).empty()) {
            throw Error{ErrorCode::already_exists,
                        fmt::format("there is a share {} already", share.name)};
        }
        execute(session, "INSERT INTO shares (name, unc, path, listen) VALUES (?, ?, ?, ?)",
                {share.name, share.unc, share.path.string(), share.listen});
    });
}

std::vector<ShareRecord> ShareStore::list() {
    std::vector<ShareRecord> shares;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows =
            query(session, "SELECT name, unc, path, listen FROM shares ORDER BY name");
        for (std::size_t row = 0; row < rows.size(); ++row) {
            shares.push_back(read_share(rows, row));
        }
    });
    return shares;
}

std::optional<ShareRecord> ShareStore::find(std::string_view name) {
    std::optional<ShareRecord> found;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows =
            query(session, "SELECT name, unc, path, listen FROM shares WHERE name = ?",
                  {std::string{name}});
        if (!rows.empty()) found = read_share(rows, 0);
    });
    return found;
}

void ShareStore::remove(const std::string& name) {
    database_.transact([&](Poco::Data::Session& session) {
        if (execute(session, "DELETE FROM shares WHERE name = ?", {name}) == 0) {
            throw Error{ErrorCode::not_found, fmt::format("there is no share {}", name)};
        }
    });
}

}  // namespace entrepot::state

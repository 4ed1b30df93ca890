// Rows of excluded disks; see exclusions.h.
#include "appliance/state/exclusions.h"

#include "appliance/state/statement.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::state {
namespace {

constexpr std::size_t kReasonBytesMax = 1'024;

std::vector<Exclusion> read_exclusions(const Rows& rows) {
    std::vector<Exclusion> exclusions;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        exclusions.push_back({.host_id = rows.text(row, 0),
                              .vm_id = rows.text(row, 1),
                              .disk = rows.text(row, 2),
                              .reason = rows.text(row, 3),
                              .since = rows.time(row, 4)});
    }
    return exclusions;
}

}  // namespace

void ExclusionStore::put(const std::string& host_id, const std::string& vm_id,
                         const std::string& disk, const std::string& reason) {
    if (reason.empty() || reason.size() > kReasonBytesMax) {
        throw Error{ErrorCode::invalid,
                    fmt::format("excluding disk {} needs a reason of at most {} bytes", disk,
                                kReasonBytesMax)};
    }
    const WallTime now = clock_.wall_now();
    database_.transact([&](Poco::Data::Session& session) {
        execute(session,
                "INSERT INTO exclusions (host, vm, disk, reason, since) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (host, vm, disk) DO UPDATE SET reason = excluded.reason",
                {host_id, vm_id, disk, reason, to_sql(now)});
    });
}

void ExclusionStore::remove(const std::string& host_id, const std::string& vm_id,
                            const std::string& disk) {
    database_.transact([&](Poco::Data::Session& session) {
        if (execute(session, "DELETE FROM exclusions WHERE host = ? AND vm = ? AND disk = ?",
                    {host_id, vm_id, disk}) == 0) {
            throw Error{ErrorCode::not_found,
                        fmt::format("disk {} of VM {} is not excluded", disk, vm_id)};
        }
    });
}

std::vector<Exclusion> ExclusionStore::list_of_vm(const std::string& host_id,
                                                  const std::string& vm_id) {
    std::vector<Exclusion> exclusions;
    database_.transact([&](Poco::Data::Session& session) {
        exclusions = read_exclusions(query(session,
                                           "SELECT host, vm, disk, reason, since FROM exclusions "
                                           "WHERE host = ? AND vm = ? ORDER BY disk",
                                           {host_id, vm_id}));
    });
    return exclusions;
}

std::vector<Exclusion> ExclusionStore::list() {
    std::vector<Exclusion> exclusions;
    database_.transact([&](Poco::Data::Session& session) {
        exclusions = read_exclusions(query(session,
                                           "SELECT host, vm, disk, reason, since FROM exclusions "
                                           "ORDER BY host, vm, disk"));
    });
    return exclusions;
}

}  // namespace entrepot::state

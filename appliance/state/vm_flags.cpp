// Rows of VM flags; see vm_flags.h.
#include "appliance/state/vm_flags.h"

#include "appliance/state/statement.h"

namespace entrepot::state {
namespace {

VmFlag read_flag(const Rows& rows, std::size_t row) {
    return {.host_id = rows.text(row, 0),
            .vm_id = rows.text(row, 1),
            .flag = rows.text(row, 2),
            .reason = rows.text(row, 3),
            .since = rows.time(row, 4)};
}

}  // namespace

void VmFlagStore::set(const std::string& host_id, const std::string& vm_id, std::string_view flag,
                      const std::string& reason) {
    const WallTime now = clock_.wall_now();
    database_.transact([&](Poco::Data::Session& session) {
        execute(session,
                "INSERT INTO vm_flags (host, vm, flag, reason, since) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (host, vm, flag) DO NOTHING",
                {host_id, vm_id, std::string{flag}, reason, to_sql(now)});
    });
}

std::optional<VmFlag> VmFlagStore::find(const std::string& host_id, const std::string& vm_id,
                                        std::string_view flag) {
    std::optional<VmFlag> found;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows = query(session,
                                "SELECT host, vm, flag, reason, since FROM vm_flags "
                                "WHERE host = ? AND vm = ? AND flag = ?",
                                {host_id, vm_id, std::string{flag}});
        if (!rows.empty()) found = read_flag(rows, 0);
    });
    return found;
}

std::vector<VmFlag> VmFlagStore::list() {
    std::vector<VmFlag> flags;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows = query(session,
                                "SELECT host, vm, flag, reason, since FROM vm_flags "
                                "ORDER BY host, vm, flag");
        for (std::size_t row = 0; row < rows.size(); ++row) {
            flags.push_back(read_flag(rows, row));
        }
    });
    return flags;
}

void VmFlagStore::clear(const std::string& host_id, const std::string& vm_id,
                        std::string_view flag) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session, "DELETE FROM vm_flags WHERE host = ? AND vm = ? AND flag = ?",
                {host_id, vm_id, std::string{flag}});
    });
}

}  // namespace entrepot::state

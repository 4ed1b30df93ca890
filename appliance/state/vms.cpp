// Rows of VMs as last seen; see vms.h.
#include "appliance/state/vms.h"

#include "appliance/state/statement.h"

#include "base/guid.h"

namespace entrepot::state {
namespace {

constexpr std::string_view kSelectVm =
    "SELECT host, vm, name, state, disks, details, seen FROM vms ";

std::vector<VmRecord> read_vms(Poco::Data::Session& session, std::string_view clauses,
                               const std::vector<SqlValue>& parameters) {
    const std::string sql = std::string{kSelectVm} + std::string{clauses};
    const Rows rows = query(session, sql.c_str(), parameters);
    std::vector<VmRecord> vms;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        vms.push_back({.host_id = rows.text(row, 0),
                       .vm_id = rows.text(row, 1),
                       .name = rows.text(row, 2),
                       .state = rows.text(row, 3),
                       .disks = rows.json(row, 4),
                       .details = rows.json(row, 5),
                       .seen = rows.time(row, 6)});
    }
    return vms;
}

void write_row(Poco::Data::Session& session, const VmRecord& vm) {
    execute(session,
            "INSERT INTO vms (host, vm, name, state, disks, details, seen) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (host, vm) DO UPDATE SET "
            "name = excluded.name, state = excluded.state, disks = excluded.disks, "
            "details = excluded.details, seen = excluded.seen",
            {vm.host_id, vm.vm_id, vm.name, vm.state, dump_json(vm.disks), dump_json(vm.details),
             to_sql(vm.seen)});
}

}  // namespace

void VmStore::replace_all(const std::string& host_id, const std::vector<VmRecord>& vms) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session, "DELETE FROM vms WHERE host = ?", {host_id});
        for (VmRecord vm : vms) {
            vm.host_id = host_id;
            write_row(session, vm);
        }
    });
}

void VmStore::put(const VmRecord& vm) {
    database_.transact([&](Poco::Data::Session& session) { write_row(session, vm); });
}

std::vector<VmRecord> VmStore::list() {
    std::vector<VmRecord> vms;
    database_.transact([&](Poco::Data::Session& session) {
        vms = read_vms(session, "ORDER BY host, name, vm", {});
    });
    return vms;
}

std::vector<VmRecord> VmStore::list_names() {
    std::vector<VmRecord> vms;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows = query(session, "SELECT host, vm, name FROM vms ORDER BY host, vm", {});
        for (std::size_t row = 0; row < rows.size(); ++row) {
            vms.push_back({.host_id = rows.text(row, 0),
                           .vm_id = rows.text(row, 1),
                           .name = rows.text(row, 2)});
        }
    });
    return vms;
}

std::vector<VmRecord> VmStore::list_range(const VmRecord& first, const VmRecord& last) {
    std::vector<VmRecord> vms;
    database_.transact([&](Poco::Data::Session& session) {
        vms = read_vms(session,
                       "WHERE (host, vm) >= (?, ?) AND (host, vm) <= (?, ?) "
                       "ORDER BY host, vm",
                       {first.host_id, first.vm_id, last.host_id, last.vm_id});
    });
    return vms;
}

std::vector<VmRecord> VmStore::list_of_host(const std::string& host_id) {
    std::vector<VmRecord> vms;
    database_.transact([&](Poco::Data::Session& session) {
        vms = read_vms(session, "WHERE host = ? ORDER BY name, vm", {host_id});
    });
    return vms;
}

std::optional<VmRecord> VmStore::find(const std::string& host_id, const std::string& vm_id) {
    std::vector<VmRecord> vms;
    database_.transact([&](Poco::Data::Session& session) {
        vms = read_vms(session, "WHERE host = ? AND vm = ?", {host_id, vm_id});
    });
    if (vms.empty()) return std::nullopt;
    return std::move(vms.front());
}

std::vector<VmRecord> VmStore::find_by_text(std::string_view id_or_name) {
    const auto guid = Guid::parse(id_or_name);
    std::vector<VmRecord> vms;
    database_.transact([&](Poco::Data::Session& session) {
        vms =
            guid ? read_vms(session, "WHERE vm = ? ORDER BY host", {guid->to_upper_string()})
                 : read_vms(session, "WHERE name = ? ORDER BY host, vm", {std::string{id_or_name}});
    });
    return vms;
}

}  // namespace entrepot::state

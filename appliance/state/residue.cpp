// Rows of residue on hosts; see residue.h.
#include "appliance/state/residue.h"

#include "appliance/state/statement.h"

#include <set>

namespace entrepot::state {
namespace {

constexpr std::string_view kSelectResidue = "SELECT host, vm, text, command, since FROM residue ";

std::vector<Residue> read_residue(Poco::Data::Session& session, std::string_view clauses,
                                  const std::vector<SqlValue>& parameters) {
    const std::string sql = std::string{kSelectResidue} + std::string{clauses};
    const Rows rows = query(session, sql.c_str(), parameters);
    std::vector<Residue> residue;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        residue.push_back({.host_id = rows.text(row, 0),
                           .vm_id = rows.text(row, 1),
                           .text = rows.text(row, 2),
                           .command = rows.text(row, 3),
                           .since = rows.time(row, 4)});
    }
    return residue;
}

// One that is there already keeps its time.
void insert(Poco::Data::Session& session, const std::string& host_id, const std::string& vm_id,
            const Residue& entry, WallTime now) {
    execute(session,
            "INSERT INTO residue (host, vm, text, command, since) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (host, vm, text) DO UPDATE SET command = excluded.command",
            {host_id, vm_id, entry.text, entry.command, to_sql(now)});
}

}  // namespace

void ResidueStore::replace(const std::string& host_id, const std::string& vm_id,
                           const std::vector<Residue>& found) {
    const WallTime now = clock_.wall_now();
    std::set<std::string> texts;
    for (const Residue& entry : found) {
        texts.insert(entry.text);
    }
    database_.transact([&](Poco::Data::Session& session) {
        for (const Residue& old :
             read_residue(session, "WHERE host = ? AND vm = ?", {host_id, vm_id})) {
            if (texts.contains(old.text)) continue;
            execute(session, "DELETE FROM residue WHERE host = ? AND vm = ? AND text = ?",
                    {host_id, vm_id, old.text});
        }
        for (const Residue& entry : found) {
            insert(session, host_id, vm_id, entry, now);
        }
    });
}

void ResidueStore::add(const std::string& host_id, const std::string& vm_id, const Residue& entry) {
    const WallTime now = clock_.wall_now();
    database_.transact(
        [&](Poco::Data::Session& session) { insert(session, host_id, vm_id, entry, now); });
}

std::vector<Residue> ResidueStore::list() {
    std::vector<Residue> residue;
    database_.transact([&](Poco::Data::Session& session) {
        residue = read_residue(session, "ORDER BY since, host, vm, text", {});
    });
    return residue;
}

std::vector<Residue> ResidueStore::list_of_vm(const std::string& host_id,
                                              const std::string& vm_id) {
    std::vector<Residue> residue;
    database_.transact([&](Poco::Data::Session& session) {
        residue = read_residue(session, "WHERE host = ? AND vm = ? ORDER BY since, text",
                               {host_id, vm_id});
    });
    return residue;
}

}  // namespace entrepot::state

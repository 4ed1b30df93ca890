// What was last seen of each VM, so that lists can be shown without asking the hosts.
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"
#include "base/json.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::state {

struct VmRecord {
    std::string host_id{};
    std::string vm_id{};  ///< GUID, upper case, as the host names it.
    std::string name{};
    std::string state{};
    Json disks = Json::array();  ///< As the caller describes them.
    Json details =
        Json::object();  ///< Generation, version, checkpoints: what a list shows besides.
    WallTime seen{};
};

class VmStore {
public:
    explicit VmStore(Database& database) : database_(database) {}

    /// All VMs of a host as just listed; those that are not among them go.
    void replace_all(const std::string& host_id, const std::vector<VmRecord>& vms);
    void put(const VmRecord& vm);
    /// By host and name.
    std::vector<VmRecord> list();
    /// Host id, VM id and name only, by the ids.
    std::vector<VmRecord> list_names();
    /// Whole records from one VM to another, both included, by the ids.
    std::vector<VmRecord> list_range(const VmRecord& first, const VmRecord& last);
    std::vector<VmRecord> list_of_host(const std::string& host_id);
    std::optional<VmRecord> find(const std::string& host_id, const std::string& vm_id);
    /// By GUID in either case or by name; more than one where a name is not unique.
    std::vector<VmRecord> find_by_text(std::string_view id_or_name);

private:
    Database& database_;
};

}  // namespace entrepot::state

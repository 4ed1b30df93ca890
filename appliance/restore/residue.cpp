// See residue.h.
#include "appliance/restore/residue.h"

#include "appliance/backup/exported_disk.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::restore {
namespace {

constexpr std::string_view kBeginning = "Planned VM ";

}  // namespace

void remember_planned_vm(const backup::Services& services, const std::string& host_id,
                         const hyperv::PlannedVm& planned, const std::string& why) {
    state::Residue residue;
    residue.text = fmt::format("{}'{}' ({}), which Hyper-V Manager does not show: {}", kBeginning,
                               planned.name, planned.id, why);
    residue.command = hyperv::destroy_planned_vm_command(planned.id);
    services.state.residue.replace(host_id, planned.id, {residue});
}

void forget_settled_residue(const backup::Services& services, const std::string& host_id,
                            const std::vector<hyperv::PlannedVm>& planned) {
    for (const state::Residue& residue : services.state.residue.list()) {
        if (residue.host_id != host_id || !residue.text.starts_with(kBeginning)) continue;
        const bool is_there =
            std::any_of(planned.begin(), planned.end(), [&](const hyperv::PlannedVm& one) {
                return backup::equal_names(one.id, residue.vm_id);
            });
        if (!is_there) services.state.residue.replace(host_id, residue.vm_id, {});
    }
}

}  // namespace entrepot::restore

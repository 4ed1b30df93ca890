// See host_view.h.
#include "appliance/restore/host_view.h"

#include "appliance/backup/exported_disk.h"

namespace entrepot::restore {

HostView read_host_view(hyperv::HyperVHost& host, hyperv::RestoreHost& importer,
                        const Target& target) {
    HostView view;
    view.facts = host.read_facts();
    view.vms = importer.list_vm_identities();
    view.planned = importer.list_planned_vms();
    view.switches = importer.list_switches();
    if (target.reach == Reach::copied) {
        view.free_bytes = importer.find_free_bytes(target.host_path);
    }
    return view;
}

std::vector<std::string> list_other_hosts(const backup::Services& services,
                                          const std::string& host_id, const std::string& vm_id) {
    std::vector<std::string> names;
    for (const auto& vm : services.state.vms.list()) {
        if (vm.host_id == host_id || !backup::equal_names(vm.vm_id, vm_id)) continue;
        if (const auto host = services.state.hosts.find(vm.host_id))
            names.push_back(host->draft.name);
    }
    return names;
}

}  // namespace entrepot::restore

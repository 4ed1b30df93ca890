// Joining planned systems, and VMs, with their settings.
#include "exporter/hyperv/planned_vms.h"

#include "exporter/hyperv/vm_decode.h"

#include <algorithm>
#include <utility>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kSettingsClass = "Msvm_VirtualSystemSettingData";
constexpr std::string_view kPlannedClass = "Msvm_PlannedComputerSystem";
constexpr std::string_view kTypeProperty = "VirtualSystemType";
constexpr std::string_view kPlanned = "Microsoft:Hyper-V:System:Planned";
constexpr std::string_view kRealized = "Microsoft:Hyper-V:System:Realized";

const cim::Instance* find_settings(const std::vector<cim::Instance>& all, const std::string& id) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const cim::Instance& one) {
        return is_same_id(one.text("VirtualSystemIdentifier"), id);
    });
    return found == all.end() ? nullptr : &*found;
}

void add_settings(const cim::Instance& settings, PlannedVm& vm) {
    vm.settings_id = settings.text("InstanceID");
    vm.version = settings.text("Version");
    vm.notes = settings.texts("Notes");
    // The system's own name may lag behind that of its settings.
    if (const auto name = settings.find_text("ElementName")) vm.name = *name;
    for (const char* root : {"ConfigurationDataRoot", "SnapshotDataRoot", "SwapFileDataRoot",
                             "SuspendDataRoot", "LogDataRoot", "GuestStateDataRoot"}) {
        const std::string path = settings.text(root);
        if (!path.empty()) vm.data_roots.push_back(path);
    }
}

}  // namespace

std::vector<PlannedVm> PlannedVms::list() {
    std::vector<PlannedVm> planned;
    const auto systems = wmi_.list(kPlannedClass);
    if (systems.empty()) return planned;
    const auto settings = wmi_.select(kSettingsClass, kTypeProperty, kPlanned);
    for (const cim::Instance& system : systems) {
        PlannedVm vm;
        vm.id = system.text("Name");
        vm.name = system.text("ElementName");
        if (const auto* own = find_settings(settings, vm.id)) add_settings(*own, vm);
        planned.push_back(std::move(vm));
    }
    return planned;
}

std::optional<PlannedVm> PlannedVms::find(const std::string& id) {
    for (PlannedVm& vm : list()) {
        if (!is_same_id(vm.id, id)) continue;
        if (!vm.settings_id.empty()) {
            vm.disks = hardware_.read_disks(vm.settings_id);
            vm.hardware = hardware_.read(vm.settings_id);
        }
        return std::move(vm);
    }
    return std::nullopt;
}

std::vector<VmIdentity> PlannedVms::list_vm_identities() {
    std::vector<VmIdentity> vms;
    const auto settings = wmi_.select(kSettingsClass, kTypeProperty, kRealized);
    for (const cim::Instance& system : wmi_.list("Msvm_ComputerSystem")) {
        if (!is_vm(system)) continue;
        VmIdentity vm;
        vm.id = system.text("Name");
        vm.name = system.text("ElementName");
        vm.state = state_name(system.u16("EnabledState"));
        if (const auto* own = find_settings(settings, vm.id)) vm.notes = own->texts("Notes");
        vms.push_back(std::move(vm));
    }
    return vms;
}

}  // namespace entrepot::hyperv

// Finding things in the model.
#include "tests/hostsim/host/model.h"

#include <algorithm>

namespace entrepot::hostsim {
namespace {

template <typename List>
auto* find_by_id(List& list, std::string_view id) {
    const auto found = std::find_if(list.begin(), list.end(),
                                    [&](const auto& item) { return same_name(item.id, id); });
    return found == list.end() ? nullptr : &*found;
}

}  // namespace

void VmDisk::set_medium(const std::string& path) {
    chain.clear();
    directory.clear();
    if (path.empty()) return;
    const std::size_t slash = path.rfind('\\');
    if (slash != std::string::npos) directory = path.substr(0, slash);
    chain = {path.substr(slash + 1)};
}

int Vm::controller_count() const {
    int count = scsi_controller_count;
    for (const VmDisk& disk : disks) {
        if (disk.controller == "scsi") count = std::max(count, disk.controller_number + 1);
    }
    return count;
}

std::string Vm::root(const char* property) const {
    return settings.value(property, "C:\\ClusterStorage\\Volume1\\" + name);
}

Vm* Model::find_vm(std::string_view id) {
    return find_by_id(vms, id);
}

Vm* Model::find_planned(std::string_view id) {
    return find_by_id(planned, id);
}

Vm* Model::find_owner(std::string_view id) {
    Vm* vm = find_planned(id);
    return vm != nullptr ? vm : find_vm(id);
}

Vm* Model::find_vm_by_name_or_id(std::string_view text) {
    if (Vm* vm = find_vm(text)) return vm;
    const auto found =
        std::find_if(vms.begin(), vms.end(), [&](const Vm& vm) { return vm.name == text; });
    return found == vms.end() ? nullptr : &*found;
}

Snapshot* Model::find_snapshot(std::string_view id) {
    return find_by_id(snapshots, id);
}

ReferencePoint* Model::find_reference_point(std::string_view id) {
    return find_by_id(reference_points, id);
}

bool Model::has_recovery_snapshot(std::string_view vm_id) const {
    return std::any_of(snapshots.begin(), snapshots.end(), [&](const Snapshot& snapshot) {
        return snapshot.kind == SnapshotKind::recovery && same_name(snapshot.vm_id, vm_id);
    });
}

}  // namespace entrepot::hostsim

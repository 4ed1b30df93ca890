// Association objects, with both ends as references (hyperv-wmi.md section 3).
#include "tests/hostsim/host/inventory.h"

#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

namespace entrepot::hostsim {
namespace {

class Links {
public:
    explicit Links(std::string class_name) : class_name_(std::move(class_name)) {}

    Instance& add(const char* first_role, const ObjectRef& first, const char* second_role,
                  const ObjectRef& second) {
        Instance& link = links_.emplace_back();
        link.class_name = class_name_;
        link[first_role] = first;
        link[second_role] = second;
        return link;
    }
    std::vector<Instance> take() { return std::move(links_); }

private:
    std::string class_name_;
    std::vector<Instance> links_;
};

void link_snapshots(const Model& model, const std::string& class_name, Links& links) {
    if (class_name == "Msvm_SnapshotOfVirtualSystem") {
        for (const Snapshot& snapshot : model.snapshots) {
            links.add("Antecedent", vm_ref(snapshot.vm_id), "Dependent", settings_ref(snapshot.id));
        }
        return;
    }
    for (const Vm& vm : model.vms) {
        if (class_name == "Msvm_MostCurrentSnapshotInBranch" && !vm.current_snapshot.empty()) {
            links.add("Antecedent", vm_ref(vm.id), "Dependent", settings_ref(vm.current_snapshot));
        }
        if (class_name == "Msvm_LastAppliedSnapshot" && !vm.last_applied_snapshot.empty()) {
            links.add("Antecedent", settings_ref(vm.last_applied_snapshot), "Dependent",
                      vm_ref(vm.id));
        }
    }
}

void link_components(Host& host, Links& links) {
    const auto add = [&](const Instance& part) {
        const std::string id = part.at("InstanceID").text();
        const std::string owner = guid_of_settings_id(id);
        if (owner.starts_with("Definition")) return;
        links.add("GroupComponent", settings_ref(owner), "PartComponent",
                  simple_ref(part.class_name, id));
    };
    for (const Instance& part : make_resource_settings(host))
        add(part);
    for (const Instance& part : make_storage_settings(host))
        add(part);
}

void link_jobs(const Model& model, bool is_storage, Links& links) {
    for (const auto& [id, job] : model.jobs) {
        if ((job.class_name == "Msvm_StorageJob") != is_storage) continue;
        for (const AffectedElement& affected : job.affected) {
            Instance& link =
                links.add("AffectingElement", job_ref(job), "AffectedElement", affected.element);
            link["ElementEffects"] = std::vector<std::uint32_t>{affected.effect};
        }
    }
}

}  // namespace

std::vector<Instance> make_associations(Host& host, const std::string& class_name) {
    const Model& model = host.model();
    Links links{class_name};
    if (class_name == "Msvm_SettingsDefineState") {
        for (const Vm& vm : model.vms) {
            links.add("ManagedElement", vm_ref(vm.id), "SettingData", settings_ref(vm.id));
        }
    } else if (class_name == "Msvm_VirtualSystemSettingDataComponent") {
        link_components(host, links);
    } else if (class_name == "Msvm_ReferencePointOfVirtualSystem") {
        for (const ReferencePoint& point : model.reference_points) {
            links.add("Antecedent", vm_ref(point.vm_id), "Dependent", reference_point_ref(point));
        }
    } else if (class_name == "Msvm_SystemExportSettingData") {
        for (const Vm& vm : model.vms) {
            Instance& link = links.add(
                "ManagedElement", vm_ref(vm.id), "SettingData",
                simple_ref("Msvm_VirtualSystemExportSettingData", settings_id(vm.id) + "\\Export"));
            link["IsCurrent"] = 1;
            link["IsDefault"] = 1;
        }
    } else if (class_name == "Msvm_AffectedJobElement") {
        link_jobs(model, false, links);
    } else if (class_name == "Msvm_AffectedStorageJobElement") {
        link_jobs(model, true, links);
    } else {
        link_snapshots(model, class_name, links);
    }
    return links.take();
}

}  // namespace entrepot::hostsim

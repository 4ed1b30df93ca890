// One instance of each class tells.
#include "exporter/hyperv/capabilities.h"

#include "base/error.h"
#include "exporter/cim/wmi_namespace.h"
#include "exporter/wsman/fault.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace entrepot::hyperv {
namespace {

constexpr std::uint32_t kInvalidNameSpace = 0x8004100E;

struct Wanted {
    std::string_view class_name;
    /// Scalars only: an array that is null is not shown.
    std::initializer_list<std::string_view> properties;
};

const std::array<Wanted, 14>& wanted_classes() {
    static const std::array<Wanted, 14> kWanted{{
        {"Msvm_ComputerSystem", {"Name", "ElementName", "EnabledState", "ReplicationMode"}},
        {"Msvm_VirtualSystemManagementService", {"Name"}},
        {"Msvm_VirtualSystemSnapshotService", {"Name"}},
        {"Msvm_VirtualSystemReferencePointService", {"Name"}},
        {"Msvm_ImageManagementService", {"Name"}},
        {"Msvm_VirtualSystemSettingData",
         {"InstanceID", "VirtualSystemIdentifier", "VirtualSystemType", "VirtualSystemSubType",
          "Version", "CreationTime"}},
        {"Msvm_StorageAllocationSettingData",
         {"InstanceID", "Parent", "ResourceSubType", "PersistentReservationsSupported"}},
        {"Msvm_ResourceAllocationSettingData",
         {"InstanceID", "Parent", "AddressOnParent", "Address", "ResourceType", "ResourceSubType"}},
        {"Msvm_VirtualSystemReferencePoint",
         {"InstanceID", "VirtualSystemIdentifier", "ReferencePointType", "ConsistencyLevel"}},
        {"Msvm_VirtualSystemExportSettingData",
         {"CopySnapshotConfiguration", "SnapshotVirtualSystem", "CopyVmStorage",
          "CopyVmRuntimeInformation", "CreateVmExportSubdirectory", "BackupIntent",
          "DifferentialBackupBase"}},
        {"Msvm_DiskMergeSettingData", {"InstanceID", "EnabledState"}},
        {"Msvm_ConcreteJob", {"InstanceID", "JobState", "JobType", "ErrorCode"}},
        {"Msvm_VssComponent", {"SystemName", "EnabledState"}},
        {"Msvm_SecuritySettingData", {"InstanceID", "TpmEnabled"}},
    }};
    return kWanted;
}

ClassState state_of(const wsman::Fault& fault) {
    if (fault.fault().has(kInvalidNameSpace)) return ClassState::no_name_space;
    if (fault.code() == ErrorCode::access_denied) return ClassState::denied;
    if (fault.is_class_missing() || fault.is_filter_refused() ||
        fault.code() == ErrorCode::not_found) {
        return ClassState::missing;
    }
    return ClassState::failed;
}

ClassReport look_at(cim::WmiNamespace& wmi, const Wanted& wanted, bool& can_exclude_disks) {
    ClassReport report{.name = std::string{wanted.class_name}};
    try {
        const auto instance = wmi.find_any(wanted.class_name);
        if (!instance) {
            report.state = ClassState::empty;
            return report;
        }
        for (const std::string_view property : wanted.properties) {
            if (!instance->has_property(property)) {
                report.missing_properties.emplace_back(property);
            }
        }
        // An array that is null is not shown; this scalar came with the array in one release.
        can_exclude_disks = can_exclude_disks ||
                            instance->has_property("ExcludedVirtualHardDisks") ||
                            instance->has_property("DisableDifferentialOfIgnoredStorage");
    } catch (const wsman::Fault& fault) {
        report.state = state_of(fault);
        report.detail = fault.message();
        report.code = fault.fault().most_telling();
    }
    return report;
}

std::string_view name_of(ClassState state) {
    switch (state) {
        case ClassState::there:
            return "there";
        case ClassState::empty:
            return "empty";
        case ClassState::missing:
            return "missing";
        case ClassState::no_name_space:
            return "no namespace";
        case ClassState::denied:
            return "denied";
        case ClassState::failed:
            return "failed";
    }
    return "";
}

}  // namespace

const ClassReport* HostCapabilities::find(std::string_view name) const {
    const auto found = std::find_if(classes.begin(), classes.end(),
                                    [&](const ClassReport& one) { return one.name == name; });
    return found == classes.end() ? nullptr : &*found;
}

Json HostCapabilities::to_json() const {
    Json list = Json::array();
    for (const ClassReport& one : classes) {
        list.push_back({{"name", one.name},
                        {"state", name_of(one.state)},
                        {"missing_properties", one.missing_properties}});
    }
    return {{"classes", std::move(list)},
            {"takes_queries", takes_queries},
            {"can_exclude_disks", can_exclude_disks}};
}

HostCapabilities probe_capabilities(cim::WmiNamespace& wmi) {
    HostCapabilities capabilities;
    for (const Wanted& wanted : wanted_classes()) {
        capabilities.classes.push_back(look_at(wmi, wanted, capabilities.can_exclude_disks));
        // Without the namespace every class would say the same.
        if (capabilities.classes.back().state == ClassState::no_name_space) break;
    }
    // A host that refuses the filter is asked plainly from then on.
    if (capabilities.classes.size() == wanted_classes().size()) {
        wmi.select("Msvm_ComputerSystem", "Name", "no-such-name");
        capabilities.takes_queries = wmi.takes_queries();
    }
    return capabilities;
}

}  // namespace entrepot::hyperv

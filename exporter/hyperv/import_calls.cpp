// Building each request. An embedded instance names its object by InstanceID and holds what is to
// change; what it leaves out stays as it is.
#include "exporter/hyperv/import_calls.h"

#include "base/error.h"
#include "exporter/cim/embedded_instance.h"
#include "exporter/hyperv/hresult.h"

#include <fmt/format.h>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kManagement = "Msvm_VirtualSystemManagementService";
constexpr std::string_view kImages = "Msvm_ImageManagementService";
constexpr std::string_view kSettingsClass = "Msvm_VirtualSystemSettingData";
constexpr std::string_view kDiskClass = "Msvm_StorageAllocationSettingData";
constexpr std::string_view kConnectionClass = "Msvm_EthernetPortAllocationSettingData";
constexpr std::uint16_t kEnabled = 2;
constexpr std::uint16_t kDisabled = 3;
constexpr std::uint16_t kRequestEnabled = 2;
/// What Hyper-V shows as the address of an adapter that has none yet.
constexpr std::string_view kNoAddress = "000000000000";

}  // namespace

cim::ObjectPath ImportCalls::planned_path(const std::string& id) const {
    return wmi_.path("Msvm_PlannedComputerSystem",
                     {{"CreationClassName", "Msvm_PlannedComputerSystem"}, {"Name", id}});
}

cim::ObjectPath ImportCalls::vm_path(const std::string& id) const {
    return wmi_.path("Msvm_ComputerSystem",
                     {{"CreationClassName", "Msvm_ComputerSystem"}, {"Name", id}});
}

JobRef ImportCalls::call(std::string_view method, const cim::MethodInput& input,
                         std::string_view result) {
    return services_.job_of(method, services_.call(kManagement, method, input), result);
}

JobRef ImportCalls::import(const ImportRequest& request) {
    cim::MethodInput input;
    // An export for backup has no folder of checkpoints.
    input.text("SystemDefinitionFile", request.definition_file)
        .text("SnapshotFolder", "")
        .boolean("GenerateNewSystemIdentifier", request.identifier == SystemIdentifier::generate);
    return call("ImportSystemDefinition", input, "ImportedSystem");
}

JobRef ImportCalls::validate(const std::string& planned_id) {
    cim::MethodInput input;
    input.reference("PlannedSystem", planned_path(planned_id));
    return call("ValidatePlannedSystem", input);
}

JobRef ImportCalls::realise(const std::string& planned_id) {
    cim::MethodInput input;
    input.reference("PlannedSystem", planned_path(planned_id));
    return call("RealizePlannedSystem", input, "ResultingSystem");
}

JobRef ImportCalls::destroy_planned(const std::string& planned_id) {
    cim::MethodInput input;
    input.reference("AffectedSystem", planned_path(planned_id));
    return call("DestroySystem", input);
}

JobRef ImportCalls::destroy(const std::string& vm_id) {
    cim::MethodInput input;
    input.reference("AffectedSystem", vm_path(vm_id));
    return call("DestroySystem", input);
}

JobRef ImportCalls::start(const std::string& vm_id) {
    cim::MethodInput input;
    input.number("RequestedState", kRequestEnabled);
    return services_.job_of(
        "RequestStateChange",
        wmi_.invoke(vm_path(vm_id), "RequestStateChange", input, wsman::Repeat::forbidden), "");
}

JobRef ImportCalls::change(const PlannedChange& change) {
    cim::EmbeddedInstance settings{kSettingsClass};
    settings.text("InstanceID", change.settings_id)
        .text("ElementName", change.name)
        .texts("Notes", change.notes)
        .text("ConfigurationDataRoot", change.data_root)
        .text("SnapshotDataRoot", change.data_root)
        .text("SwapFileDataRoot", change.data_root);
    cim::MethodInput input;
    input.embedded("SystemSettings", settings);
    return call("ModifySystemSettings", input);
}

JobRef ImportCalls::modify_resource(const cim::EmbeddedInstance& settings) {
    cim::MethodInput input;
    input.embedded("ResourceSettings", settings);
    return call("ModifyResourceSettings", input);
}

JobRef ImportCalls::set_disk_path(const std::string& disk_instance_id, const std::string& path) {
    cim::EmbeddedInstance disk{kDiskClass};
    disk.text("InstanceID", disk_instance_id).texts("HostResource", {path});
    return modify_resource(disk);
}

JobRef ImportCalls::let_host_choose_mac(const NetworkAdapter& adapter) {
    cim::EmbeddedInstance port{adapter.class_name};
    port.text("InstanceID", adapter.instance_id)
        .boolean("StaticMacAddress", false)
        .text("Address", kNoAddress);
    return modify_resource(port);
}

JobRef ImportCalls::connect_adapter(const NetworkAdapter& adapter, const std::string& switch_id) {
    cim::ObjectPath path =
        wmi_.path("Msvm_VirtualEthernetSwitch",
                  {{"CreationClassName", "Msvm_VirtualEthernetSwitch"}, {"Name", switch_id}});
    path.server = computer_name_();
    cim::EmbeddedInstance connection{kConnectionClass};
    connection.text("InstanceID", adapter.connection_id)
        .u16("EnabledState", kEnabled)
        .texts("HostResource", {path.to_string()});
    return modify_resource(connection);
}

JobRef ImportCalls::disconnect_adapter(const NetworkAdapter& adapter) {
    cim::EmbeddedInstance connection{kConnectionClass};
    connection.text("InstanceID", adapter.connection_id).u16("EnabledState", kDisabled);
    return modify_resource(connection);
}

JobRef ImportCalls::remove(const std::vector<SettingRef>& settings) {
    std::vector<cim::ObjectPath> paths;
    for (const SettingRef& setting : settings)
        paths.push_back(wmi_.path(setting.class_name, {{"InstanceID", setting.instance_id}}));
    cim::MethodInput input;
    input.references("ResourceSettings", paths);
    return call("RemoveResourceSettings", input);
}

DefaultPaths ImportCalls::read_default_paths() {
    DefaultPaths paths;
    for (const cim::Instance& settings :
         wmi_.list("Msvm_VirtualSystemManagementServiceSettingData")) {
        paths.virtual_hard_disks = settings.text("DefaultVirtualHardDiskPath");
        paths.configurations = settings.text("DefaultExternalDataRoot");
    }
    return paths;
}

DiskFileLook ImportCalls::look_at_disk_file(const std::string& path) {
    constexpr std::string_view kMethod = "GetVirtualHardDiskSettingData";
    DiskFileLook look;
    cim::MethodInput input;
    input.text("Path", path);
    services_.service(kImages);  // That it is not shown is about rights, not about the file.
    try {
        const auto output = services_.call(kImages, kMethod, input, wsman::Repeat::allowed);
        const std::string text = output.parameters.text("SettingData");
        if (text.empty()) {
            look.reason = explain_return_code(output.return_value);
            return look;
        }
        const auto data = cim::decode_embedded_instance(text);
        look.is_readable = true;
        look.virtual_disk_id = Guid::parse(data.text("VirtualDiskId"));
        look.size_bytes = data.number("MaxInternalSize");
    } catch (const Error& error) {
        // The host says no; that it is there is known.
        if (error.code() != ErrorCode::host_failure && error.code() != ErrorCode::not_found &&
            error.code() != ErrorCode::access_denied) {
            throw;
        }
        look.reason = error.message();
        look.hint = error.hint();
    }
    return look;
}

}  // namespace entrepot::hyperv

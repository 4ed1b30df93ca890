// Building Msvm_VirtualSystemExportSettingData.
#include "exporter/hyperv/export_settings.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kClass = "Msvm_VirtualSystemExportSettingData";
constexpr std::string_view kNameSpace = "root/virtualization/v2";
constexpr std::uint8_t kOneSnapshotForBackup = 3;
constexpr std::uint8_t kPreserveChain = 0;

std::string path_text(const std::string& server, std::string_view class_name,
                      std::vector<std::pair<std::string, std::string>> keys) {
    const cim::ObjectPath path{server, std::string{kNameSpace}, std::string{class_name},
                               std::move(keys)};
    return path.to_string();
}

}  // namespace

ExportAbilities read_export_abilities(cim::WmiNamespace& wmi, const cim::ObjectPath& vm) {
    auto found = wmi.find_associated(vm, "Msvm_SystemExportSettingData", kClass);
    if (!found || found->empty()) found = wmi.list(kClass);
    if (found->empty()) return {};
    const cim::Instance& settings = found->front();
    // An array that is null is not shown; this scalar came with the array in the same release.
    return {.has_differential_base = settings.has_property("DifferentialBackupBase"),
            .has_excluded_disks = settings.has_property("ExcludedVirtualHardDisks") ||
                                  settings.has_property("DisableDifferentialOfIgnoredStorage")};
}

cim::EmbeddedInstance make_export_settings(const ExportRequest& request,
                                           const ExportAbilities& abilities,
                                           const std::string& server) {
    cim::EmbeddedInstance settings{kClass};
    settings.u8("CopySnapshotConfiguration", kOneSnapshotForBackup)
        .text("SnapshotVirtualSystem", path_text(server, "Msvm_VirtualSystemSettingData",
                                                 {{"InstanceID", request.snapshot_instance_id}}))
        // Without the storage Hyper-V stops merging the VM's disks by itself.
        .boolean("CopyVmStorage", true)
        .boolean("CopyVmRuntimeInformation", false)
        .boolean("CreateVmExportSubdirectory", false)
        .u8("BackupIntent", kPreserveChain);
    if (!request.base_reference_point.empty()) {
        if (!abilities.has_differential_base) {
            throw Error{ErrorCode::unsupported, "the host knows no differential export",
                        "Windows Server 2016 or later is needed for incremental backups."};
        }
        settings.text("DifferentialBackupBase",
                      path_text(server, "Msvm_VirtualSystemReferencePoint",
                                {{"InstanceID", request.base_reference_point},
                                 {"VirtualSystemIdentifier", request.vm_id}}));
    }
    // Windows Server 2016 exports them all the same; whoever takes the export drops them.
    if (!request.excluded_disk_ids.empty() && abilities.has_excluded_disks) {
        settings.texts("ExcludedVirtualHardDisks", request.excluded_disk_ids);
    }
    return settings;
}

}  // namespace entrepot::hyperv

// Disks, slots, controllers, services, reference points, jobs, the operating system.
#include "tests/hostsim/host/inventory.h"

#include "tests/hostsim/cim/object_path.h"
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kLogicalDisk = 31;
constexpr std::uint32_t kDiskDrive = 17;
constexpr std::uint32_t kDvdDrive = 16;

Instance make_disk_settings(Host& host, const Vm& vm, const VmDisk& disk,
                            const std::string& owner) {
    Instance settings{.class_name = "Msvm_StorageAllocationSettingData"};
    settings["InstanceID"] = disk_instance_id(owner, vm, disk);
    const std::string name = disk.is_dvd ? "ISO Disk Image" : "Hard Disk Image";
    settings["Caption"] = name;
    settings["Description"] = "Settings for the Microsoft " + name;
    settings["ElementName"] = name;
    settings["ResourceType"] = kLogicalDisk;
    settings["ResourceSubType"] = disk.is_dvd ? "Microsoft:Hyper-V:Virtual CD/DVD Disk"
                                              : "Microsoft:Hyper-V:Virtual Hard Disk";
    settings["HostResource"] = std::vector<std::string>{disk.active_path()};
    settings["Parent"] =
        path_of(host, "Msvm_ResourceAllocationSettingData", slot_id(owner, vm, disk));
    settings["PoolID"] = "";
    settings["Access"] = disk.is_dvd ? 1 : 3;
    settings["CachingMode"] = 2;
    settings["AutomaticAllocation"] = true;
    settings["AutomaticDeallocation"] = true;
    settings["ConsumerVisibility"] = 3;
    settings["IgnoreFlushes"] = false;
    settings["PersistentReservationsSupported"] = disk.is_shared;
    settings["VirtualQuantity"] = std::uint64_t{1};
    settings["VirtualQuantityUnits"] = "count";
    settings["AllocationUnits"] = "percent";
    return settings;
}

const char* drive_type(const VmDisk& disk) {
    if (disk.is_dvd) return "Microsoft:Hyper-V:Synthetic DVD Drive";
    return disk.is_pass_through ? "Microsoft:Hyper-V:Physical Disk Drive"
                                : "Microsoft:Hyper-V:Synthetic Disk Drive";
}

Instance make_slot(Host& host, const Vm& vm, const VmDisk& disk, const std::string& owner) {
    Instance slot{.class_name = "Msvm_ResourceAllocationSettingData"};
    slot["InstanceID"] = slot_id(owner, vm, disk);
    slot["Caption"] = "Drive";
    slot["ElementName"] = disk.is_dvd ? "DVD Drive" : "Hard Drive";
    slot["ResourceType"] = disk.is_dvd ? kDvdDrive : kDiskDrive;
    slot["ResourceSubType"] = drive_type(disk);
    if (disk.is_pass_through) {
        slot["HostResource"] = std::vector<std::string>{
            fmt::format("\\\\{}\\root\\virtualization\\v2:Msvm_DiskDrive.CreationClassName="
                        "\"Msvm_DiskDrive\",DeviceID=\"Microsoft:353B3BE8\\\\{}\"",
                        host.config().host_name, disk.number + 1)};
    }
    slot["Parent"] =
        path_of(host, "Msvm_ResourceAllocationSettingData", controller_id(owner, vm, disk));
    slot["AddressOnParent"] = std::to_string(disk.location);
    slot["PoolID"] = "";
    slot["AutomaticAllocation"] = true;
    slot["VirtualQuantity"] = std::uint64_t{1};
    return slot;
}

Instance make_controller(const Controller& row) {
    Instance controller{.class_name = "Msvm_ResourceAllocationSettingData"};
    controller["InstanceID"] = row.id;
    controller["ElementName"] =
        row.is_ide ? fmt::format("IDE Controller {}", row.number) : std::string{"SCSI Controller"};
    controller["ResourceType"] = row.is_ide ? 5 : 6;
    controller["ResourceSubType"] = row.is_ide ? "Microsoft:Hyper-V:Emulated IDE Controller"
                                               : "Microsoft:Hyper-V:Synthetic SCSI Controller";
    controller["Address"] = std::to_string(row.number);
    controller["VirtualQuantity"] = std::uint64_t{1};
    return controller;
}

struct ServiceName {
    const char* class_name;
    const char* name;
    const char* element_name;
};

// hyperv-wmi.md section 1; the names that no page gives are marked U there.
constexpr ServiceName kServices[] = {
    {"Msvm_VirtualSystemManagementService", "vmms", "Hyper-V Virtual System Management Service"},
    {"Msvm_VirtualSystemSnapshotService", "vssnapsvc", "Hyper-V Virtual System Snapshot Service"},
    {"Msvm_VirtualSystemReferencePointService", "vsrpsvc",
     "Hyper-V Virtual System Reference Point Service"},
    {"Msvm_ImageManagementService", "vhdsvc", "Hyper-V Image Management Service"},
    {"Msvm_VirtualSystemMigrationService", "migrationwmi",
     "Hyper-V Virtual System Migration Service"},
    {"Msvm_SecurityService", "vmsecsvc", "Hyper-V Security Service"},
};

std::string job_status(Host& host, const Job& job) {
    return host.say(job.is_terminal() ? Text::job_completed : Text::job_running);
}

std::uint32_t language_id(Language language) {
    switch (language) {
        case Language::english:
            return 1033;
        case Language::german:
            return 1031;
        case Language::japanese:
            return 1041;
    }
    return 0;
}

}  // namespace

std::string path_of(const Host& host, const std::string& class_name, const std::string& id) {
    return format_object_path(simple_ref(class_name, id), host.config().host_name);
}

std::vector<Instance> make_storage_settings(Host& host) {
    std::vector<Instance> result;
    for (const char* name : {"Default", "Minimum", "Maximum", "Increment"}) {
        Instance definition{.class_name = "Msvm_StorageAllocationSettingData"};
        definition["InstanceID"] =
            fmt::format("Microsoft:Definition\\70BB60D2-A9D3-46AA-B654-3DE53004B4F8\\{}", name);
        definition["ResourceType"] = kLogicalDisk;
        definition["ResourceSubType"] = "Microsoft:Hyper-V:Virtual Hard Disk";
        result.push_back(std::move(definition));
    }
    for_each_owner(host,
                   [&](const Vm& vm, const std::string& owner, const std::vector<VmDisk>& disks) {
                       for (const VmDisk& disk : disks) {
                           if (disk.is_pass_through || !disk.has_medium()) continue;
                           result.push_back(make_disk_settings(host, vm, disk, owner));
                       }
                   });
    return result;
}

std::vector<Instance> make_resource_settings(Host& host) {
    std::vector<Instance> result;
    for (const char* name : {"Default", "Minimum"}) {
        Instance definition{.class_name = "Msvm_ResourceAllocationSettingData"};
        definition["InstanceID"] =
            fmt::format("Microsoft:Definition\\6A2E5B51-3B5E-4E2E-9C8B-7A4B3E2C1D0F\\{}", name);
        definition["ResourceType"] = kDiskDrive;
        definition["ResourceSubType"] = "Microsoft:Hyper-V:Synthetic Disk Drive";
        result.push_back(std::move(definition));
    }
    for_each_owner(host,
                   [&](const Vm& vm, const std::string& owner, const std::vector<VmDisk>& disks) {
                       for (const Controller& row : list_controllers(owner, vm))
                           result.push_back(make_controller(row));
                       for (const VmDisk& disk : disks)
                           result.push_back(make_slot(host, vm, disk, owner));
                   });
    return result;
}

std::vector<Instance> make_services(Host& host, const std::string& class_name) {
    for (const ServiceName& row : kServices) {
        if (class_name != row.class_name) continue;
        Instance service{.class_name = class_name};
        service["CreationClassName"] = class_name;
        service["Name"] = row.name;
        service["SystemCreationClassName"] = "Msvm_ComputerSystem";
        service["SystemName"] = host.config().host_name;
        service["Caption"] = row.element_name;
        service["ElementName"] = row.element_name;
        service["EnabledDefault"] = 2;
        service["EnabledState"] = 5;
        service["HealthState"] = 5;
        service["OperationalStatus"] = std::vector<std::uint32_t>{2};
        service["RequestedState"] = 12;
        service["Started"] = true;
        service["Status"] = "OK";
        return {service};
    }
    return {};
}

std::vector<Instance> make_reference_points(Host& host) {
    std::vector<Instance> result;
    for (const ReferencePoint& point : host.model().reference_points) {
        Instance instance{.class_name = "Msvm_VirtualSystemReferencePoint"};
        instance["InstanceID"] = point.id;
        instance["VirtualSystemIdentifier"] = point.vm_id;
        instance["Caption"] = "Reference Point";
        instance["ElementName"] = "Reference Point";
        instance["ReferencePointType"] = 2;
        instance["ConsistencyLevel"] = point.consistency;
        instance["HasAssociatedData"] = false;
        std::vector<std::string> disks;
        std::vector<std::string> rct_ids;
        for (const TrackedDisk& disk : point.disks) {
            disks.push_back(disk.instance_id);
            rct_ids.push_back(disk.rct_id);
        }
        instance["VirtualDiskIdentifiers"] = disks;
        instance["ResilientChangeTrackingIdentifiers"] = rct_ids;
        result.push_back(std::move(instance));
    }
    return result;
}

/// Uses up one read of a disguise.
void disguise_job(JobDisguise& disguise, Instance& instance) {
    if (disguise.reads_left == 0) return;
    --disguise.reads_left;
    instance["JobState"] = disguise.state;
    instance["PercentComplete"] = disguise.percent;
    if (!disguise.falls) return;
    disguise.percent /= 2;
    disguise.state = 3;
}

Instance make_job_instance(Host& host, Job& job) {
    Instance instance{.class_name = job.class_name};
    instance["InstanceID"] = job.id;
    const bool is_english = host.language() == Language::english;
    const std::string caption = is_english ? job.caption : host.say(Text::job_caption);
    for (const char* name : {"Name", "Caption", "ElementName", "Description"})
        instance[name] = caption;
    instance["JobType"] = job.type;
    instance["JobState"] = job.state;
    instance["JobStatus"] = job_status(host, job);
    instance["PercentComplete"] = job.percent;
    instance["Cancellable"] = true;
    instance["DeleteOnCompletion"] = false;
    instance["ErrorCode"] = job.error_code;
    const bool has_words = job.error_code == 0 || !job.error_text.empty();
    if (has_words) instance["ErrorDescription"] = job.error_text;
    if (has_words) instance["ErrorSummaryDescription"] = job.error_text;
    instance["HealthState"] = 5;
    instance["JobRunTimes"] = 1;
    instance["LocalOrUtcTime"] = 2;
    instance["Notify"] = "";
    instance["OtherRecoveryAction"] = "";
    instance["Owner"] = host.config().host_name + "\\SYSTEM";
    instance["Priority"] = 0;
    instance["RecoveryAction"] = 2;
    instance["Status"] = "OK";
    instance["OperationalStatus"] =
        job.is_terminal() ? std::vector<std::uint32_t>{17, 2} : std::vector<std::uint32_t>{2};
    instance["StatusDescriptions"] = job_status(host, job);
    instance["StartTime"] = job.submitted;
    instance["ScheduledStartTime"] = job.submitted;
    instance["TimeSubmitted"] = job.submitted;
    instance["TimeOfLastStateChange"] = job.changed;
    instance["ElapsedTime"] = Interval{(job.finished ? *job.finished : host.now()) - job.submitted};
    instance["TimeBeforeRemoval"] = Interval{host.config().speed.job_removal};
    if (job.class_name == "Msvm_StorageJob") instance["JobCompletionStatusCode"] = job.hresult;
    disguise_job(job.disguise, instance);
    return instance;
}

std::vector<Instance> make_jobs(Host& host, const std::string& class_name) {
    std::vector<Instance> result;
    for (auto& [id, job] : host.model().jobs) {
        if (job.class_name == class_name) result.push_back(make_job_instance(host, job));
    }
    return result;
}

std::vector<Instance> make_export_settings(Host& host) {
    std::vector<Instance> result;
    for (const Vm& vm : host.model().vms) {
        Instance settings{.class_name = "Msvm_VirtualSystemExportSettingData"};
        settings["InstanceID"] = settings_id(vm.id) + "\\Export";
        settings["ElementName"] = vm.name;
        settings["CopySnapshotConfiguration"] = 0;
        settings["CopyVmStorage"] = true;
        settings["CopyVmRuntimeInformation"] = true;
        settings["CreateVmExportSubdirectory"] = true;
        settings["CaptureLiveState"] = 1;
        settings["BackupIntent"] = 0;
        settings["ExportForLiveMigration"] = false;
        settings["DisableDifferentialOfIgnoredStorage"] = false;
        result.push_back(std::move(settings));
    }
    return result;
}

std::vector<Instance> make_merge_settings(Host& host) {
    std::vector<Instance> result;
    for (const Vm& vm : host.model().vms) {
        for (const VmDisk& disk : vm.disks) {
            if (!disk.can_be_frozen()) continue;
            Instance settings{.class_name = "Msvm_DiskMergeSettingData"};
            settings["InstanceID"] = disk_instance_id(vm.id, vm, disk);
            settings["EnabledState"] = vm.is_merge_disabled ? 0 : 1;
            result.push_back(std::move(settings));
        }
    }
    return result;
}

std::vector<Instance> make_service_settings(Host& host) {
    Instance settings{.class_name = "Msvm_VirtualSystemManagementServiceSettingData"};
    settings["InstanceID"] = "Microsoft:" + host.config().host_name;
    settings["DefaultVirtualHardDiskPath"] = host.config().default_disk_path;
    settings["DefaultExternalDataRoot"] = host.config().default_data_root;
    settings["NumaSpanningEnabled"] = true;
    return {settings};
}

std::vector<Instance> make_operating_systems(Host& host) {
    const std::uint32_t build = host.config().os_build;
    const char* year = build >= 26100   ? "2025"
                       : build >= 20348 ? "2022"
                       : build >= 17763 ? "2019"
                                        : "2016";
    Instance system{.class_name = "Win32_OperatingSystem"};
    const std::string caption = fmt::format("Microsoft Windows Server {} Datacenter", year);
    system["Name"] = caption + "|C:\\Windows|\\Device\\Harddisk0\\Partition4";
    system["Caption"] = caption;
    system["Version"] = fmt::format("10.0.{}", build);
    system["BuildNumber"] = std::to_string(build);
    system["BuildType"] = "Multiprocessor Free";
    system["CSName"] = host.config().host_name;
    system["CSCreationClassName"] = "Win32_ComputerSystem";
    system["CreationClassName"] = "Win32_OperatingSystem";
    system["CurrentTimeZone"] = 0;
    system["LastBootUpTime"] = host.model().booted;
    system["LocalDateTime"] = host.now();
    system["OSArchitecture"] = host.say(Text::architecture);
    system["OSLanguage"] = language_id(host.language());
    system["OperatingSystemSKU"] = 8;
    system["Primary"] = true;
    system["ProductType"] = 3;
    system["Status"] = "OK";
    system["SystemDirectory"] = "C:\\Windows\\system32";
    system["WindowsDirectory"] = "C:\\Windows";
    return {system};
}

std::vector<Instance> make_host_computers(Host& host) {
    Instance computer{.class_name = "Win32_ComputerSystem"};
    computer["Name"] = host.config().host_name;
    computer["Caption"] = host.config().host_name;
    computer["DNSHostName"] = host.config().host_name;
    computer["CreationClassName"] = "Win32_ComputerSystem";
    computer["Domain"] = "WORKGROUP";
    computer["Workgroup"] = "WORKGROUP";
    computer["PartOfDomain"] = false;
    computer["DomainRole"] = 2;
    computer["HypervisorPresent"] = true;
    computer["Manufacturer"] = "Microsoft Corporation";
    computer["Model"] = "Virtual Machine";
    computer["NumberOfLogicalProcessors"] = 16;
    computer["NumberOfProcessors"] = 1;
    computer["TotalPhysicalMemory"] = std::uint64_t{137438953472};
    computer["Status"] = "OK";
    return {computer};
}

}  // namespace entrepot::hostsim

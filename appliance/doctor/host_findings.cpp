// Words for what the account sees once it is logged in.
#include "appliance/doctor/finding_parts.h"

namespace entrepot::doctor {
namespace {

using R = Result;

constexpr std::string_view kGroups =
    "Add-LocalGroupMember -Group (Get-LocalGroup -SID S-1-5-32-578) -Member @ps:user@; "
    "Add-LocalGroupMember -Group (Get-LocalGroup -SID S-1-5-32-580) -Member @ps:user@";
constexpr std::string_view kVmms = "Get-Service vmms; Start-Service vmms";
constexpr std::string_view kVmmsLog =
    "Get-WinEvent -LogName Microsoft-Windows-Hyper-V-VMMS-Admin -MaxEvents 20";
constexpr std::string_view kSystem =
    "Get-CimInstance Win32_OperatingSystem | Select-Object Caption, Version, BuildNumber";

constexpr Finding kFindings[] = {
    {"quota.fine", R::ok, "WinRM's limits are wide enough."},
    {"quota.unread", R::unproven,
     "WinRM shows its limits to administrators only; nothing was turned away.",
     "Nothing is needed while nothing is turned away. To look, on the host:",
     "winrm get winrm/config"},
    {"quota.envelope-small", R::warning, "WinRM allows small answers only.",
     "Lists come in many pieces then, and one large object may not fit. On the host, in an "
     "elevated PowerShell:",
     "Set-Item WSMan:\\localhost\\MaxEnvelopeSizekb 500"},
    {"quota.operations-few", R::warning, "WinRM allows few operations of one user at a time.",
     "Several backups at a time may be turned away and come again. On the host, in an elevated "
     "PowerShell:",
     "Set-Item WSMan:\\localhost\\Service\\MaxConcurrentOperationsPerUser 1500"},
    {"quota.exceeded", R::failed, "WinRM turns requests away: a quota is used up.",
     "Somebody leaves operations open, or the limits are narrow. Restarting the service frees "
     "them. On the host, in an elevated PowerShell:",
     "winrm get winrm/config/service; Restart-Service WinRM"},

    {"rights.seen", R::ok, "The account sees the host and its VMs."},
    {"rights.winrm-denied", R::failed, "The account may log on, and may not use WinRM.",
     "Put it into Remote Management Users (and Hyper-V Administrators). If that is not enough, "
     "WinRM's own list was changed: winrm configSDDL default. On the host, in an elevated "
     "PowerShell:",
     kGroups},
    {"rights.namespace-denied", R::failed, "WMI does not let the account into @namespace@.",
     "Give it Enable Account, Remote Enable and Execute Methods there (WMI Control, Security). On "
     "the host:",
     "wmimgmt.msc"},
    {"rights.filtered-local", R::failed,
     "The account logs on, and is shown nothing: Windows filters the rights of local "
     "administrators who come over the network.",
     "Put the account into Hyper-V Administrators and Remote Management Users, which is enough and "
     "less than an administrator. On the host, in an elevated PowerShell (the last command, "
     "instead "
     "of the groups, lifts the filter for all local administrators):",
     "Add-LocalGroupMember -Group (Get-LocalGroup -SID S-1-5-32-578) -Member @ps:account@; "
     "Add-LocalGroupMember -Group (Get-LocalGroup -SID S-1-5-32-580) -Member @ps:account@  "
     "# or: Set-ItemProperty HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System "
     "LocalAccountTokenFilterPolicy 1"},
    {"rights.filtered", R::failed, "The account logs on, and Hyper-V shows it nothing.",
     "Put it into Hyper-V Administrators and Remote Management Users. On the host, in an elevated "
     "PowerShell:",
     kGroups},
    {"rights.hidden-vms", R::failed, "VMs run on the host, and the account is shown none of them.",
     "Put it into Hyper-V Administrators. On the host, in an elevated PowerShell:", kGroups},
    {"rights.no-vms", R::unproven,
     "No VM is shown: there may be none, or the account lacks rights, which Hyper-V does not say.",
     "Compare with what an administrator sees. On the host:",
     "Get-VM | Select-Object Name, Id, State"},

    {"role.present", R::ok, "Hyper-V answers."},
    {"role.missing", R::failed, "The host has no Hyper-V: the WMI namespace does not exist.",
     "Install the role, or correct the URL. On the host, in an elevated PowerShell:",
     "Install-WindowsFeature Hyper-V -IncludeManagementTools -Restart"},
    {"role.vmms-stopped", R::failed, "Hyper-V's management service (vmms) does not run.",
     "Start it; VMs go on running meanwhile. On the host, in an elevated PowerShell:", kVmms},
    {"role.provider-failed", R::failed, "Hyper-V's WMI provider fails.",
     "Its log says why; restarting vmms often helps, and VMs go on running. On the host, in an "
     "elevated PowerShell:",
     "Get-WinEvent -LogName Microsoft-Windows-Hyper-V-VMMS-Admin -MaxEvents 20; Restart-Service "
     "vmms"},

    {"os.supported", R::ok, "The host's Windows is one that Entrepot is made for."},
    {"os.too-old", R::failed, "The host's Windows is too old: backups of this kind came with 2016.",
     "Windows Server 2016 or later is needed. On the host:", kSystem},
    {"os.unknown-build", R::unproven, "Nobody has told us about this build of Windows yet.",
     "It may well work; the first full backup shows it. On the host:", kSystem},
    {"os.client", R::unproven, "This is a Windows for workstations.",
     "Its Hyper-V has the same interface, and nobody has tried it with Entrepot. On the host:",
     kSystem},
    {"os.unread", R::failed, "The host does not show its operating system.",
     "The account needs Enable Account and Remote Enable on root\\cimv2. On the host:",
     "wmimgmt.msc"},

    {"schema.complete", R::ok, "The host has every class and property that backups use."},
    {"schema.class-missing", R::failed, "The host lacks classes that backups need.",
     "Windows Server 2016 or later, with its updates, has them. On the host:",
     "Get-CimClass -Namespace root/virtualization/v2 | Where-Object CimClassName -like "
     "'Msvm_VirtualSystem*Service' | Select-Object CimClassName"},
    {"schema.property-missing", R::failed, "The host lacks properties that backups need.",
     "Windows Server 2016 or later, with its updates, has them. On the host:",
     "Get-CimClass -Namespace root/virtualization/v2 -ClassName @ps:class@ | Select-Object "
     "-ExpandProperty CimClassProperties | Select-Object Name"},
    {"schema.no-queries", R::warning, "The host takes no queries, so whole lists are read instead.",
     "It works, more slowly. What Hyper-V says about it, on the host:", kVmmsLog},
    {"schema.cannot-exclude", R::warning,
     "Disks are excluded here, and this version of Windows exports them all the same.",
     "They cost time and space on the share, and are not kept. Windows Server 2019 and later "
     "leaves "
     "them out. What is excluded, on this machine:",
     "entrepot vm list --host @sh:name@"},

    {"vms.fine", R::ok, "All VMs can be backed up."},
    {"vms.none", R::ok, "There are no VMs to look at."},
    {"vms.unreadable", R::failed, "The list of VMs cannot be read.",
     "Look at Hyper-V's log. On the host:", kVmmsLog},
    {"vms.version-low", R::warning,
     "VMs have a configuration version whose changes Hyper-V cannot track.",
     "Shut each down and update it; there is no way back. On the host:",
     "Get-VM | Where-Object { [version]$_.Version -lt [version]'8.0' } | Select-Object Name, "
     "Version; # then: Update-VMVersion -Name NAME"},
    {"vms.foreign-snapshot", R::warning, "VMs have a recovery checkpoint that is not ours.",
     "Another product is at work, or left it; while it is there, we cannot back the VM up. We "
     "never "
     "touch it. On the host:",
     "Get-VM | Get-VMSnapshot | Where-Object SnapshotType -eq 'Recovery' | Select-Object VMName, "
     "Name, CreationTime"},
    {"vms.replica", R::warning, "VMs are replicas, which are backed up where they run.",
     "Add the primary host. On the host:",
     "Get-VMReplication | Select-Object Name, Mode, "
     "PrimaryServer"},
    {"vms.disk-left-out", R::warning, "Disks cannot be backed up.",
     "Each point lists them. Why each is left out, on this machine:",
     "entrepot vm list --host @sh:name@"},
    {"vms.busy", R::warning, "The host is still working on VMs: merging, exporting or migrating.",
     "A backup waits for it. On the host:",
     "Get-VM | Where-Object SecondaryOperationalStatus | "
     "Select-Object Name, Status, SecondaryOperationalStatus"},

    {"guests.fine", R::ok, "Every running guest answers for application-consistent backups."},
    {"guests.none", R::ok, "No guest runs."},
    {"guests.vss-silent", R::warning,
     "Running guests do not answer for application-consistent backups.",
     "They get crash-consistent ones unless the policy insists. In the guest: the service "
     "vmicvss (Windows), or hv_vss_daemon of the package hyperv-daemons (Linux). On the host:",
     "Get-VM | Get-VMIntegrationService | Where-Object { $_.Id -like '*5CED1297*' -and "
     "$_.PrimaryStatusDescription -ne 'OK' } | Select-Object VMName, Enabled, "
     "PrimaryStatusDescription"},
    {"guests.unknown", R::unproven, "The host does not say what the guests can do.",
     "The first backup shows which consistency it reached. On the host:",
     "Get-VM | Get-VMIntegrationService | Select-Object VMName, Name, Enabled, "
     "PrimaryStatusDescription"},
};

}  // namespace

std::span<const Finding> host_findings() {
    return kFindings;
}

}  // namespace entrepot::doctor

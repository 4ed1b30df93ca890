// Words for the share that receives exports, and for what earlier runs left.
#include "appliance/doctor/finding_parts.h"

namespace entrepot::doctor {
namespace {

using R = Result;

constexpr std::string_view kReach =
    "Test-NetConnection -ComputerName @ps:server@ -Port 445; Get-ChildItem @ps:unc@";

constexpr Finding kShareFindings[] = {
    {"share.none", R::failed, "There is no share for this host's exports.",
     "Add one. On this machine:",
     "entrepot share add exports --unc '\\\\SERVER\\SHARE' --path DIRECTORY"},
    {"share.ambiguous", R::failed, "There are several shares, and the host names none.",
     "Change the host, with --share. On this machine:", "entrepot share list"},
    {"share.directory-missing", R::failed, "The share's directory is not there.",
     "Is its file system mounted? On this machine:", "ls -ld @sh:path@; findmnt -T @sh:path@"},
    {"share.not-writable", R::failed, "We cannot write into the share's directory.",
     "The account that entrepotd runs under needs it. On this machine:",
     "ls -ld @sh:path@; findmnt -T @sh:path@"},
    {"share.full", R::failed, "The share's file system is full.",
     "Make room, or move the share. On this machine:", "df -h @sh:path@; du -sh @sh:path@"},
    {"share.low", R::warning,
     "The share's file system has less room than the largest VM may need for a full export.",
     "Exports of thin disks are smaller; a full that does not fit fails. On this machine:",
     "df -h @sh:path@"},
    {"share.directory", R::ok, "The share's directory can be written to."},
    {"share.name-here", R::ok, "The name in the UNC path leads to this machine."},
    {"share.name-is-address", R::warning, "The UNC path has an address instead of a name.",
     "The host's computer account logs in by Kerberos, which needs a name. Add the share again "
     "with a name. On this machine:",
     "getent hosts @sh:server@"},
    {"share.name-unknown", R::warning, "This machine does not know the name in the UNC path.",
     "The host must know it; that cannot be seen from here. On the host:", kReach},
    {"share.name-elsewhere", R::warning,
     "The name in the UNC path leads to another machine, seen from here.",
     "That is right if another machine exports the directory. On the host:", kReach},
    {"share.smb-open", R::ok, "A file server listens at the share's name."},
    {"share.smb-closed", R::failed, "No file server listens at the share's name.",
     "Start Samba, and let the host in at port 445. On this machine:",
     "systemctl status smbd; ss -tln sport = :445"},
    {"share.samba-running", R::ok, "Our Samba answers."},
    {"share.samba-silent", R::failed, "Our Samba does not answer.",
     "Start it, or correct share.smb_conf in entrepot.toml. On this machine:",
     "systemctl status smbd; testparm -s @sh:smb_conf@"},
    {"share.service-down", R::failed, "The file server that we run for the share does not answer.",
     "It is started again by itself; the end of its log says why it ended. On this machine:",
     "entrepot share list"},
    {"share.account", R::ok, "The host has an account of its own on the share."},
    {"share.account-missing", R::failed, "The host has no open account on the share.",
     "Make one; it is shown once, with what to paste on the host. On this machine:",
     "entrepot share credentials @sh:host_name@"},
    {"share.identity-proven", R::ok, "The host has written an export to the share."},
    {"share.identity-unproven", R::unproven,
     "With which account the host writes to the share, and whether it may, only a first full "
     "shows.",
     "Back up a small VM. The host writes as its computer account; a workgroup host needs a "
     "mapping with an account of the share. On the host, in an elevated PowerShell:",
     "New-SmbGlobalMapping -RemotePath @ps:unc@ -Credential (Get-Credential) -Persistent $true"},

    {"residue.none", R::ok, "Nothing of ours is left on the host or the share."},
    {"residue.snapshots", R::warning, "Recovery checkpoints of ours are left on the host.",
     "The next backup of the VM removes them. To do it now, on the host:",
     "Get-VM | Get-VMSnapshot | Where-Object { $_.SnapshotType -eq 'Recovery' -and $_.Name -like "
     "'Entrepot *' } | Remove-VMSnapshot"},
    {"residue.reference-points", R::warning,
     "Reference points of ours are on the host that no backup counts from.",
     "The next backup of the VM destroys them. This shows all of the host's, on the host:",
     "Get-CimInstance -Namespace root/virtualization/v2 -ClassName "
     "Msvm_VirtualSystemReferencePoint | Select-Object VirtualSystemIdentifier, InstanceID"},
    {"residue.unmerged", R::warning,
     "VMs without checkpoints run on .avhdx files: an earlier checkpoint was not merged.",
     "A new backup, or a checkpoint made and deleted, lets Hyper-V merge. Its events 19070 to "
     "19100 "
     "tell about it. On the host:",
     "Get-VM | Get-VMHardDiskDrive | Where-Object Path -like '*.avhdx' | Select-Object VMName, "
     "Path; Get-WinEvent -FilterHashtable @{LogName='Microsoft-Windows-Hyper-V-VMMS-Admin'; "
     "Id=19070,19080,19090,19100} -MaxEvents 20"},
    {"residue.folders", R::warning, "Folders of earlier exports are left on the share.",
     "They hold disks of guests in the clear, and no running job needs them. On this machine:",
     "ls -l @sh:path@"},
    {"residue.noted", R::warning, "A backup could not clean up after itself.",
     "The evidence says what it left. The next backup of the VM tries again. On the host:",
     "Get-VM | Get-VMSnapshot | Select-Object VMName, Name, SnapshotType, CreationTime"},
};

}  // namespace

std::span<const Finding> share_findings() {
    return kShareFindings;
}

}  // namespace entrepot::doctor

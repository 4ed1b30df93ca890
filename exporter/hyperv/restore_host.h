// A Hyper-V host as a restore sees it: planned VMs, import, validation, realisation. Follows the
// reference of the WMI provider, sections 2.8 and 6; every call is one step that can be looked up
// again.
#pragma once

#include "exporter/hyperv/hyperv_host.h"
#include "exporter/hyperv/vm_hardware.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::hyperv {

/// A VM that an import made and nobody realised yet.
struct PlannedVm {
    std::string id;  ///< GUID, as the host writes it.
    std::string name;
    std::string settings_id;  ///< "Microsoft:<GUID>"
    std::string version;      ///< Of the configuration.
    std::vector<std::string> notes;
    std::vector<std::string> data_roots;  ///< All directories that its settings name.
    std::vector<Disk> disks;              ///< Without VirtualDiskId and sizes.
    VmHardware hardware;
};

/// A VM by what tells whose it is.
struct VmIdentity {
    std::string id;
    std::string name;
    std::string state;  ///< As Vm::state.
    std::vector<std::string> notes;
};

/// What the host's own dialogs would propose.
struct DefaultPaths {
    std::string virtual_hard_disks;
    std::string configurations;
};

/// A disk file as the host read it, or why it could not.
struct DiskFileLook {
    bool is_readable = false;
    std::optional<Guid> virtual_disk_id;
    std::uint64_t size_bytes = 0;  ///< Virtual.
    std::string reason;            ///< Why not, in words with the host's code.
    std::string hint;
};

enum class SystemIdentifier {
    generate,  ///< A new one: a copy beside the original.
    keep,      ///< Of the definition: the host must have no VM of that id.
};

struct ImportRequest {
    std::string definition_file;  ///< Path of the .vmcx as the host reads it.
    SystemIdentifier identifier = SystemIdentifier::generate;
};

/// What to change in a planned VM's settings.
struct PlannedChange {
    std::string settings_id;
    std::string name;
    std::vector<std::string> notes;
    std::string data_root;  ///< Where configuration, checkpoints and paging file shall lie.
};

/// What is wrong with a planned VM. Whatever is decided, is decided by the numbers and by the
/// class, never by the words.
struct PlannedProblem {
    std::uint32_t hresult = 0;  ///< 0: none was told.
    std::string message_id;
    std::string text;          ///< The host's words, any language.
    std::string source_class;  ///< Class of the settings that it concerns; may be empty.
    std::string source_id;     ///< Its InstanceID; may be empty.
};

/// Which of a host's jobs.
enum class JobKind { import, realise };

/// A part of a VM's settings.
struct SettingRef {
    std::string class_name;
    std::string instance_id;
};

/// A connection of its own beside HyperVHost's, which reads facts and jobs. Errors as there.
class RestoreHost {
public:
    virtual ~RestoreHost() = default;

    /// Without disks and hardware.
    virtual std::vector<PlannedVm> list_planned_vms() = 0;
    /// With everything.
    virtual std::optional<PlannedVm> find_planned_vm(const std::string& id) = 0;
    virtual std::vector<VmIdentity> list_vm_identities() = 0;
    virtual DefaultPaths read_default_paths() = 0;
    virtual std::vector<VirtualSwitch> list_switches() = 0;
    /// Makes the host open a disk file: the one proof that it can read a path. A file that it
    /// cannot open is an answer, not an error.
    virtual DiskFileLook look_at_disk_file(const std::string& path) = 0;
    /// Of the host's volume that a path with a drive letter lies on; nullopt if it does not tell.
    virtual std::optional<std::uint64_t> find_free_bytes(const std::string& path) = 0;

    // The calls that act. Never sent twice by themselves.
    virtual JobRef start_import(const ImportRequest& request) = 0;
    virtual JobRef start_validate(const std::string& planned_id) = 0;
    virtual JobRef start_realise(const std::string& planned_id) = 0;
    virtual JobRef start_destroy_planned_vm(const std::string& planned_id) = 0;
    virtual JobRef start_destroy_vm(const std::string& vm_id) = 0;
    virtual JobRef start_vm(const std::string& vm_id) = 0;

    // Changes of a planned VM: they wait for their end, and doing them twice changes nothing.
    virtual void change_planned_vm(const PlannedChange& change) = 0;
    virtual void set_disk_path(const std::string& disk_instance_id, const std::string& path) = 0;
    /// The host gives an address of its own at the first start.
    virtual void let_host_choose_mac(const NetworkAdapter& adapter) = 0;
    /// Requires a connection.
    virtual void connect_adapter(const NetworkAdapter& adapter, const std::string& switch_id) = 0;
    /// The connection stays, switched off.
    virtual void disconnect_adapter(const NetworkAdapter& adapter) = 0;
    virtual void remove_settings(const std::vector<SettingRef>& settings) = 0;

    /// What a validation, or another job on a planned VM, found; empty if nothing.
    virtual std::vector<PlannedProblem> read_problems(const JobRef& job) = 0;
    /// GUIDs of what the job made, filtered by class.
    virtual std::vector<std::string> list_affected_planned_vms(const JobRef& job) = 0;
    virtual std::vector<std::string> list_affected_vms(const JobRef& job) = 0;
    /// Of anybody.
    virtual std::vector<JobRef> list_running_jobs(JobKind kind) = 0;
};

/// As connect(): contacts nobody before the first call.
std::unique_ptr<RestoreHost> connect_for_restore(const World& world, const Connection& connection,
                                                 std::stop_token stop);

/// A command to paste on the host that removes a planned VM; Hyper-V Manager does not show those.
std::string destroy_planned_vm_command(const std::string& planned_id);

}  // namespace entrepot::hyperv

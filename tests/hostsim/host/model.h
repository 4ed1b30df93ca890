// What the simulated host remembers: VMs, snapshots, reference points, jobs (hyperv-wmi.md 1, 2).
#pragma once

#include "base/guid.h"
#include "base/json.h"
#include "tests/hostsim/cim/value.h"
#include "tests/hostsim/disk/byte_range.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::hostsim {

struct VmDisk {
    int number = 0;  ///< As configured; stable.
    std::filesystem::path raw;
    std::string controller = "scsi";
    int controller_number = 0;
    int location = 0;
    std::uint32_t block_size = 32 * 1024 * 1024;
    std::uint32_t logical_sector_size = 512;
    Guid disk_id;
    std::string directory;           ///< Of the host's files.
    std::vector<std::string> chain;  ///< File names, base first; the last is written to. Empty:
                                     ///< a drive without medium.
    bool is_shared = false;
    bool is_pass_through = false;
    bool is_dvd = false;
    bool is_imported = false;  ///< The first of the chain is a real image, with its parents.

    bool has_medium() const { return !chain.empty(); }
    bool can_be_frozen() const { return !is_shared && !is_pass_through && !is_dvd && has_medium(); }
    std::string active_path() const { return directory + "\\" + chain.back(); }
    std::string base_path() const { return directory + "\\" + chain.front(); }
    /// Puts an image into the drive; an empty path takes it out.
    void set_medium(const std::string& path);
};

/// A synthetic network adapter and its connection.
struct NetworkAdapter {
    std::string id;  ///< GUID, upper case.
    std::string name = "Network Adapter";
    std::string mac;  ///< Twelve hexadecimal digits.
    bool is_static_mac = false;
    std::string switch_id;    ///< Empty: not connected.
    std::string switch_name;  ///< The last one that was known.
};

/// What an export left on the share for one disk; the next differential is its child.
struct ExportedImages {
    std::string base_name;  ///< The image that equals the frozen content.
    Guid base_guid;
    std::string leaf_name;  ///< Empty without a leaf.
    Guid leaf_guid;
    std::vector<ByteRange> leaf_writes;
};

/// A disk as a snapshot froze it. `content` is what the guest had; the guest's auto-recovery
/// writes lie beside it, since change tracking does not know them.
struct FrozenDisk {
    VmDisk disk;
    std::string content;  ///< File below the state directory.
    std::uint64_t size_bytes = 0;
    Guid data_write_guid;
    std::vector<ByteRange> recovery_writes;
    std::uint64_t recovery_seed = 0;
    std::optional<ExportedImages> exported;
};

enum class SnapshotKind { recovery, user };

struct Snapshot {
    std::string id;  ///< GUID, upper case.
    std::string vm_id;
    std::string name;
    SnapshotKind kind = SnapshotKind::recovery;
    std::uint32_t consistency = 2;
    DateTime created{};
    std::uint64_t sequence = 0;
    std::string created_by;  ///< "wsman" or "ctl".
    std::vector<FrozenDisk> disks;
    Json definition = Json::object();  ///< The VM's as it was, for the exported .vmcx.
};

struct TrackedDisk {
    int number = 0;
    Guid disk_id;
    std::string instance_id;  ///< Of the VM's own settings.
    std::string rct_id;
    std::string digests;  ///< File below the state directory.
    std::uint64_t size_bytes = 0;
    ExportedImages exported;
};

struct ReferencePoint {
    std::string id;
    std::string vm_id;
    std::uint32_t consistency = 2;
    std::uint64_t sequence = 0;
    bool is_invalid = false;  ///< Something happened that tracking does not survive.
    std::uint32_t invalid_code =
        0;  ///< The HRESULT of an export that counts from it; 0: 0xC03A0029.
    std::string created_by;
    std::vector<TrackedDisk> disks;
};

/// A VM, or one that is planned: both have the same settings.
struct Vm {
    std::string id;
    std::string name;
    std::uint32_t generation = 2;
    std::string version = "10.0";
    std::string state = "running";
    bool has_guest_vss = true;
    bool is_merge_disabled = false;
    std::vector<std::string> merging;    ///< File names that a merge will take away.
    std::optional<DateTime> merge_ends;  ///< Absent: it does not end by itself.
    std::string last_applied_snapshot;   ///< GUID or empty.
    std::string current_snapshot;        ///< The user checkpoint below the running state.
    std::uint32_t busy_status = 0;       ///< OperationalStatus[1], 0 if there is none.
    std::uint64_t rct_counter = 0;
    DateTime configured{};
    std::vector<VmDisk> disks;
    std::vector<NetworkAdapter> adapters;
    int scsi_controller_count = 0;  ///< At least; a disk's controller exists, too.
    std::vector<std::string> notes;
    Json settings = Json::object();  ///< What ModifySystemSettings set, by property.
    Json traits = Json::object();    ///< Of the configuration: replication, guest,
                                     ///< integration_services, tpm, shielded.
    std::string definition_file;     ///< The .vmcx that a planned or imported VM came from.
    std::string created_by;          ///< "config", "ctl" or "wsman".

    int controller_count() const;
    /// A data root such as "ConfigurationDataRoot".
    std::string root(const char* property) const;
};

struct AffectedElement {
    ObjectRef element;
    std::uint32_t effect = 0;
};

/// One thing that a validation found.
struct JobProblem {
    std::uint32_t message_id = 0;
    std::string text;
    bool is_warning = false;
    std::string source;  ///< The InstanceID of what it is about; may be empty.
};

/// What a job shows instead of the truth, for its next reads.
struct JobDisguise {
    int reads_left = 0;
    std::uint32_t state = 4;
    std::uint32_t percent = 0;
    bool falls = false;  ///< Each read shows less than the one before.
};

/// A job lives in memory only: vmms forgets them when it ends.
struct Job {
    std::string id;
    std::string class_name = "Msvm_ConcreteJob";
    std::uint32_t type = 0;
    std::string vm_id;
    std::string caption;
    std::uint32_t state = 2;
    std::uint32_t percent = 0;
    std::uint32_t error_code = 0;
    std::uint32_t hresult = 0;
    std::string error_text;
    std::vector<JobProblem> problems;  ///< What GetErrorEx lists, where there is more than one.
    DateTime submitted{};
    DateTime changed{};
    std::optional<DateTime> finished;
    std::vector<AffectedElement> affected;
    JobDisguise disguise;

    bool is_terminal() const { return finished.has_value(); }
};

struct Model {
    DateTime booted{};
    std::chrono::milliseconds clock_offset{0};
    std::uint64_t sequence = 0;
    std::vector<std::string> removed_vms;
    std::vector<Vm> vms;
    std::vector<Vm> planned;
    std::vector<Snapshot> snapshots;
    std::vector<ReferencePoint> reference_points;
    std::map<std::string, Job> jobs;

    Vm* find_vm(std::string_view id);
    Vm* find_planned(std::string_view id);
    /// A planned VM first, then a VM; what "Microsoft:<GUID>" of settings names.
    Vm* find_owner(std::string_view id);
    Vm* find_vm_by_name_or_id(std::string_view text);
    Snapshot* find_snapshot(std::string_view id);
    ReferencePoint* find_reference_point(std::string_view id);
    bool has_recovery_snapshot(std::string_view vm_id) const;
};

/// The persistent part. The jobs are not.
Json model_to_json(const Model& model);
Model model_from_json(const Json& json);

}  // namespace entrepot::hostsim

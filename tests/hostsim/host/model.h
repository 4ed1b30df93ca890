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
    std::vector<std::string> chain;  ///< File names, base first; the last is written to.
    bool is_shared = false;
    bool is_pass_through = false;

    bool can_be_frozen() const { return !is_shared && !is_pass_through; }
    std::string active_path() const { return directory + "\\" + chain.back(); }
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
    bool is_invalid = false;  ///< A checkpoint from before it was applied.
    std::string created_by;
    std::vector<TrackedDisk> disks;
};

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
};

struct AffectedElement {
    ObjectRef element;
    std::uint32_t effect = 0;
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
    DateTime submitted{};
    DateTime changed{};
    std::optional<DateTime> finished;
    std::vector<AffectedElement> affected;

    bool is_terminal() const { return finished.has_value(); }
};

struct Model {
    DateTime booted{};
    std::chrono::milliseconds clock_offset{0};
    std::uint64_t sequence = 0;
    std::vector<std::string> removed_vms;
    std::vector<Vm> vms;
    std::vector<Snapshot> snapshots;
    std::vector<ReferencePoint> reference_points;
    std::map<std::string, Job> jobs;

    Vm* find_vm(std::string_view id);
    Vm* find_vm_by_name_or_id(std::string_view text);
    Snapshot* find_snapshot(std::string_view id);
    ReferencePoint* find_reference_point(std::string_view id);
    bool has_recovery_snapshot(std::string_view vm_id) const;
};

/// The persistent part. The jobs are not.
Json model_to_json(const Model& model);
Model model_from_json(const Json& json);

}  // namespace entrepot::hostsim

// A Hyper-V host in memory, with behaviour: guests that write, snapshots that freeze, exports that
// are real VHDX files in a directory, jobs, reference points, merges. Knows nothing of our steps.
#pragma once

#include "exporter/hyperv/hyperv_host.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::test {

/// A disk of the fake VM.
struct FakeDisk {
    std::string slot_id;
    std::string file_name;  ///< disk.vhdx
    Guid id;
    std::uint32_t sector_size = 512;
    Bytes content;
    std::string cannot_back_up;
};

/// What one snapshot froze.
struct FrozenDisk {
    std::string slot_id;
    Bytes base;     ///< What change tracking counts from.
    Bytes restore;  ///< With the guest's auto-recovery writes.
    std::string base_file;
    Guid base_guid;
    std::string leaf_file;  ///< Empty: no leaf.
    Guid leaf_guid;
};

/// A range whose changes a differential does not hold, although the guest wrote there.
struct OmittedChange {
    std::size_t disk = 0;
    std::size_t offset = 0;
    std::size_t length = 0;
};

/// How the host behaves from now on.
struct FakeBehaviour {
    bool exports_leaf = false;            ///< Exports have a leaf with writes of its own.
    bool differential_onto_leaf = false;  ///< A differential's parent is the base export's leaf.
    bool hides_linkage = false;           ///< Differentials name an unknown parent GUID.
    bool hides_parent_name = false;       ///< And an unknown file name.
    bool sends_complete = false;          ///< Complete disks although a differential was asked for.
    std::uint32_t fail_export_hresult = 0;
    std::uint32_t fail_differential_hresult = 0;
    std::uint32_t fail_next_full_hresult = 0;  ///< Once.
    std::optional<OmittedChange> omits;
    bool stalls_export = false;
    bool fails_application = false;
    bool fails_convert = false;
    bool forgets_affected = false;  ///< Msvm_AffectedJobElement is empty, as for a removed job.
    bool takes_no_name = false;     ///< A new snapshot has the host's name, whatever was asked.
    bool never_merges = false;      ///< Until merging is switched on again.
    bool omits_last_disk = false;
    bool exports_excluded = false;  ///< As Windows Server 2016.
    int polls_until_done = 2;
};

/// The host's state; outlives connections.
class FakeHostWorld {
public:
    FakeHostWorld(Clock& clock, FileSystem& file_system, Random& random, std::string unc,
                  std::filesystem::path share);

    std::string vm_id = "8D1C8A5E-32F6-4AA5-9C1E-0B6A5C3F5D11";
    std::string vm_name = "web01";
    std::string vm_state = "running";
    std::vector<FakeDisk> disks;
    std::vector<hyperv::Snapshot> snapshots;
    std::vector<hyperv::ReferencePoint> reference_points;
    std::string last_applied_snapshot;
    hyperv::VmHardware hardware;
    FakeBehaviour behaviour;
    bool is_merge_enabled = true;
    std::vector<std::string> destroyed;  ///< Ids of everything that anybody destroyed.
    int exports_begun = 0;
    std::vector<std::string> export_bases;  ///< Of each export; empty for a full.
    /// What a restore of the newest export must give, by slot.
    std::map<std::string, Bytes> expected_restore;

    /// A job of another part of the host; it fails where there is an HRESULT.
    hyperv::JobRef start_job(const std::string& kind, std::uint32_t hresult,
                             std::vector<std::string> affected);
    std::vector<std::string> affected_of(const hyperv::JobRef& job, const std::string& kind) const;
    enum class Which { all, running };
    std::vector<hyperv::JobRef> list_jobs(const std::string& kind, Which which) const;
    /// What the host forgets some minutes after jobs have ended.
    void forget_jobs() { jobs_.clear(); }

    std::string add_disk(std::size_t size_bytes, std::uint32_t sector_size);
    void write(std::size_t disk, std::size_t offset, const Bytes& data);
    std::string add_foreign_snapshot(const std::string& name);
    std::string add_foreign_reference_point();

private:
    friend class FakeHost;
    struct Job {
        std::string kind;
        int polls_left = 0;
        bool is_failed = false;
        bool is_ended = false;
        bool is_stalled = false;
        std::uint32_t hresult = 0;
        std::vector<std::string> affected;
    };

    hyperv::JobRef start(Job job);
    std::string host_time() const { return format_time(clock_.wall_now()); }
    std::string new_id();
    void create_snapshot(Job& job, const std::string& name);
    void write_export(const hyperv::ExportRequest& request);
    void write_disk_export(const std::filesystem::path& directory, FrozenDisk& frozen,
                           const FakeDisk& disk, const FrozenDisk* base,
                           const std::optional<OmittedChange>& omitted);
    void convert(const std::string& snapshot_id, Job& job);

    Clock& clock_;
    FileSystem& file_system_;
    Random& random_;
    std::string unc_;
    std::filesystem::path share_;
    std::map<std::string, Job> jobs_;
    std::map<std::string, std::vector<FrozenDisk>> frozen_;  ///< By snapshot or reference point.
    int next_number_ = 1;
};

/// One connection. `on_call` sees the name of each call before it acts, and after.
class FakeHost final : public hyperv::HyperVHost {
public:
    enum class Moment { before, after };
    using Observer = std::function<void(const std::string& call, Moment moment)>;

    FakeHost(FakeHostWorld& world, Observer observer, std::stop_token stop)
        : world_(world), observer_(std::move(observer)), stop_(std::move(stop)) {}

    hyperv::HostFacts read_facts() override;
    std::vector<hyperv::Vm> list_vms() override;
    hyperv::Vm read_vm(const std::string& vm_id) override;
    hyperv::VmHardware read_hardware(const std::string& configuration_instance_id) override;
    std::vector<hyperv::Snapshot> list_snapshots(const std::string& vm_id) override;
    std::vector<hyperv::ReferencePoint> list_reference_points(const std::string& vm_id) override;
    std::vector<hyperv::Disk> list_snapshot_disks(const std::string& id) override;
    hyperv::JobRef start_create_snapshot(const std::string& vm_id, hyperv::ConsistencyLevel level,
                                         const std::string& name) override;
    void rename_snapshot(const std::string& id, const std::string& name) override;
    hyperv::JobRef start_export(const hyperv::ExportRequest& request) override;
    hyperv::JobRef start_convert(const std::string& id) override;
    hyperv::JobRef start_destroy_snapshot(const std::string& id) override;
    hyperv::JobRef start_destroy_reference_point(const std::string& vm_id,
                                                 const std::string& id) override;
    hyperv::JobStatus read_job(const hyperv::JobRef& job) override;
    void cancel_job(const hyperv::JobRef& job) override;
    std::vector<std::string> list_affected_snapshots(const hyperv::JobRef& job) override;
    std::vector<std::string> list_affected_reference_points(const hyperv::JobRef& job) override;
    std::vector<hyperv::JobRef> list_export_jobs(const std::string& vm_id) override;
    void ensure_merge_enabled(const std::string& vm_id) override;

private:
    template <typename Act>
    auto observed(const char* call, const Act& act);
    hyperv::Vm describe() const;

    FakeHostWorld& world_;
    Observer observer_;
    std::stop_token stop_;
};

}  // namespace entrepot::test

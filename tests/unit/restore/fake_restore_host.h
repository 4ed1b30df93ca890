// The part of a Hyper-V host in memory that a restore sees: planned VMs, VMs, switches, and disk
// files that it opens by Windows paths. Knows nothing of our steps.
#pragma once

#include "tests/unit/backup/fake_host.h"

#include "exporter/hyperv/restore_host.h"

#include "base/file_system.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::test {

/// How the host behaves from now on.
struct RestoreBehaviour {
    std::uint32_t import_hresult = 0;   ///< Import jobs fail with it.
    std::uint32_t realise_hresult = 0;  ///< Realisations fail with it...
    bool leaves_half_vm = false;        ///< ...and leave a VM behind.
    std::uint32_t start_hresult = 0;
    std::uint32_t refuses_destroy = 0;  ///< So many times.
    bool resets_slots = false;          ///< Controllers get new ids on import.
    bool hides_snapshot_name = false;   ///< An imported VM is called as the host likes.
    bool reads_in_place = false;        ///< Settings name the folder of the definition.
    bool cannot_read_share = false;
    /// A switched-off connection with a switch that is not here is a problem all the same.
    bool minds_dead_connections = false;
    std::vector<hyperv::PlannedProblem> problems;  ///< Of every validation.
    std::uint32_t validate_hresult = 0;  ///< Validations fail with it and name no problem.
    std::vector<hyperv::PlannedProblem> realise_problems;  ///< Of a realisation that fails.
};

class FakeRestoreWorld {
public:
    FakeRestoreWorld(FakeHostWorld& host, FileSystem& file_system, Random& random);

    std::vector<hyperv::PlannedVm> planned;
    std::vector<hyperv::VmIdentity> vms;  ///< Besides the one of FakeHostWorld.
    bool has_original = true;             ///< The one of FakeHostWorld is there.
    std::vector<hyperv::VirtualSwitch> switches{{"S1", "LAN"}, {"S2", "Lab"}};
    /// What a configuration says of the network; the switch may be of another host.
    std::vector<hyperv::NetworkAdapter> adapters;
    std::vector<hyperv::InsertedMedium> media;
    RestoreBehaviour behaviour;
    std::map<std::string, std::filesystem::path> folders;  ///< Of the host, by Windows path.
    std::optional<std::uint64_t> free_bytes;
    std::vector<std::string> destroyed;
    std::vector<hyperv::ImportRequest> imports;
    /// Disks of the VMs that were realised, by VM id: what the host would boot from.
    std::map<std::string, std::vector<hyperv::Disk>> disks_of_vms;
    std::map<std::string, std::vector<hyperv::NetworkAdapter>> adapters_of_vms;

    std::string add_foreign_planned(const std::string& name);
    /// Where a Windows path leads; nullopt for nowhere.
    std::optional<std::filesystem::path> resolve(const std::string& path) const;

private:
    friend class FakeRestoreHost;
    hyperv::PlannedVm import(const hyperv::ImportRequest& request);
    std::vector<hyperv::PlannedProblem> validate(const hyperv::PlannedVm& vm) const;
    hyperv::PlannedVm& get(const std::string& id);
    hyperv::PlannedVm& owner_of(const std::string& setting_id);
    void realise(const std::string& id);

    FakeHostWorld& host_;
    FileSystem& file_system_;
    Random& random_;
    std::map<std::string, std::vector<hyperv::PlannedProblem>> found_;  ///< By job.
};

class FakeRestoreHost final : public hyperv::RestoreHost {
public:
    FakeRestoreHost(FakeRestoreWorld& world, FakeHost::Observer observer, std::stop_token stop)
        : world_(world), observer_(std::move(observer)), stop_(std::move(stop)) {}

    std::vector<hyperv::PlannedVm> list_planned_vms() override;
    std::optional<hyperv::PlannedVm> find_planned_vm(const std::string& id) override;
    std::vector<hyperv::VmIdentity> list_vm_identities() override;
    hyperv::DefaultPaths read_default_paths() override;
    std::vector<hyperv::VirtualSwitch> list_switches() override;
    hyperv::DiskFileLook look_at_disk_file(const std::string& path) override;
    std::optional<std::uint64_t> find_free_bytes(const std::string& path) override;
    hyperv::JobRef start_import(const hyperv::ImportRequest& request) override;
    hyperv::JobRef start_validate(const std::string& planned_id) override;
    hyperv::JobRef start_realise(const std::string& planned_id) override;
    hyperv::JobRef start_destroy_planned_vm(const std::string& planned_id) override;
    hyperv::JobRef start_destroy_vm(const std::string& vm_id) override;
    hyperv::JobRef start_vm(const std::string& vm_id) override;
    void change_planned_vm(const hyperv::PlannedChange& change) override;
    void set_disk_path(const std::string& disk_instance_id, const std::string& path) override;
    void let_host_choose_mac(const hyperv::NetworkAdapter& adapter) override;
    void connect_adapter(const hyperv::NetworkAdapter& adapter,
                         const std::string& switch_id) override;
    void disconnect_adapter(const hyperv::NetworkAdapter& adapter) override;
    void remove_settings(const std::vector<hyperv::SettingRef>& settings) override;
    std::vector<hyperv::PlannedProblem> read_problems(const hyperv::JobRef& job) override;
    std::vector<std::string> list_affected_planned_vms(const hyperv::JobRef& job) override;
    std::vector<std::string> list_affected_vms(const hyperv::JobRef& job) override;
    std::vector<hyperv::JobRef> list_running_jobs(hyperv::JobKind kind) override;

private:
    template <typename Act>
    auto observed(const char* call, const Act& act);
    hyperv::NetworkAdapter& adapter_of(const hyperv::NetworkAdapter& adapter);

    FakeRestoreWorld& world_;
    FakeHost::Observer observer_;
    std::stop_token stop_;
};

}  // namespace entrepot::test

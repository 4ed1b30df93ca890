// See kill_switch.h.
#include "tests/e2e/kill_switch.h"

#include <utility>

namespace entrepot::test {
namespace {

using hyperv::HyperVHost;
using hyperv::JobRef;

template <typename Function>
auto call(KillSwitch& killer, const std::string& name, const Function& function) {
    killer.happen("before " + name);
    auto result = function();
    killer.happen("after " + name);
    return result;
}

class WatchedHost final : public HyperVHost {
public:
    WatchedHost(std::unique_ptr<HyperVHost> inner, KillSwitch& killer)
        : inner_(std::move(inner)), killer_(killer) {}

    hyperv::HostFacts read_facts() override {
        return call(killer_, "read_facts", [&] { return inner_->read_facts(); });
    }
    std::vector<hyperv::Vm> list_vms() override {
        return call(killer_, "list_vms", [&] { return inner_->list_vms(); });
    }
    hyperv::Vm read_vm(const std::string& vm_id) override {
        return call(killer_, "read_vm", [&] { return inner_->read_vm(vm_id); });
    }
    hyperv::VmHardware read_hardware(const std::string& configuration) override {
        return call(killer_, "read_hardware", [&] { return inner_->read_hardware(configuration); });
    }
    std::vector<hyperv::Snapshot> list_snapshots(const std::string& vm_id) override {
        return call(killer_, "list_snapshots", [&] { return inner_->list_snapshots(vm_id); });
    }
    std::vector<hyperv::ReferencePoint> list_reference_points(const std::string& vm_id) override {
        return call(killer_, "list_reference_points",
                    [&] { return inner_->list_reference_points(vm_id); });
    }
    std::vector<hyperv::Disk> list_snapshot_disks(const std::string& snapshot) override {
        return call(killer_, "list_snapshot_disks",
                    [&] { return inner_->list_snapshot_disks(snapshot); });
    }
    JobRef start_create_snapshot(const std::string& vm_id, hyperv::ConsistencyLevel level,
                                 const std::string& name) override {
        return call(killer_, "start_create_snapshot",
                    [&] { return inner_->start_create_snapshot(vm_id, level, name); });
    }
    void rename_snapshot(const std::string& snapshot, const std::string& name) override {
        killer_.happen("before rename_snapshot");
        inner_->rename_snapshot(snapshot, name);
        killer_.happen("after rename_snapshot");
    }
    JobRef start_export(const hyperv::ExportRequest& request) override {
        return call(killer_, "start_export", [&] { return inner_->start_export(request); });
    }
    JobRef start_convert(const std::string& snapshot) override {
        return call(killer_, "start_convert", [&] { return inner_->start_convert(snapshot); });
    }
    JobRef start_destroy_snapshot(const std::string& snapshot) override {
        return call(killer_, "start_destroy_snapshot",
                    [&] { return inner_->start_destroy_snapshot(snapshot); });
    }
    JobRef start_destroy_reference_point(const std::string& vm_id,
                                         const std::string& point) override {
        return call(killer_, "start_destroy_reference_point",
                    [&] { return inner_->start_destroy_reference_point(vm_id, point); });
    }
    hyperv::JobStatus read_job(const JobRef& job) override {
        return call(killer_, "read_job", [&] { return inner_->read_job(job); });
    }
    void cancel_job(const JobRef& job) override {
        killer_.happen("before cancel_job");
        inner_->cancel_job(job);
        killer_.happen("after cancel_job");
    }
    std::vector<std::string> list_affected_snapshots(const JobRef& job) override {
        return call(killer_, "list_affected_snapshots",
                    [&] { return inner_->list_affected_snapshots(job); });
    }
    std::vector<std::string> list_affected_reference_points(const JobRef& job) override {
        return call(killer_, "list_affected_reference_points",
                    [&] { return inner_->list_affected_reference_points(job); });
    }
    std::vector<JobRef> list_export_jobs(const std::string& vm_id) override {
        return call(killer_, "list_export_jobs", [&] { return inner_->list_export_jobs(vm_id); });
    }
    void ensure_merge_enabled(const std::string& vm_id) override {
        killer_.happen("before ensure_merge_enabled");
        inner_->ensure_merge_enabled(vm_id);
        killer_.happen("after ensure_merge_enabled");
    }

private:
    std::unique_ptr<HyperVHost> inner_;
    KillSwitch& killer_;
};

}  // namespace

std::unique_ptr<HyperVHost> watch(std::unique_ptr<HyperVHost> host, KillSwitch& killer) {
    return std::make_unique<WatchedHost>(std::move(host), killer);
}

}  // namespace entrepot::test

// See watched_restore_host.h.
#include "tests/e2e/watched_restore_host.h"

#include <type_traits>
#include <utility>

namespace entrepot::test {
namespace {

using hyperv::JobRef;
using hyperv::NetworkAdapter;

class WatchedRestoreHost final : public hyperv::RestoreHost {
public:
    WatchedRestoreHost(std::unique_ptr<hyperv::RestoreHost> inner, KillSwitch& killer)
        : inner_(std::move(inner)), killer_(killer) {}

    std::vector<hyperv::PlannedVm> list_planned_vms() override {
        return call("list_planned_vms", [&] { return inner_->list_planned_vms(); });
    }
    std::optional<hyperv::PlannedVm> find_planned_vm(const std::string& id) override {
        return call("find_planned_vm", [&] { return inner_->find_planned_vm(id); });
    }
    std::vector<hyperv::VmIdentity> list_vm_identities() override {
        return call("list_vm_identities", [&] { return inner_->list_vm_identities(); });
    }
    hyperv::DefaultPaths read_default_paths() override {
        return call("read_default_paths", [&] { return inner_->read_default_paths(); });
    }
    std::vector<hyperv::VirtualSwitch> list_switches() override {
        return call("list_switches", [&] { return inner_->list_switches(); });
    }
    hyperv::DiskFileLook look_at_disk_file(const std::string& path) override {
        return call("look_at_disk_file", [&] { return inner_->look_at_disk_file(path); });
    }
    std::optional<std::uint64_t> find_free_bytes(const std::string& path) override {
        return call("find_free_bytes", [&] { return inner_->find_free_bytes(path); });
    }
    JobRef start_import(const hyperv::ImportRequest& request) override {
        return call("start_import", [&] { return inner_->start_import(request); });
    }
    JobRef start_validate(const std::string& id) override {
        return call("start_validate", [&] { return inner_->start_validate(id); });
    }
    JobRef start_realise(const std::string& id) override {
        return call("start_realise", [&] { return inner_->start_realise(id); });
    }
    JobRef start_destroy_planned_vm(const std::string& id) override {
        return call("start_destroy_planned_vm",
                    [&] { return inner_->start_destroy_planned_vm(id); });
    }
    JobRef start_destroy_vm(const std::string& id) override {
        return call("start_destroy_vm", [&] { return inner_->start_destroy_vm(id); });
    }
    JobRef start_vm(const std::string& id) override {
        return call("start_vm", [&] { return inner_->start_vm(id); });
    }
    void change_planned_vm(const hyperv::PlannedChange& change) override {
        call("change_planned_vm", [&] { inner_->change_planned_vm(change); });
    }
    void set_disk_path(const std::string& id, const std::string& path) override {
        call("set_disk_path", [&] { inner_->set_disk_path(id, path); });
    }
    void let_host_choose_mac(const NetworkAdapter& adapter) override {
        call("let_host_choose_mac", [&] { inner_->let_host_choose_mac(adapter); });
    }
    void connect_adapter(const NetworkAdapter& adapter, const std::string& id) override {
        call("connect_adapter", [&] { inner_->connect_adapter(adapter, id); });
    }
    void disconnect_adapter(const NetworkAdapter& adapter) override {
        call("disconnect_adapter", [&] { inner_->disconnect_adapter(adapter); });
    }
    void remove_settings(const std::vector<hyperv::SettingRef>& settings) override {
        call("remove_settings", [&] { inner_->remove_settings(settings); });
    }
    std::vector<hyperv::PlannedProblem> read_problems(const JobRef& job) override {
        return call("read_problems", [&] { return inner_->read_problems(job); });
    }
    std::vector<std::string> list_affected_planned_vms(const JobRef& job) override {
        return call("list_affected_planned_vms",
                    [&] { return inner_->list_affected_planned_vms(job); });
    }
    std::vector<std::string> list_affected_vms(const JobRef& job) override {
        return call("list_affected_vms", [&] { return inner_->list_affected_vms(job); });
    }
    std::vector<JobRef> list_running_jobs(hyperv::JobKind kind) override {
        return call("list_running_jobs", [&] { return inner_->list_running_jobs(kind); });
    }

private:
    template <typename Act>
    auto call(const std::string& name, const Act& act) -> decltype(act()) {
        killer_.happen("before " + name);
        if constexpr (std::is_void_v<decltype(act())>) {
            act();
            killer_.happen("after " + name);
        } else {
            auto result = act();
            killer_.happen("after " + name);
            return result;
        }
    }

    std::unique_ptr<hyperv::RestoreHost> inner_;
    KillSwitch& killer_;
};

}  // namespace

std::unique_ptr<hyperv::RestoreHost> watch(std::unique_ptr<hyperv::RestoreHost> host,
                                           KillSwitch& killer) {
    return std::make_unique<WatchedRestoreHost>(std::move(host), killer);
}

}  // namespace entrepot::test

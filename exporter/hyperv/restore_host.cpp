// The restore's calls over WS-Management, on a connection of their own.
#include "exporter/hyperv/restore_host.h"

#include "base/error.h"
#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/hardware_reader.h"
#include "exporter/hyperv/import_calls.h"
#include "exporter/hyperv/inventory.h"
#include "exporter/hyperv/job_status.h"
#include "exporter/hyperv/planned_problems.h"
#include "exporter/hyperv/planned_vms.h"
#include "exporter/hyperv/service_call.h"
#include "exporter/hyperv/short_job.h"
#include "exporter/hyperv/wsman_connection.h"
#include "exporter/wsman/fault.h"

#include <fmt/format.h>

#include <mutex>

namespace entrepot::hyperv {
namespace {

constexpr std::uint16_t kTypeImport = 61;
constexpr std::uint16_t kTypeRealise = 141;

class WsmanRestoreHost final : public RestoreHost {
public:
    WsmanRestoreHost(const World& world, std::unique_ptr<WsmanConnection> connection,
                     std::stop_token stop)
        : world_(world),
          stop_(stop),
          connection_(std::move(connection)),
          wmi_(connection_->client(), "root/virtualization/v2", stop),
          cimv2_(connection_->client(), "root/cimv2", stop),
          services_(wmi_),
          hardware_(wmi_),
          planned_(wmi_, hardware_),
          calls_(wmi_, services_, [this]() -> const std::string& { return computer_name(); }),
          jobs_(wmi_) {}

    std::vector<PlannedVm> list_planned_vms() override {
        return guarded("listing planned VMs", [&] { return planned_.list(); });
    }
    std::optional<PlannedVm> find_planned_vm(const std::string& id) override {
        return guarded(fmt::format("reading planned VM {}", id), [&] { return planned_.find(id); });
    }
    std::vector<VmIdentity> list_vm_identities() override {
        return guarded("listing the host's VMs", [&] { return planned_.list_vm_identities(); });
    }
    DefaultPaths read_default_paths() override {
        return guarded("reading the host's default paths",
                       [&] { return calls_.read_default_paths(); });
    }
    std::vector<VirtualSwitch> list_switches() override {
        return guarded("listing virtual switches", [&] { return hardware_.list_switches(); });
    }
    DiskFileLook look_at_disk_file(const std::string& path) override {
        return guarded(fmt::format("letting the host open {}", path),
                       [&] { return calls_.look_at_disk_file(path); });
    }
    std::optional<std::uint64_t> find_free_bytes(const std::string& path) override {
        return guarded(fmt::format("asking for the free space at {}", path),
                       [&] { return read_free_bytes(path); });
    }

    JobRef start_import(const ImportRequest& request) override {
        return guarded(fmt::format("asking for an import of {}", request.definition_file),
                       [&] { return calls_.import(request); });
    }
    JobRef start_validate(const std::string& planned_id) override {
        return guarded(fmt::format("validating planned VM {}", planned_id),
                       [&] { return calls_.validate(planned_id); });
    }
    JobRef start_realise(const std::string& planned_id) override {
        return guarded(fmt::format("realising planned VM {}", planned_id),
                       [&] { return calls_.realise(planned_id); });
    }
    JobRef start_destroy_planned_vm(const std::string& planned_id) override {
        return guarded(fmt::format("removing planned VM {}", planned_id),
                       [&] { return calls_.destroy_planned(planned_id); });
    }
    JobRef start_destroy_vm(const std::string& vm_id) override {
        return guarded(fmt::format("removing VM {}", vm_id), [&] { return calls_.destroy(vm_id); });
    }
    JobRef start_vm(const std::string& vm_id) override {
        return guarded(fmt::format("starting VM {}", vm_id), [&] { return calls_.start(vm_id); });
    }

    void change_planned_vm(const PlannedChange& change) override {
        act(fmt::format("naming planned VM {}", change.name), "ModifySystemSettings",
            [&] { return calls_.change(change); });
    }
    void set_disk_path(const std::string& disk_instance_id, const std::string& path) override {
        act(fmt::format("putting disk {} at {}", disk_instance_id, path), "ModifyResourceSettings",
            [&] { return calls_.set_disk_path(disk_instance_id, path); });
    }
    void let_host_choose_mac(const NetworkAdapter& adapter) override {
        act(fmt::format("changing the address of {}", adapter.name), "ModifyResourceSettings",
            [&] { return calls_.let_host_choose_mac(adapter); });
    }
    void connect_adapter(const NetworkAdapter& adapter, const std::string& switch_id) override {
        act(fmt::format("connecting {}", adapter.name), "ModifyResourceSettings",
            [&] { return calls_.connect_adapter(adapter, switch_id); });
    }
    void disconnect_adapter(const NetworkAdapter& adapter) override {
        act(fmt::format("disconnecting {}", adapter.name), "ModifyResourceSettings",
            [&] { return calls_.disconnect_adapter(adapter); });
    }
    void remove_settings(const std::vector<SettingRef>& settings) override {
        act("removing parts of the planned VM", "RemoveResourceSettings",
            [&] { return calls_.remove(settings); });
    }

    std::vector<PlannedProblem> read_problems(const JobRef& job) override {
        return guarded(fmt::format("reading what job {} found", job.instance_id),
                       [&] { return decode_problems(jobs_.list_errors(job)); });
    }
    std::vector<std::string> list_affected_planned_vms(const JobRef& job) override {
        return guarded(fmt::format("reading what job {} made", job.instance_id), [&] {
            return jobs_.list_affected_systems(job, "Msvm_PlannedComputerSystem");
        });
    }
    std::vector<std::string> list_affected_vms(const JobRef& job) override {
        return guarded(fmt::format("reading what job {} made", job.instance_id),
                       [&] { return jobs_.list_affected_systems(job, "Msvm_ComputerSystem"); });
    }
    std::vector<JobRef> list_running_jobs(JobKind kind) override {
        return guarded("looking for running jobs", [&] {
            return jobs_.list_running(kind == JobKind::import ? kTypeImport : kTypeRealise);
        });
    }

private:
    /// Calls from several threads wait for each other.
    template <typename Body>
    auto guarded(const std::string& what, const Body& body) -> decltype(body()) {
        const std::lock_guard<std::mutex> lock{mutex_};
        return with_context(what, body);
    }
    template <typename Body>
    void act(const std::string& what, std::string_view method, const Body& body) {
        guarded(what, [&] { wait_for_short_job({jobs_, world_.clock, stop_}, method, body()); });
    }

    const std::string& computer_name() {
        if (computer_name_.empty()) {
            computer_name_ = Inventory::read_computer_name(wmi_);
        }
        return computer_name_;
    }

    // Volumes of a letter only: for others the host's mount points would have to be resolved.
    std::optional<std::uint64_t> read_free_bytes(const std::string& path) {
        if (path.size() < 2 || path[1] != ':') return std::nullopt;
        try {
            for (const auto& volume :
                 cimv2_.select("Win32_Volume", "DriveLetter", path.substr(0, 2))) {
                return volume.find_number("FreeSpace");
            }
        } catch (const wsman::Fault& fault) {
            if (!fault.is_class_missing() && fault.code() != ErrorCode::access_denied) throw;
        }
        return std::nullopt;
    }

    World world_;
    std::stop_token stop_;
    std::unique_ptr<WsmanConnection> connection_;
    cim::WmiNamespace wmi_;
    cim::WmiNamespace cimv2_;
    ServiceCaller services_;
    HardwareReader hardware_;
    PlannedVms planned_;
    ImportCalls calls_;
    JobReader jobs_;
    std::string computer_name_;
    std::mutex mutex_;
};

}  // namespace

std::unique_ptr<RestoreHost> connect_for_restore(const World& world, const Connection& connection,
                                                 std::stop_token stop) {
    return std::make_unique<WsmanRestoreHost>(
        world, std::make_unique<WsmanConnection>(world, connection), std::move(stop));
}

std::unique_ptr<RestoreHost> connect_for_restore_over(const World& world,
                                                      const Connection& connection,
                                                      std::unique_ptr<wsman::Transport> transport,
                                                      std::stop_token stop) {
    return std::make_unique<WsmanRestoreHost>(
        world, std::make_unique<WsmanConnection>(world, connection, std::move(transport)),
        std::move(stop));
}

std::string destroy_planned_vm_command(const std::string& planned_id) {
    return fmt::format(
        "$n = 'root/virtualization/v2'; Get-CimInstance -Namespace $n -ClassName "
        "Msvm_VirtualSystemManagementService | Invoke-CimMethod -MethodName DestroySystem "
        "-Arguments @{{AffectedSystem = [ref](Get-CimInstance -Namespace $n -ClassName "
        "Msvm_PlannedComputerSystem -Filter \"Name='{}'\")}}",
        planned_id);
}

}  // namespace entrepot::hyperv

// The host over WS-Management: each call of the contract as requests (hyperv-wmi 4 and 5).
#include "exporter/hyperv/hyperv_host.h"

#include "base/error.h"
#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/disk_list.h"
#include "exporter/hyperv/export_settings.h"
#include "exporter/hyperv/hardware_reader.h"
#include "exporter/hyperv/inventory.h"
#include "exporter/hyperv/job_status.h"
#include "exporter/hyperv/service_call.h"
#include "exporter/hyperv/short_job.h"
#include "exporter/hyperv/wsman_connection.h"
#include "exporter/wsman/fault.h"

#include <fmt/format.h>

#include <chrono>
#include <mutex>
#include <optional>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kSettingsClass = "Msvm_VirtualSystemSettingData";
constexpr std::string_view kPointClass = "Msvm_VirtualSystemReferencePoint";
constexpr std::string_view kManagement = "Msvm_VirtualSystemManagementService";
constexpr std::string_view kSnapshots = "Msvm_VirtualSystemSnapshotService";
constexpr std::string_view kPoints = "Msvm_VirtualSystemReferencePointService";
constexpr std::uint16_t kRecoverySnapshot = 32768;
constexpr std::uint32_t kMergeEnabled = 1;
constexpr std::uint64_t kWorkstation = 1;  // Win32_OperatingSystem.ProductType
constexpr std::chrono::milliseconds kShortPoll{500};
constexpr int kCancelPollsMax = 10;

/// One connection: calls from several threads wait for each other.
class WsmanHost final : public HyperVHost {
public:
    WsmanHost(const World& world, std::unique_ptr<WsmanConnection> connection, std::stop_token stop)
        : world_(world),
          stop_(stop),
          connection_(std::move(connection)),
          wmi_(connection_->client(), "root/virtualization/v2", stop),
          cimv2_(connection_->client(), "root/cimv2", stop),
          cluster_(connection_->client(), "root/mscluster", stop),
          services_(wmi_),
          inventory_(wmi_, cluster_, services_, world.log),
          jobs_(wmi_) {}

    HostFacts read_facts() override;
    std::vector<Vm> list_vms() override;
    Vm read_vm(const std::string& vm_id) override;
    VmHardware read_hardware(const std::string& configuration_instance_id) override;
    std::vector<Snapshot> list_snapshots(const std::string& vm_id) override;
    std::vector<ReferencePoint> list_reference_points(const std::string& vm_id) override;
    std::vector<Disk> list_snapshot_disks(const std::string& snapshot_instance_id) override;

    JobRef start_create_snapshot(const std::string& vm_id, ConsistencyLevel level,
                                 const std::string& name) override;
    void rename_snapshot(const std::string& snapshot_instance_id, const std::string& name) override;
    JobRef start_export(const ExportRequest& request) override;
    JobRef start_convert(const std::string& snapshot_instance_id) override;
    JobRef start_destroy_snapshot(const std::string& snapshot_instance_id) override;
    JobRef start_destroy_reference_point(const std::string& vm_id,
                                         const std::string& instance_id) override;

    JobStatus read_job(const JobRef& job) override;
    void cancel_job(const JobRef& job) override;
    std::vector<std::string> list_affected_snapshots(const JobRef& job) override;
    std::vector<std::string> list_affected_reference_points(const JobRef& job) override;
    std::vector<JobRef> list_export_jobs(const std::string& vm_id) override;
    void ensure_merge_enabled(const std::string& vm_id) override;

private:
    using Lock = std::lock_guard<std::mutex>;

    cim::ObjectPath vm_path(const std::string& vm_id) const;
    cim::ObjectPath snapshot_path(const std::string& instance_id) const;
    const std::string& computer_name();
    JobRef call(std::string_view service, std::string_view method, const cim::MethodInput& input,
                std::string_view result);
    cim::MethodOutput call_export(const ExportRequest& request, const std::string& server);
    cim::MethodOutput call_create_snapshot(const std::string& vm_id, ConsistencyLevel level,
                                           const std::string& name);
    void wait_short(std::string_view method, const JobRef& job) {
        wait_for_short_job({jobs_, world_.clock, stop_}, method, job);
    }
    std::vector<cim::Instance> list_merge_settings();

    World world_;
    std::stop_token stop_;
    std::unique_ptr<WsmanConnection> connection_;
    cim::WmiNamespace wmi_;
    cim::WmiNamespace cimv2_;
    cim::WmiNamespace cluster_;
    ServiceCaller services_;
    Inventory inventory_;
    JobReader jobs_;
    std::string computer_name_;
    std::optional<ExportAbilities> abilities_;
    std::mutex mutex_;
};

cim::ObjectPath WsmanHost::vm_path(const std::string& vm_id) const {
    return wmi_.path("Msvm_ComputerSystem",
                     {{"CreationClassName", "Msvm_ComputerSystem"}, {"Name", vm_id}});
}

cim::ObjectPath WsmanHost::snapshot_path(const std::string& instance_id) const {
    return wmi_.path(kSettingsClass, {{"InstanceID", instance_id}});
}

const std::string& WsmanHost::computer_name() {
    if (computer_name_.empty()) computer_name_ = Inventory::read_computer_name(wmi_);
    return computer_name_;
}

HostFacts WsmanHost::read_facts() {
    const Lock lock{mutex_};
    return with_context("reading the host's facts", [&] {
        HostFacts facts;
        facts.product_version = connection_->client().identify(stop_).product_version;
        const auto systems = cimv2_.list("Win32_OperatingSystem");
        if (systems.empty()) {
            throw Error{ErrorCode::access_denied, "the host does not show its operating system",
                        "The account needs the right Remote Enable on the WMI namespace "
                        "root\\cimv2."};
        }
        const cim::Instance& system = systems.front();
        facts.computer_name = system.text("CSName");
        facts.os_caption = system.text("Caption");
        facts.os_build = system.u32("BuildNumber");
        facts.is_client = system.number("ProductType") == kWorkstation;
        facts.boot_time = system.time("LastBootUpTime");
        facts.host_time = system.time("LocalDateTime");
        try {
            facts.has_reference_points = !wmi_.list(kPoints).empty();
        } catch (const wsman::Fault& fault) {
            if (!fault.is_class_missing() && !fault.is_filter_refused()) throw;
        }
        return facts;
    });
}

std::vector<Vm> WsmanHost::list_vms() {
    const Lock lock{mutex_};
    return with_context("listing the host's VMs", [&] { return inventory_.list_vms(); });
}

Vm WsmanHost::read_vm(const std::string& vm_id) {
    const Lock lock{mutex_};
    return with_context(fmt::format("reading VM {}", vm_id),
                        [&] { return inventory_.read_vm(vm_id); });
}

VmHardware WsmanHost::read_hardware(const std::string& configuration_instance_id) {
    const Lock lock{mutex_};
    return with_context(fmt::format("reading the hardware of {}", configuration_instance_id),
                        [&] { return HardwareReader{wmi_}.read(configuration_instance_id); });
}

std::vector<Snapshot> WsmanHost::list_snapshots(const std::string& vm_id) {
    const Lock lock{mutex_};
    return with_context(fmt::format("listing snapshots of VM {}", vm_id),
                        [&] { return inventory_.list_snapshots(vm_id); });
}

std::vector<ReferencePoint> WsmanHost::list_reference_points(const std::string& vm_id) {
    const Lock lock{mutex_};
    return with_context(fmt::format("listing reference points of VM {}", vm_id),
                        [&] { return inventory_.list_reference_points(vm_id); });
}

std::vector<Disk> WsmanHost::list_snapshot_disks(const std::string& snapshot_instance_id) {
    const Lock lock{mutex_};
    return with_context(fmt::format("listing disks of snapshot {}", snapshot_instance_id),
                        [&] { return inventory_.list_snapshot_disks(snapshot_instance_id); });
}

JobRef WsmanHost::call(std::string_view service, std::string_view method,
                       const cim::MethodInput& input, std::string_view result) {
    return services_.job_of(method, services_.call(service, method, input), result);
}

cim::MethodOutput WsmanHost::call_create_snapshot(const std::string& vm_id, ConsistencyLevel level,
                                                  const std::string& name) {
    cim::EmbeddedInstance settings{"Msvm_VirtualSystemSnapshotSettingData"};
    settings.u8("ConsistencyLevel", static_cast<std::uint8_t>(level))
        .boolean("IgnoreNonSnapshottableDisks", true);
    if (!name.empty()) settings.text("ElementName", name);
    cim::MethodInput input;
    input.reference("AffectedSystem", vm_path(vm_id))
        .embedded("SnapshotSettings", settings)
        .number("SnapshotType", kRecoverySnapshot);
    return services_.call(kSnapshots, "CreateSnapshot", input);
}

JobRef WsmanHost::start_create_snapshot(const std::string& vm_id, ConsistencyLevel level,
                                        const std::string& name) {
    const Lock lock{mutex_};
    return with_context(fmt::format("asking for a snapshot of VM {}", vm_id), [&] {
        cim::MethodOutput output = call_create_snapshot(vm_id, level, name);
        // Nothing was started. The class inherits ElementName; whether every host takes it there
        // is not documented.
        const bool is_refused = output.return_value == kReturnInvalidParameter ||
                                output.return_value == kReturnInvalidSnapshotParameter;
        if (is_refused && !name.empty()) output = call_create_snapshot(vm_id, level, {});
        return services_.job_of("CreateSnapshot", output, "ResultingSnapshot");
    });
}

void WsmanHost::rename_snapshot(const std::string& snapshot_instance_id, const std::string& name) {
    const Lock lock{mutex_};
    with_context(fmt::format("renaming snapshot {}", snapshot_instance_id), [&] {
        cim::EmbeddedInstance settings{kSettingsClass};
        settings.text("InstanceID", snapshot_instance_id).text("ElementName", name);
        cim::MethodInput input;
        input.embedded("SystemSettings", settings);
        wait_short("ModifySystemSettings", call(kManagement, "ModifySystemSettings", input, ""));
    });
}

cim::MethodOutput WsmanHost::call_export(const ExportRequest& request, const std::string& server) {
    cim::MethodInput input;
    input.reference("ComputerSystem", vm_path(request.vm_id))
        .text("ExportDirectory", request.export_directory)
        .embedded("ExportSettingData", make_export_settings(request, *abilities_, server));
    return services_.call(kManagement, "ExportSystemDefinition", input);
}

JobRef WsmanHost::start_export(const ExportRequest& request) {
    const Lock lock{mutex_};
    const std::string what =
        fmt::format("asking for an export of VM {} to {}", request.vm_id, request.export_directory);
    return with_context(what, [&] {
        if (!abilities_) abilities_ = read_export_abilities(wmi_, vm_path(request.vm_id));
        cim::MethodOutput output = call_export(request, computer_name());
        // Nothing was started. Which form of paths a host takes is not documented; the second and
        // last one is relative.
        if (output.return_value == kReturnInvalidParameter) output = call_export(request, "");
        return services_.job_of("ExportSystemDefinition", output, "");
    });
}

JobRef WsmanHost::start_convert(const std::string& snapshot_instance_id) {
    const Lock lock{mutex_};
    const std::string what =
        fmt::format("asking for a reference point of snapshot {}", snapshot_instance_id);
    return with_context(what, [&] {
        cim::MethodInput input;
        input.reference("AffectedSnapshot", snapshot_path(snapshot_instance_id));
        return call(kSnapshots, "ConvertToReferencePoint", input, "ResultingReferencePoint");
    });
}

JobRef WsmanHost::start_destroy_snapshot(const std::string& snapshot_instance_id) {
    const Lock lock{mutex_};
    return with_context(fmt::format("destroying snapshot {}", snapshot_instance_id), [&] {
        cim::MethodInput input;
        input.reference("AffectedSnapshot", snapshot_path(snapshot_instance_id));
        return call(kSnapshots, "DestroySnapshot", input, "");
    });
}

JobRef WsmanHost::start_destroy_reference_point(const std::string& vm_id,
                                                const std::string& instance_id) {
    const Lock lock{mutex_};
    return with_context(fmt::format("destroying reference point {}", instance_id), [&] {
        cim::MethodInput input;
        input.reference("AffectedReferencePoint",
                        wmi_.path(kPointClass, {{"InstanceID", instance_id},
                                                {"VirtualSystemIdentifier", vm_id}}));
        return call(kPoints, "DestroyReferencePoint", input, "");
    });
}

JobStatus WsmanHost::read_job(const JobRef& job) {
    const Lock lock{mutex_};
    return with_context(fmt::format("reading the host's job {}", job.instance_id),
                        [&] { return jobs_.read(job); });
}

void WsmanHost::cancel_job(const JobRef& job) {
    const Lock lock{mutex_};
    with_context(fmt::format("ending the host's job {}", job.instance_id), [&] {
        try {
            if (jobs_.read(job).state != JobState::running) return;
            jobs_.request_end(job);
            for (int poll = 0; poll < kCancelPollsMax; ++poll) {
                if (jobs_.read(job).state != JobState::running) return;
                world_.clock.sleep_for(kShortPoll, stop_);
                if (stop_.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
            }
            jobs_.request_kill(job);
        } catch (const Error& error) {
            // It ended and was removed meanwhile, which is what was wanted.
            if (error.code() != ErrorCode::not_found) throw;
        }
    });
}

std::vector<std::string> WsmanHost::list_affected_snapshots(const JobRef& job) {
    const Lock lock{mutex_};
    return with_context(fmt::format("reading what job {} made", job.instance_id),
                        [&] { return jobs_.list_affected(job, kSettingsClass); });
}

std::vector<std::string> WsmanHost::list_affected_reference_points(const JobRef& job) {
    const Lock lock{mutex_};
    return with_context(fmt::format("reading what job {} made", job.instance_id),
                        [&] { return jobs_.list_affected(job, kPointClass); });
}

std::vector<JobRef> WsmanHost::list_export_jobs(const std::string& vm_id) {
    const Lock lock{mutex_};
    return with_context(fmt::format("looking for exports of VM {}", vm_id),
                        [&] { return jobs_.list_exports(vm_id); });
}

// Not every host lists them; without a list nothing is known to be off.
std::vector<cim::Instance> WsmanHost::list_merge_settings() {
    try {
        return wmi_.list("Msvm_DiskMergeSettingData");
    } catch (const wsman::Fault& fault) {
        if (!fault.is_class_missing() && !fault.is_filter_refused()) throw;
        world_.log.warning("the host does not tell whether it merges disks by itself");
        return {};
    }
}

void WsmanHost::ensure_merge_enabled(const std::string& vm_id) {
    const Lock lock{mutex_};
    with_context(fmt::format("enabling merges of VM {}", vm_id), [&] {
        const auto guid = Guid::parse(vm_id);
        for (const cim::Instance& setting : list_merge_settings()) {
            const std::string id = setting.text("InstanceID");
            const bool is_ours = guid && settings_guid(id) == guid->to_upper_string();
            if (!is_ours || setting.number("EnabledState") == kMergeEnabled) continue;
            cim::EmbeddedInstance enabled{"Msvm_DiskMergeSettingData"};
            enabled.text("InstanceID", id).u32("EnabledState", kMergeEnabled);
            cim::MethodInput input;
            input.embedded("SettingData", enabled);
            wait_short("ModifyDiskMergeSettings",
                       call(kManagement, "ModifyDiskMergeSettings", input, ""));
        }
    });
}

}  // namespace

std::unique_ptr<HyperVHost> connect(const World& world, const Connection& connection,
                                    std::stop_token stop) {
    return std::make_unique<WsmanHost>(world, std::make_unique<WsmanConnection>(world, connection),
                                       stop);
}

std::unique_ptr<HyperVHost> connect_over(const World& world,
                                         std::unique_ptr<WsmanConnection> connection,
                                         std::stop_token stop) {
    return std::make_unique<WsmanHost>(world, std::move(connection), stop);
}

std::unique_ptr<HyperVHost> connect_over(const World& world, const Connection& connection,
                                         std::unique_ptr<wsman::Transport> transport,
                                         std::stop_token stop) {
    return std::make_unique<WsmanHost>(
        world, std::make_unique<WsmanConnection>(world, connection, std::move(transport)), stop);
}

}  // namespace entrepot::hyperv

// quota, os, role, rights: what WinRM and WMI let the account do.
#include "appliance/doctor/examination.h"

#include "appliance/doctor/limits.h"

#include "exporter/wsman/fault.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace entrepot::doctor {
namespace {

using hyperv::ClassReport;
using hyperv::ClassState;

constexpr std::uint32_t kBuildMin = 14393;
// Windows Server 2016, 2019, 2022, 23H2, 2025.
constexpr std::array<std::uint32_t, 5> kKnownBuilds{14393, 17763, 20348, 25398, 26100};
constexpr std::string_view kVirtualization = "root\\virtualization\\v2";
constexpr std::string_view kCimv2 = "root\\cimv2";

/// Without these nothing can be backed up.
constexpr std::array<std::string_view, 4> kServices{
    "Msvm_VirtualSystemManagementService", "Msvm_VirtualSystemSnapshotService",
    "Msvm_VirtualSystemReferencePointService", "Msvm_ImageManagementService"};

std::string describe(const ClassReport& report) {
    return report.detail.empty() ? report.name : fmt::format("{}: {}", report.name, report.detail);
}

}  // namespace

void Examination::look_at_quota() {
    hyperv::WinrmReport winrm;
    try {
        winrm = probe_->read_winrm();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        if (error.code() == ErrorCode::busy) return fail("quota.exceeded", error.message());
        // Most accounts may not read it, and need not.
        return report_.add("quota.unread", error.message());
    }
    const auto shown = [](const std::optional<std::uint32_t>& number) {
        return number ? std::to_string(*number) : std::string{"not shown"};
    };
    const std::string seen = fmt::format(
        "MaxEnvelopeSizekb {}, MaxTimeoutms {}, MaxConcurrentOperationsPerUser {}, MaxConnections "
        "{}",
        shown(winrm.envelope_kib), shown(winrm.timeout_ms), shown(winrm.operations_per_user),
        shown(winrm.connections));
    if (!winrm.envelope_kib && !winrm.operations_per_user) return report_.add("quota.unread", seen);
    const bool is_small = winrm.envelope_kib && *winrm.envelope_kib < limits::kEnvelopeKibMin;
    const bool is_few =
        winrm.operations_per_user && *winrm.operations_per_user < limits::kOperationsPerUserMin;
    if (is_small) report_.add("quota.envelope-small", seen);
    if (is_few) report_.add("quota.operations-few", seen);
    if (!is_small && !is_few) report_.add("quota.fine", seen);
}

// WinRM's own refusal has the bare code 5; WMI's, its provider's and its namespace's have others.
void Examination::judge_denial(const wsman::Fault& fault, const std::string& name_space) {
    constexpr std::uint32_t kAccessDenied = 5;
    const bool is_winrm = fault.fault().most_telling() == kAccessDenied;
    if (is_winrm) return fail("rights.winrm-denied", fault.message());
    fail("rights.namespace-denied", fault.message(), {{"namespace", name_space}});
}

void Examination::look_at_system() {
    try {
        facts_ = probe_->host().read_facts();
    } catch (const wsman::Fault& fault) {
        if (fault.code() == ErrorCode::busy) return fail("quota.exceeded", fault.message());
        if (fault.code() != ErrorCode::access_denied) throw;
        return judge_denial(fault, std::string{kCimv2});
    } catch (const Error& error) {
        if (error.code() != ErrorCode::access_denied) throw;
        return fail("os.unread", error.message());  // An empty list.
    }
    const std::string seen = fmt::format("{}, build {}, up since {}", facts_->os_caption,
                                         facts_->os_build, facts_->boot_time);
    if (facts_->os_build < kBuildMin) return fail("os.too-old", seen);
    if (facts_->is_client) return report_.add("os.client", seen);
    const bool is_known =
        std::find(kKnownBuilds.begin(), kKnownBuilds.end(), facts_->os_build) != kKnownBuilds.end();
    report_.add(is_known ? "os.supported" : "os.unknown-build", seen);
}

void Examination::look_at_role() {
    processes_ = probe_->read_processes();
    const bool is_stopped = processes_.vmms_state && *processes_.vmms_state != "Running";
    const std::string state =
        processes_.vmms_state ? "vmms is " + *processes_.vmms_state : "vmms is not shown";
    capabilities_ = probe_->read_capabilities();
    for (const ClassReport& one : capabilities_->classes) {
        const std::string seen = fmt::format("{}; {}", describe(one), state);
        switch (one.state) {
            case ClassState::no_name_space:
                return fail(is_stopped ? "role.vmms-stopped" : "role.missing", seen);
            case ClassState::denied:
                return fail("rights.namespace-denied", seen,
                            {{"namespace", std::string{kVirtualization}}});
            case ClassState::failed:
                return fail(is_stopped ? "role.vmms-stopped" : "role.provider-failed", seen);
            case ClassState::there:
            case ClassState::empty:
            case ClassState::missing:
                break;
        }
    }
    if (is_stopped) return fail("role.vmms-stopped", state);
    report_.add("role.present", state);
}

// Hyper-V does not refuse, it shows nothing (hyperv-wmi 8): which of its own objects are hidden
// tells rights from an empty host.
void Examination::look_at_rights() {
    const auto is_hidden = [&](std::string_view name) {
        const ClassReport* one = capabilities_->find(name);
        return one != nullptr && one->state == ClassState::empty;
    };
    const bool are_services_hidden = std::all_of(kServices.begin(), kServices.end(), is_hidden);
    if (is_hidden("Msvm_ComputerSystem") || are_services_hidden) return judge_emptiness(true);
    try {
        vms_ = probe_->host().list_vms();
    } catch (const wsman::Fault& fault) {
        if (fault.code() != ErrorCode::access_denied) {
            return fail("vms.unreadable", fault.message());
        }
        return judge_denial(fault, std::string{kVirtualization});
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        return fail("vms.unreadable", error.message());
    }
    if (vms_->empty()) return judge_emptiness(false);
    report_.add("rights.seen", fmt::format("{} VMs", vms_->size()));
}

void Examination::judge_emptiness(bool is_all_hidden) {
    const std::string workers =
        processes_.workers
            ? fmt::format("{} VM worker processes (vmwp.exe) run", *processes_.workers)
            : std::string{"worker processes are not shown"};
    if (is_all_hidden) {
        const std::string& user = host_.draft.user;
        const std::string computer = facts_ ? facts_->computer_name : std::string{};
        const std::size_t slash = user.find('\\');
        const bool is_local = user.find('@') == std::string::npos &&
                              (slash == std::string::npos || user.substr(0, slash) == computer);
        return fail(is_local ? "rights.filtered-local" : "rights.filtered",
                    fmt::format("neither the host nor its services are shown; {}", workers));
    }
    const std::string seen = fmt::format("the host is shown, and no VM; {}", workers);
    if (processes_.workers.value_or(0) > 0) return fail("rights.hidden-vms", seen);
    report_.add("rights.no-vms", seen);
}

void Examination::look_at_schema() {
    std::vector<std::string> missing;
    std::vector<std::string> lacking;
    std::string lacking_class;
    for (const ClassReport& one : capabilities_->classes) {
        // What only tells more about guests is not needed.
        const bool is_extra = one.name == "Msvm_VssComponent" ||
                              one.name == "Msvm_SecuritySettingData" ||
                              one.name == "Msvm_DiskMergeSettingData";
        if (is_extra) continue;
        if (one.state == ClassState::missing) missing.push_back(one.name);
        for (const std::string& property : one.missing_properties) {
            lacking.push_back(fmt::format("{}.{}", one.name, property));
            lacking_class = one.name;
        }
    }
    if (!missing.empty()) return fail("schema.class-missing", join_names(missing));
    if (!lacking.empty()) {
        return fail("schema.property-missing", join_names(lacking), {{"class", lacking_class}});
    }
    if (!capabilities_->takes_queries) {
        report_.add("schema.no-queries", "a query for one VM was refused");
    }
    const auto exclusions = services_.state.exclusions.list();
    const bool has_exclusions =
        std::any_of(exclusions.begin(), exclusions.end(),
                    [&](const state::Exclusion& one) { return one.host_id == host_.id; });
    if (has_exclusions && !capabilities_->can_exclude_disks) {
        report_.add("schema.cannot-exclude",
                    "the export settings have no ExcludedVirtualHardDisks");
    }
    report_.add("schema.complete", fmt::format("{} classes", capabilities_->classes.size()));
}

}  // namespace entrepot::doctor

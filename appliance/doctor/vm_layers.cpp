// vms and guests: what of the host can be backed up, and how consistently.
#include "appliance/doctor/examination.h"

#include "appliance/doctor/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace entrepot::doctor {
namespace {

constexpr int kVersionMin = 8;
constexpr std::uint16_t kReplica = 2;
constexpr std::uint16_t kTestReplica = 3;
// Msvm_ComputerSystem.OperationalStatus[1], creating a snapshot to migrating.
constexpr std::uint16_t kBusyFirst = 32768;
constexpr std::uint16_t kBusyLast = 32774;

int major_version(const std::string& version) {
    int major = 0;
    std::from_chars(version.data(), version.data() + version.size(), major);
    return major;
}

bool is_busy(const hyperv::Vm& vm) {
    return std::any_of(vm.operational_status.begin(), vm.operational_status.end(),
                       [](std::uint16_t one) { return kBusyFirst <= one && one <= kBusyLast; });
}

std::string file_name(const std::string& path) {
    return path.substr(path.find_last_of("\\/") + 1);
}

}  // namespace

void Examination::look_at_vms() {
    if (!vms_ || vms_->empty()) return report_.add("vms.none", "0 VMs");
    std::vector<std::string> old;
    std::vector<std::string> foreign;
    std::vector<std::string> replicas;
    std::vector<std::string> busy;
    for (const hyperv::Vm& vm : *vms_) {
        const int version = major_version(vm.version);
        if (version > 0 && version < kVersionMin) {
            old.push_back(fmt::format("{} ({})", vm.name, vm.version));
        }
        for (const hyperv::Snapshot& snapshot : vm.snapshots) {
            const bool is_foreign =
                snapshot.is_recovery && !services_.knowledge.is_our_snapshot(snapshot);
            if (is_foreign) foreign.push_back(fmt::format("{} ({})", vm.name, snapshot.name));
        }
        const bool is_replica =
            vm.replication_mode == kReplica || vm.replication_mode == kTestReplica;
        if (is_replica) replicas.push_back(vm.name);
        if (is_busy(vm)) {
            busy.push_back(fmt::format("{} ({})", vm.name, fmt::join(vm.operational_status, ", ")));
        }
    }
    const std::size_t before = report_.checks().size();
    if (!old.empty()) report_.add("vms.version-low", join_names(old));
    if (!foreign.empty()) report_.add("vms.foreign-snapshot", join_names(foreign));
    if (!replicas.empty()) report_.add("vms.replica", join_names(replicas));
    if (!busy.empty()) report_.add("vms.busy", join_names(busy));
    look_at_disks();
    if (report_.checks().size() == before) {
        report_.add("vms.fine", fmt::format("{} VMs", vms_->size()));
    }
}

void Examination::look_at_disks() {
    std::vector<std::string> left_out;
    for (const hyperv::Vm& vm : *vms_) {
        for (const hyperv::Disk& disk : vm.disks) {
            if (disk.cannot_back_up.empty()) continue;
            left_out.push_back(
                fmt::format("{} {}: {}", vm.name, file_name(disk.path), disk.cannot_back_up));
        }
    }
    if (!left_out.empty()) report_.add("vms.disk-left-out", join_names(left_out));
}

void Examination::look_at_guests() {
    if (!vms_) return report_.add("guests.none", "0 VMs");
    std::vector<std::string> silent;
    std::size_t running = 0;
    std::size_t known = 0;
    for (const hyperv::Vm& vm : *vms_) {
        if (vm.state != "running") continue;
        ++running;
        const auto backup = std::find_if(
            vm.integration_services.begin(), vm.integration_services.end(),
            [](const hyperv::IntegrationService& one) { return one.name == "backup"; });
        if (backup == vm.integration_services.end()) continue;
        ++known;
        if (!backup->is_working) {
            silent.push_back(
                fmt::format("{} ({})", vm.name, backup->is_enabled ? "no answer" : "switched off"));
        }
    }
    const std::string seen = fmt::format("{} of {} running guests", known, running);
    if (running == 0) return report_.add("guests.none", fmt::format("{} VMs", vms_->size()));
    if (known == 0) return report_.add("guests.unknown", seen);
    if (!silent.empty()) return report_.add("guests.vss-silent", join_names(silent));
    report_.add("guests.fine", seen);
}

}  // namespace entrepot::doctor

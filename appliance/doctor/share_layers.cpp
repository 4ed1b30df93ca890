// share and residue: where exports arrive, and what earlier runs left.
#include "appliance/doctor/examination.h"

#include "appliance/doctor/limits.h"
#include "appliance/share/export_area.h"
#include "appliance/share/unc.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>

namespace entrepot::doctor {
namespace {

namespace fs = std::filesystem;

std::string server_of(const std::string& unc) {
    const std::size_t first = unc.find_first_not_of('\\');
    if (first == std::string::npos) return {};
    return unc.substr(first, unc.find('\\', first) - first);
}

// What a full of the VM's disks may take; 0 where no size is known.
std::uint64_t size_of(const state::VmRecord& vm) {
    return std::accumulate(vm.disks.begin(), vm.disks.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Json& disk) {
                               return sum + disk.value("size_bytes", std::uint64_t{0});
                           });
}

bool is_difference_disk(const std::string& path) {
    const std::size_t dot = path.rfind('.');
    std::string extension = dot == std::string::npos ? std::string{} : path.substr(dot);
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension == ".avhdx";
}

}  // namespace

void Examination::look_at_share() {
    state::ShareRecord share;
    try {
        share = services_.shares.share_of(host_.draft);
    } catch (const Error& error) {
        const bool is_several = error.code() == ErrorCode::conflict;
        return fail(is_several ? "share.ambiguous" : "share.none", error.message());
    }
    report_.set("path", share.path.string());
    report_.set("unc", share.unc);
    report_.set("server", server_of(share.unc));
    if (look_at_share_directory(share)) look_at_share_room(share);
    look_at_file_server(share);
    if (share.is_managed()) look_at_share_account();
    look_at_share_name(share);
    look_at_identity(share);
}

// A file of ours, written and removed: rights and read-only mounts show no earlier.
bool Examination::look_at_share_directory(const state::ShareRecord& share) {
    try {
        share::ExportArea{services_.file_system, services_.clock, share.path}.check_root();
    } catch (const Error& error) {
        fail("share.directory-missing", error.message());
        return false;
    }
    std::array<std::byte, 16> chance{};
    services_.random.fill(chance);
    const fs::path probe = share.path / fmt::format(".entrepot-probe-{}", to_hex(chance));
    try {
        services_.file_system.create(probe)->write(0, as_bytes("x"));
        services_.file_system.remove(probe);
    } catch (const Error& error) {
        const bool is_full = error.code() == ErrorCode::no_space;
        fail(is_full ? "share.full" : "share.not-writable", error.message());
        return false;
    }
    report_.add("share.directory", share.path.string());
    return true;
}

void Examination::look_at_share_room(const state::ShareRecord& share) {
    const std::uint64_t free =
        share::ExportArea{services_.file_system, services_.clock, share.path}.free_bytes();
    std::uint64_t largest = 0;
    std::string name;
    for (const auto& vm : services_.state.vms.list_of_host(host_.id)) {
        const std::uint64_t size = size_of(vm);
        if (size <= largest) continue;
        largest = size;
        name = vm.name;
    }
    const std::string seen = fmt::format("{} MiB free", free / kMiB);
    if (free < limits::kShareFreeBytesMin) return fail("share.full", seen);
    if (free < largest) {
        report_.add("share.low", fmt::format("{}; {} has {} MiB", seen, name, largest / kMiB));
    }
}

void Examination::look_at_file_server(const state::ShareRecord& share) {
    share::FileServer* server =
        share.is_managed() ? services_.own_file_server : services_.file_server;
    if (server == nullptr) return;
    if (!share.is_managed()) report_.set("smb_conf", services_.smb_conf.string());
    try {
        server->check_running(stop_);
        report_.add("share.samba-running",
                    share.is_managed() ? share.name : services_.smb_conf.string());
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        fail(share.is_managed() ? "share.service-down" : "share.samba-silent", error.message());
    }
}

void Examination::look_at_share_account() {
    const auto account = services_.state.share_accounts.find(host_.id);
    report_.set("host_name", host_.draft.name);
    if (!account) return fail("share.account-missing", "no account was made for this host");
    if (!account->has_password && account->computer.empty()) {
        return fail("share.account-missing", fmt::format("{} is closed", account->account));
    }
    report_.add("share.account", account->account);
}

// Seen from here: the host may see another world, which only it can tell.
void Examination::look_at_share_name(const state::ShareRecord& share) {
    const std::string server = server_of(share.unc);
    const wsman::NameReport name = services_.network.resolve(server);
    const bool is_known =
        name.state == wsman::NameState::known || name.state == wsman::NameState::is_address;
    if (!is_known) {
        return report_.add("share.name-unknown", fmt::format("{}: {}", server, name.detail));
    }
    const std::string seen = fmt::format("{} is {}", server, join_names(name.addresses));
    const auto own = services_.network.own_addresses();
    const bool is_here =
        std::any_of(name.addresses.begin(), name.addresses.end(), [&](const std::string& address) {
            return std::find(own.begin(), own.end(), address) != own.end();
        });
    if (name.state == wsman::NameState::is_address) {
        report_.add("share.name-is-address", seen);
    } else {
        report_.add(is_here ? "share.name-here" : "share.name-elsewhere", seen);
    }
    const auto port = services_.network.connect(server, limits::kSmbPort, stop_);
    if (port.state == wsman::PortState::open) return report_.add("share.smb-open", port.detail);
    if (is_here) fail("share.smb-closed", port.detail);
}

void Examination::look_at_identity(const state::ShareRecord& share) {
    const auto proof = services_.knowledge.find_export_proof(host_.id);
    if (!proof) return report_.add("share.identity-unproven", share.unc);
    report_.add("share.identity-proven",
                fmt::format("{} was exported at {}", proof->vm_name, format_time(proof->time)));
}

void Examination::look_at_residue() {
    const std::size_t before = report_.checks().size();
    look_at_host_residue();
    look_at_folders();
    if (report_.checks().size() != before) return;
    report_.add("residue.none", vms_ ? fmt::format("{} VMs and the share", vms_->size())
                                     : std::string{"the share only; the host was not seen"});
}

void Examination::look_at_host_residue() {
    std::vector<std::string> snapshots;
    std::vector<std::string> points;
    std::vector<std::string> unmerged;
    // While a backup runs, its objects are where they belong.
    const bool is_working = has_running_backup();
    for (const hyperv::Vm& vm : vms_.value_or(std::vector<hyperv::Vm>{})) {
        if (is_working) break;
        for (const hyperv::Snapshot& one : vm.snapshots) {
            const bool is_ours = one.is_recovery && services_.knowledge.is_our_snapshot(one);
            if (is_ours) snapshots.push_back(fmt::format("{} ({})", vm.name, one.name));
        }
        const auto spare = services_.knowledge.list_spare_reference_points(host_.id, vm);
        for (const std::string& id : spare)
            points.push_back(fmt::format("{} ({})", vm.name, id));
        const bool is_chain =
            std::any_of(vm.disks.begin(), vm.disks.end(), [](const hyperv::Disk& disk) {
                return disk.cannot_back_up.empty() && is_difference_disk(disk.path);
            });
        if (vm.snapshots.empty() && is_chain) unmerged.push_back(vm.name);
    }
    if (!snapshots.empty()) report_.add("residue.snapshots", join_names(snapshots));
    if (!points.empty()) report_.add("residue.reference-points", join_names(points));
    if (!unmerged.empty()) report_.add("residue.unmerged", join_names(unmerged));
    std::vector<std::string> noted;
    for (const auto& one : services_.state.residue.list()) {
        if (one.host_id == host_.id) noted.push_back(one.text);
    }
    const bool is_news = snapshots.empty() && points.empty() && unmerged.empty();
    if (!noted.empty() && is_news) report_.add("residue.noted", join_names(noted));
}

bool Examination::has_running_backup() const {
    state::JobQuery query;
    query.kind = "backup";
    query.states = {jobs::JobState::running};
    query.limit = state::kJobPageMax;
    const auto page = services_.state.jobs.list(query);
    return std::any_of(page.jobs.begin(), page.jobs.end(), [&](const jobs::JobView& job) {
        return job.parameters.is_object() && job.parameters.value("host", "") == host_.id;
    });
}

void Examination::look_at_folders() {
    state::ShareRecord share;
    try {
        share = services_.shares.share_of(host_.draft);
    } catch (const Error&) {
        return;  // The layer above has said so.
    }
    fs::path folder = share.path / host_.id;
    if (share.is_managed()) {
        const auto account = services_.state.share_accounts.find(host_.id);
        if (!account) return;
        folder = share.path / account->account / host_.id;
    }
    const auto status = services_.file_system.find_status(folder);
    const bool is_folder = status && status->type == FileType::directory;
    if (!is_folder || has_running_backup()) return;
    std::vector<std::string> left;
    for (const DirectoryEntry& entry : services_.file_system.list(folder)) {
        if (entry.type == FileType::directory && share::is_path_id(entry.name)) {
            left.push_back(entry.name);
        }
    }
    report_.set("path", folder.string());
    if (!left.empty()) report_.add("residue.folders", join_names(left));
}

}  // namespace entrepot::doctor

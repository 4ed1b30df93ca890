// The adoption rules of the architecture, section 3; see host_objects.h.
#include "appliance/backup/host_objects.h"

#include "appliance/backup/host_calls.h"
#include "appliance/backup/host_records.h"
#include "appliance/backup/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

namespace entrepot::backup {
namespace {

constexpr std::uint16_t kCreatingSnapshot = 32768;
constexpr std::uint16_t kDeletingSnapshot = 32770;

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<std::string> strings_of(const Json& json, const char* name) {
    return json.at(name).get<std::vector<std::string>>();
}

bool is_busy_with_snapshots(Run& run) {
    const auto vm = read_patiently(run, [&] { return run.host().read_vm(run.vm_id()); });
    return std::any_of(vm.operational_status.begin(), vm.operational_status.end(),
                       [](std::uint16_t status) {
                           return status == kCreatingSnapshot || status == kDeletingSnapshot;
                       });
}

/// Whether the host has certainly done what the attempt asked for.
enum class IsDone { yes, unknown };

Found look_for_snapshot(Run& run, const Json& intent, IsDone is_done) {
    const std::vector<std::string> before = strings_of(intent, "before");
    Found found;
    std::vector<std::string> fresh;
    for (const auto& snapshot :
         read_patiently(run, [&] { return run.host().list_snapshots(run.vm_id()); })) {
        if (!snapshot.is_recovery || contains(before, snapshot.instance_id)) continue;
        if (snapshot.name == run.snapshot_name()) {
            found.id = snapshot.instance_id;
            return found;
        }
        fresh.push_back(snapshot.instance_id);
    }
    // Ours is among them then. Otherwise a single new one may as well be another product's, whose
    // request came when ours was lost.
    if (is_done == IsDone::yes && fresh.size() == 1) {
        found.id = fresh.front();
    } else {
        found.in_doubt = std::move(fresh);
    }
    return found;
}

std::vector<std::string> read_affected(Run& run,
                                       const std::function<std::vector<std::string>()>& list) {
    try {
        return read_patiently(run, list);
    } catch (const Error& error) {
        // The job object is gone already: other evidence decides.
        if (error.code() == ErrorCode::not_found) return {};
        throw;
    }
}

/// The one new snapshot that our job, or the answer itself, says it made, if it still says so.
std::optional<std::string> find_made_by_job(Run& run, const hyperv::JobRef& job,
                                            const Json& intent) {
    const auto before = strings_of(intent, "before");
    std::vector<std::string> made;
    for (const std::string& id :
         read_affected(run, [&] { return run.host().list_affected_snapshots(job); })) {
        if (!contains(before, id) && is_snapshot_on_host(run, id)) made.push_back(id);
    }
    if (made.size() != 1) return std::nullopt;
    return made.front();
}

bool has_done_its_work(Run& run, const hyperv::JobRef& job) {
    if (job.is_synchronous) return true;
    const auto status = read_patiently(run, [&] { return run.host().read_job(job); });
    return status.state == hyperv::JobState::completed;
}

}  // namespace

Found find_snapshot_of_attempt(Run& run, int attempt, std::chrono::seconds patience) {
    const auto intent = run.journal().find(key::intent(key::kSnapshot, attempt));
    if (!intent) return {};
    const auto job = run.journal().find_job(key::job(key::kSnapshot, attempt));
    IsDone is_done = IsDone::unknown;
    if (job) {
        if (const auto made = find_made_by_job(run, *job, *intent)) return {*made, {}};
        if (has_done_its_work(run, *job)) is_done = IsDone::yes;
    }
    Found found;
    wait_until(run, patience, [&] {
        found = look_for_snapshot(run, *intent, is_done);
        return found.id.has_value();
    });
    // What the host is still making may yet be ours.
    if (!found.id && patience.count() > 0 &&
        wait_until(run, run.pace().short_job_max, [&] { return !is_busy_with_snapshots(run); })) {
        found = look_for_snapshot(run, *intent, is_done);
    }
    if (!found.in_doubt.empty()) run.journal().put(key::kInDoubt, {{"ids", found.in_doubt}});
    return found;
}

Found find_our_snapshot(Run& run) {
    if (const auto recorded = run.journal().find(key::kSnapshot)) {
        const std::string id = recorded->at("id");
        if (is_snapshot_on_host(run, id)) return {id, {}};
        return {};
    }
    // What stayed in doubt was waited for already.
    const auto patience =
        run.journal().has(key::kInDoubt) ? std::chrono::seconds{0} : run.pace().appear_max;
    for (int attempt = 0; attempt < static_cast<int>(limits::kSnapshotAttemptsMax); ++attempt) {
        if (run.journal().has(key::ended(key::kSnapshot, attempt))) continue;
        Found found = find_snapshot_of_attempt(run, attempt, patience);
        if (found.id || !found.in_doubt.empty()) return found;
    }
    return {};
}

Found find_new_reference_point(Run& run, const std::string& snapshot_id) {
    const auto intent = run.journal().find(key::intent(key::kConvert, 0));
    if (!intent) return {};
    const auto before = strings_of(*intent, "before");
    std::vector<std::string> fresh;
    for (const auto& point :
         read_patiently(run, [&] { return run.host().list_reference_points(run.vm_id()); })) {
        if (!contains(before, point.instance_id)) fresh.push_back(point.instance_id);
    }
    const auto job = run.journal().find_job(key::job(key::kConvert, 0));
    if (job && !job->is_synchronous) {
        std::vector<std::string> made;
        for (const std::string& id :
             read_affected(run, [&] { return run.host().list_affected_reference_points(*job); })) {
            if (contains(fresh, id)) made.push_back(id);
        }
        if (made.size() == 1) return {made.front(), {}};
    }
    if (fresh.size() == 1 && !is_snapshot_on_host(run, snapshot_id)) return {fresh.front(), {}};
    return {std::nullopt, fresh};
}

bool is_snapshot_on_host(Run& run, const std::string& id) {
    const auto list = read_patiently(run, [&] { return run.host().list_snapshots(run.vm_id()); });
    return std::any_of(list.begin(), list.end(),
                       [&id](const auto& snapshot) { return snapshot.instance_id == id; });
}

bool is_reference_point_on_host(Run& run, const std::string& id) {
    const auto list =
        read_patiently(run, [&] { return run.host().list_reference_points(run.vm_id()); });
    return std::any_of(list.begin(), list.end(),
                       [&id](const auto& point) { return point.instance_id == id; });
}

void destroy_snapshot(Run& run, const std::string& id) {
    destroy_object(
        run, fmt::format("recovery snapshot {}", id), [&] { return is_snapshot_on_host(run, id); },
        [&] { return run.host().start_destroy_snapshot(id); });
}

void destroy_reference_point(Run& run, const std::string& id) {
    destroy_object(
        run, fmt::format("reference point {}", id),
        [&] { return is_reference_point_on_host(run, id); },
        [&] { return run.host().start_destroy_reference_point(run.vm_id(), id); });
}

bool is_recorded_snapshot(Run& run, const hyperv::Snapshot& snapshot) {
    return snapshot.name == run.snapshot_name() || is_our_snapshot(run.services().state, snapshot);
}

std::string remove_snapshot_command(const std::string& vm_id, const std::string& snapshot_id) {
    const std::size_t colon = snapshot_id.find(':');
    const std::string guid =
        colon == std::string::npos ? snapshot_id : snapshot_id.substr(colon + 1);
    return fmt::format(
        "Get-VM -Id {} | Get-VMSnapshot | Where-Object Id -eq '{}' | Remove-VMSnapshot", vm_id,
        guid);
}

std::string show_disks_command(const std::string& vm_id) {
    return fmt::format("Get-VM -Id {} | Get-VMHardDiskDrive | Select-Object Path", vm_id);
}

}  // namespace entrepot::backup

// The adoption rules of the architecture, section 3; see host_objects.h.
#include "appliance/backup/host_objects.h"

#include "appliance/backup/host_calls.h"
#include "appliance/backup/host_records.h"
#include "appliance/backup/limits.h"

#include "base/clock.h"
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

/// The host's clock has seconds in some places, and it is not ours.
bool is_created_inside(const hyperv::Snapshot& snapshot, const Json& intent) {
    const auto created = parse_time(snapshot.created);
    const auto asked = parse_time(intent.at("host_time").get<std::string>());
    if (!created || !asked) return false;
    return *created >= *asked - std::chrono::seconds{2} &&
           *created <= *asked + limits::kSnapshotCallMax;
}

bool is_busy_with_snapshots(Run& run) {
    const auto vm = read_patiently(run, [&] { return run.host().read_vm(run.vm_id()); });
    return std::any_of(vm.operational_status.begin(), vm.operational_status.end(),
                       [](std::uint16_t status) {
                           return status == kCreatingSnapshot || status == kDeletingSnapshot;
                       });
}

/// After a job that failed nothing but its own word proves anything: a single new one may as well
/// be another product's.
enum class IsProof { single_new_one, nothing_but_name };

Found look_for_snapshot(Run& run, const Json& intent, IsProof proof = IsProof::single_new_one) {
    const std::vector<std::string> before = strings_of(intent, "before");
    Found found;
    std::vector<hyperv::Snapshot> fresh;
    for (const auto& snapshot :
         read_patiently(run, [&] { return run.host().list_snapshots(run.vm_id()); })) {
        if (!snapshot.is_recovery || contains(before, snapshot.instance_id)) continue;
        if (snapshot.name == run.snapshot_name()) {
            found.id = snapshot.instance_id;
            return found;
        }
        fresh.push_back(snapshot);
    }
    const bool may_be_single = proof == IsProof::single_new_one && fresh.size() == 1;
    if (may_be_single && is_created_inside(fresh.front(), intent)) {
        found.id = fresh.front().instance_id;
        return found;
    }
    for (const auto& snapshot : fresh)
        found.in_doubt.push_back(snapshot.instance_id);
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

/// The one new snapshot that our job says it made, if it still says so.
std::optional<std::string> find_made_by_job(Run& run, int attempt, const Json& intent) {
    const auto job = run.journal().find_job(key::job(key::kSnapshot, attempt));
    if (!job || job->is_synchronous) return std::nullopt;
    const auto before = strings_of(intent, "before");
    std::vector<std::string> made;
    for (const std::string& id :
         read_affected(run, [&] { return run.host().list_affected_snapshots(*job); })) {
        if (!contains(before, id) && is_snapshot_on_host(run, id)) made.push_back(id);
    }
    if (made.size() != 1) return std::nullopt;
    return made.front();
}

}  // namespace

Found find_snapshot_of_failure(Run& run, int attempt) {
    const auto intent = run.journal().find(key::intent(key::kSnapshot, attempt));
    if (!intent) return {};
    if (const auto made = find_made_by_job(run, attempt, *intent)) return {*made, {}};
    return look_for_snapshot(run, *intent, IsProof::nothing_but_name);
}

Found find_snapshot_of_attempt(Run& run, int attempt, std::chrono::seconds patience) {
    const auto intent = run.journal().find(key::intent(key::kSnapshot, attempt));
    if (!intent) return {};
    if (const auto made = find_made_by_job(run, attempt, *intent)) return {*made, {}};
    Found found;
    wait_until(run, patience, [&] {
        found = look_for_snapshot(run, *intent);
        return found.id.has_value();
    });
    if (!found.id && found.in_doubt.empty() && patience.count() > 0 &&
        wait_until(run, run.pace().short_job_max, [&] { return !is_busy_with_snapshots(run); })) {
        found = look_for_snapshot(run, *intent);
    }
    return found;
}

Found find_our_snapshot(Run& run) {
    if (const auto recorded = run.journal().find(key::kSnapshot)) {
        const std::string id = recorded->at("id");
        if (is_snapshot_on_host(run, id)) return {id, {}};
        return {};
    }
    for (int attempt = 0; attempt < static_cast<int>(limits::kSnapshotAttemptsMax); ++attempt) {
        if (run.journal().has(key::ended(key::kSnapshot, attempt))) continue;
        Found found = find_snapshot_of_attempt(run, attempt, run.pace().appear_max);
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

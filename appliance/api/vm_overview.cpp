// See vm_overview.h.
#include "appliance/api/vm_overview.h"

#include "appliance/policy/missed_run.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::api {
namespace {

/// Restores name their point; which VM it is of only the point tells.
JobsOfVms list_last_restores(Services& services, const LastJobs& jobs) {
    JobsOfVms last;
    for (const auto& [point, job] : jobs.restores_done) {
        const auto key = services.vm_points->find_vm(point);
        if (!key) continue;
        SharedJob& known = last[*key];
        if (!known || *known->ended < *job->ended) known = job;
    }
    return last;
}

std::vector<PolicyView> list_policy_views(Services& services) {
    std::vector<PolicyView> views;
    const auto zone = services.zones.get(services.config.time_zone);
    for (const auto& record : services.state.policies.list()) {
        auto policy = policy::Policy::from_json(record.definition, services.zones);
        if (!policy.is_enabled) continue;
        auto calendar = policy::CalendarExpression::parse(policy.calendar, services.zones);
        const auto next_run = calendar.next_after(services.clock.wall_now(), *zone);
        views.push_back({std::move(policy), std::move(calendar), record.changed, next_run});
    }
    return views;
}

/// Those that no host has any more are known by their points alone.
void add_vms_of_points(VmOverview& overview) {
    for (const auto& [key, points] : overview.points) {
        auto& vm = overview.vms[key];
        if (!vm.vm_id.empty()) continue;
        vm = {key.first,      key.second, points->newest.draft.vm_name, "unknown", Json::array(),
              Json::object(), {}};
    }
}

}  // namespace

VmOverview read_vm_overview(Services& services) {
    VmOverview overview{HostNames{services.state}, {}, {}, {}, {}, {}, {}, {}};
    for (auto& vm : services.state.vms.list_names())
        overview.vms.emplace(VmKey{vm.host_id, vm.vm_id}, vm);
    for (auto& exclusion : services.state.exclusions.list()) {
        const VmKey key{exclusion.host_id, exclusion.vm_id};
        overview.exclusions[key].push_back(std::move(exclusion));
    }
    overview.points = services.vm_points->read(services.repository());
    add_vms_of_points(overview);
    for (auto& residue : services.state.residue.list()) {
        const VmKey key{residue.host_id, residue.vm_id};
        overview.residue[key].push_back(std::move(residue));
    }
    LastJobs jobs = services.last_jobs->read(services.engine);
    overview.last_restores = list_last_restores(services, jobs);
    overview.last_backups = std::move(jobs.backups);
    overview.policies = list_policy_views(services);
    return overview;
}

Lateness find_late_run(const VmKey& key, const state::VmRecord& vm, const VmOverview& overview,
                       Services& services) {
    if (vm.host_id.empty()) return {};
    const std::string host_name = overview.host_names.name_of(vm.host_id);
    const auto zone = services.zones.get(services.config.time_zone);
    const auto points = overview.points.find(key);
    const auto job = overview.last_backups.find(key);
    const bool has_points = points != overview.points.end();
    // Nobody tried yet: it may be an hour old, and its first run is still to come.
    if (!has_points && job == overview.last_backups.end()) return {};
    const WallTime newest = has_points ? points->second->newest.time : job->second->created;
    const WallTime now = services.clock.wall_now();
    Lateness lateness;
    for (const PolicyView& view : overview.policies) {
        if (!view.policy.matches(host_name, vm.vm_id, vm.name)) continue;
        const auto run =
            policy::find_awaited_run(view.calendar, *zone, std::max(view.since, newest));
        if (!run) continue;
        if (now <= run->patience_end) {
            const WallTime overdue = run->patience_end + std::chrono::milliseconds{1};
            lateness.changes = std::min(lateness.changes.value_or(overdue), overdue);
        } else if (!lateness.late || run->due < lateness.late->due) {
            lateness.late = {run->due, view.policy.name};
        }
    }
    return lateness;
}

Json list_vm_problems(const VmKey& key, const VmOverview& overview,
                      const std::optional<LateRun>& late) {
    Json problems = Json::array();
    const auto job = overview.last_backups.find(key);
    if (job != overview.last_backups.end() && job->second->state == jobs::JobState::failed) {
        const auto& error = job->second->error;
        problems.push_back("the last backup failed: " + (error ? error->message : ""));
    }
    if (late) {
        problems.push_back(fmt::format("late: policy {} was due at {}, and no point came",
                                       late->policy, format_time(late->due)));
    }
    const auto points = overview.points.find(key);
    if (points != overview.points.end() && points->second->newest.has_known_damage) {
        problems.push_back("the newest recovery point is damaged");
    }
    if (points != overview.points.end()) {
        const auto& disagreement = points->second->disagreement;
        if (disagreement) problems.push_back(*disagreement);
    }
    const auto residue = overview.residue.find(key);
    if (residue != overview.residue.end()) {
        for (const auto& entry : residue->second)
            problems.push_back(entry.text);
    }
    return problems;
}

}  // namespace entrepot::api

// See vm_overview.h.
#include "appliance/api/vm_overview.h"

#include "appliance/backup/comparison_report.h"
#include "appliance/policy/missed_run.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::api {
namespace {

// Pages of the newest backups: two thousand jobs, which are two nights of a thousand VMs.
constexpr std::size_t kBackupPagesMax = 4;

/// Read on until each known VM has one.
JobsOfVms list_last_backups(std::size_t vm_count, Services& services) {
    JobsOfVms last;
    state::JobQuery query;
    query.kind = "backup";
    query.limit = state::kJobPageMax;
    for (std::size_t number = 0; number < kBackupPagesMax; ++number) {
        auto page = services.engine.list(query);
        for (auto& job : page.jobs) {
            if (!job.parameters.is_object()) continue;
            const VmKey key{job.parameters.value("host", ""), job.parameters.value("vm", "")};
            last.emplace(key, std::move(job));  // Newest first: the first one stays.
        }
        if (page.next_cursor.empty() || last.size() >= vm_count) break;
        query.cursor = page.next_cursor;
    }
    return last;
}

/// Restores name their point; which VM it is of only the point tells.
std::map<std::string, jobs::JobView> list_restores_of_points(Services& services) {
    std::map<std::string, jobs::JobView> of_points;
    for (const char* kind : {"restore_vm", "restore_disk"}) {
        state::JobQuery query;
        query.kind = kind;
        query.states = {jobs::JobState::done};
        query.limit = state::kJobPageMax;
        for (auto& job : services.engine.list(query).jobs) {
            if (!job.parameters.is_object() || !job.ended) continue;
            const std::string point = job.parameters.value("point", "");
            const auto known = of_points.find(point);
            if (known != of_points.end() && *known->second.ended >= *job.ended) continue;
            of_points.insert_or_assign(point, std::move(job));
        }
    }
    return of_points;
}

void note_restore(JobsOfVms& last, const VmKey& key, const jobs::JobView& job) {
    const auto known = last.find(key);
    if (known != last.end() && *known->second.ended >= *job.ended) return;
    last.insert_or_assign(key, job);
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

void read_points_of_vms(VmOverview& overview, Services& services) {
    const auto restores = list_restores_of_points(services);
    for (auto& point : services.repository().list_points({})) {
        const VmKey key{point.draft.host, point.draft.vm_id};
        auto& vm = overview.vms[key];
        if (vm.vm_id.empty()) {
            vm = {key.first,      key.second, point.draft.vm_name, "unknown", Json::array(),
                  Json::object(), {}};
        }
        const auto restore = restores.find(point.id);
        if (restore != restores.end()) note_restore(overview.last_restores, key, restore->second);
        overview.points[key].push_back(std::move(point));
    }
}

}  // namespace

VmOverview read_vm_overview(Services& services) {
    VmOverview overview{HostNames{services.state}, {}, {}, {}, {}, {}, {}};
    for (auto& vm : services.state.vms.list())
        overview.vms.emplace(VmKey{vm.host_id, vm.vm_id}, vm);
    read_points_of_vms(overview, services);
    for (auto& residue : services.state.residue.list()) {
        const VmKey key{residue.host_id, residue.vm_id};
        overview.residue[key].push_back(std::move(residue));
    }
    overview.last_backups = list_last_backups(overview.vms.size(), services);
    overview.policies = list_policy_views(services);
    return overview;
}

std::optional<LateRun> find_late_run(const VmKey& key, const state::VmRecord& vm,
                                     const VmOverview& overview, Services& services) {
    if (vm.host_id.empty()) return std::nullopt;
    const std::string host_name = overview.host_names.name_of(vm.host_id);
    const auto zone = services.zones.get(services.config.time_zone);
    const auto points = overview.points.find(key);
    const auto job = overview.last_backups.find(key);
    const bool has_points = points != overview.points.end();
    // Nobody tried yet: it may be an hour old, and its first run is still to come.
    if (!has_points && job == overview.last_backups.end()) return std::nullopt;
    const WallTime newest = has_points ? points->second.back().time : job->second.created;
    std::optional<LateRun> late;
    for (const PolicyView& view : overview.policies) {
        if (!view.policy.matches(host_name, vm.vm_id, vm.name)) continue;
        const auto due = policy::find_missed_run(view.calendar, *zone, std::max(view.since, newest),
                                                 services.clock.wall_now());
        if (due && (!late || *due < late->due)) late = {*due, view.policy.name};
    }
    return late;
}

Json list_vm_problems(const VmKey& key, const VmOverview& overview,
                      const std::optional<LateRun>& late) {
    Json problems = Json::array();
    const auto job = overview.last_backups.find(key);
    if (job != overview.last_backups.end() && job->second.state == jobs::JobState::failed) {
        const auto& error = job->second.error;
        problems.push_back("the last backup failed: " + (error ? error->message : ""));
    }
    if (late) {
        problems.push_back(fmt::format("late: policy {} was due at {}, and no point came",
                                       late->policy, format_time(late->due)));
    }
    const auto points = overview.points.find(key);
    if (points != overview.points.end() && points->second.back().has_known_damage) {
        problems.push_back("the newest recovery point is damaged");
    }
    if (points != overview.points.end()) {
        if (const auto problem = backup::find_disagreement(points->second))
            problems.push_back(*problem);
    }
    const auto residue = overview.residue.find(key);
    if (residue != overview.residue.end()) {
        for (const auto& entry : residue->second)
            problems.push_back(entry.text);
    }
    return problems;
}

}  // namespace entrepot::api

// Deciding and enqueuing the runs of policies; see scheduler.h.
#include "appliance/policy/scheduler.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::policy {
namespace {

// A last run further ahead of the clock than this was written while the clock was wrong.
constexpr std::chrono::hours kClockStepMax{1};

// Among so many of a policy's last runs one of the same key is looked for.
constexpr std::size_t kRunsOfKeysMax = 100;

constexpr std::string_view kBackup = "backup";
constexpr std::string_view kPrune = "prune";

std::string once_key(std::string_view kind, const std::string& run_id, const Candidate& vm) {
    return fmt::format("run:{}:{}:{}/{}", run_id, kind, vm.host_id, vm.vm_id);
}

std::string subject_of(const Candidate& vm) {
    return fmt::format("{} on {}", vm.vm_name, vm.host_name);
}

Json to_json(const std::vector<Candidate>& vms) {
    Json json = Json::array();
    for (const Candidate& vm : vms) {
        json.push_back({{"host", vm.host_id},
                        {"host_name", vm.host_name},
                        {"vm", vm.vm_id},
                        {"vm_name", vm.vm_name}});
    }
    return json;
}

std::vector<Candidate> vms_of(const state::PolicyRun& run) {
    std::vector<Candidate> vms;
    for (const Json& entry : run.plan.at("vms")) {
        vms.push_back({.host_id = entry.at("host").get<std::string>(),
                       .host_name = entry.at("host_name").get<std::string>(),
                       .vm_id = entry.at("vm").get<std::string>(),
                       .vm_name = entry.at("vm_name").get<std::string>()});
    }
    return vms;
}

}  // namespace

std::vector<DueRun> plan_due(const std::vector<PolicySchedule>& policies, WallTime now,
                             const TimeZone& zone) {
    std::vector<DueRun> due;
    for (const PolicySchedule& policy : policies) {
        if (!policy.is_enabled) continue;
        WallTime base = std::max(policy.changed, policy.last_run.value_or(policy.changed));
        if (base > now + kClockStepMax) base = now;
        const auto slot = policy.calendar.next_after(base, zone);
        if (slot && *slot <= now) due.push_back({.policy_id = policy.id, .slot = *slot});
    }
    return due;
}

std::string vm_exclusive_key(const std::string& host_id, const std::string& vm_id) {
    return fmt::format("vm:{}/{}", host_id, vm_id);
}

jobs::JobRequest backup_request(const Policy& policy, const std::string& run_id,
                                const Candidate& vm, std::uint32_t jobs_per_host_max) {
    return {.kind = std::string{kBackup},
            .subject = subject_of(vm),
            .parameters = {{"host", vm.host_id},
                           {"vm", vm.vm_id},
                           {"consistency", std::string{to_string(policy.consistency)}},
                           {"full_every", policy.full_every},
                           {"policy", policy.name},
                           {"run", run_id}},
            .requested_by = "policy " + policy.name,
            .exclusive_key = vm_exclusive_key(vm.host_id, vm.vm_id),
            .group = "host:" + vm.host_id,
            .group_limit = jobs_per_host_max,
            .once_key = once_key(kBackup, run_id, vm)};
}

jobs::JobRequest prune_request(const Policy& policy, const std::string& run_id,
                               const Candidate& vm) {
    Json parameters = policy.keep.to_json();
    parameters.update(
        {{"host", vm.host_id}, {"vm", vm.vm_id}, {"policy", policy.name}, {"run", run_id}});
    return {.kind = std::string{kPrune},
            .subject = subject_of(vm),
            .parameters = std::move(parameters),
            .requested_by = "policy " + policy.name,
            .exclusive_key = vm_exclusive_key(vm.host_id, vm.vm_id),
            .group = {},
            .group_limit = 0,
            .once_key = once_key(kPrune, run_id, vm)};
}

Scheduler::Scheduler(const SchedulerEnvironment& environment, const SchedulerOptions& options)
    : environment_(environment), options_(options) {}

Scheduler::~Scheduler() {
    stop();
}

void Scheduler::start() {
    thread_ = std::jthread{[this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            try {
                run_once(stop);
            } catch (const std::exception& error) {
                environment_.log.error("policies could not be looked at",
                                       {{"error", error.what()}});
            }
            environment_.clock.sleep_for(options_.interval, stop);
        }
    }};
}

void Scheduler::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void Scheduler::run_once(std::stop_token stop) {
    // Hosts are asked outside the lock: one that does not answer must not hold up run_now().
    if (!list_due().empty()) refresh_hosts(stop);
    const std::scoped_lock lock{mutex_};
    if (!stop.stop_requested()) plan_due_runs();
    for (const state::PolicyRun& run : environment_.state.policies.list_open_runs()) {
        try {
            advance(run);
        } catch (const Error& error) {  // It is tried again in the next round.
            environment_.log.error("a policy's run does not go on",
                                   {{"policy", run.policy_name}, {"error", error.what()}});
        }
    }
}

std::optional<std::string> Scheduler::find_run_of_key(const state::PolicyRecord& record,
                                                      const std::string& once_key) {
    if (once_key.empty()) return std::nullopt;
    for (const auto& run : environment_.state.policies.list_runs(record.id, kRunsOfKeysMax)) {
        if (run.plan.value("once_key", "") == once_key) return run.id;
    }
    return std::nullopt;
}

std::string Scheduler::run_now(std::string_view policy_id_or_name, const std::string& once_key) {
    const state::PolicyRecord record = environment_.state.policies.get(policy_id_or_name);
    if (auto known = find_run_of_key(record, once_key)) return *std::move(known);
    refresh_hosts({});
    const std::scoped_lock lock{mutex_};
    // Somebody may have come before while the hosts were asked.
    if (auto known = find_run_of_key(record, once_key)) return *std::move(known);
    const state::PolicyRun run =
        plan_run(record, {environment_.clock.wall_now(), once_key}, std::nullopt);
    if (vms_of(run).empty()) {
        environment_.state.policies.set_run_state(run.id, "done");
        throw Error{ErrorCode::not_found, fmt::format("policy {} matches no VM", record.name),
                    "entrepot vm list shows those that are known"};
    }
    advance(run);
    return run.id;
}

std::vector<std::string> Scheduler::list_jobs_of_run(const std::string& run_id) {
    const auto run = environment_.state.policies.find_run(run_id);
    if (!run) throw Error{ErrorCode::not_found, fmt::format("there is no run {:.80}", run_id)};
    std::vector<std::string> ids;
    for (const Candidate& vm : vms_of(*run)) {
        const auto job = environment_.state.jobs.find_by_once_key(once_key(kBackup, run_id, vm));
        if (job) ids.push_back(job->view.id);
    }
    return ids;
}

std::vector<DueRun> Scheduler::list_due() {
    std::vector<PolicySchedule> schedules;
    for (const state::PolicyRecord& record : environment_.state.policies.list()) {
        try {
            const Policy policy = Policy::from_json(record.definition, environment_.zones);
            schedules.push_back(
                {.id = record.id,
                 .is_enabled = policy.is_enabled,
                 .calendar = CalendarExpression::parse(policy.calendar, environment_.zones),
                 .changed = record.changed,
                 .last_run = record.last_run});
        } catch (const Error& error) {
            // One policy that this version does not understand must not stop the others.
            environment_.log.error("a policy cannot run",
                                   {{"policy", record.name}, {"error", error.what()}});
        }
    }
    return plan_due(schedules, environment_.clock.wall_now(),
                    *environment_.zones.get(options_.time_zone));
}

void Scheduler::plan_due_runs() {
    for (const DueRun& due : list_due()) {
        const auto record = environment_.state.policies.find(due.policy_id);
        if (!record) continue;  // Removed in this moment.
        const state::PolicyRun run =
            plan_run(*record, {due.slot, {}}, environment_.clock.wall_now());
        environment_.log.info("policy runs", {{"policy", record->name},
                                              {"slot", format_time(due.slot)},
                                              {"vms", std::to_string(vms_of(run).size())}});
    }
}

void Scheduler::refresh_hosts(const std::stop_token& stop) {
    if (!options_.refresh_host) return;
    for (const state::HostRecord& host : environment_.state.hosts.list()) {
        if (stop.stop_requested()) return;
        try {
            options_.refresh_host(host, stop);
        } catch (const Error& error) {
            environment_.log.warning(
                "a host could not be asked for its VMs; what was last seen "
                "of them counts",
                {{"host", host.draft.name}, {"error", error.what()}});
        }
    }
}

state::PolicyRun Scheduler::plan_run(const state::PolicyRecord& record, const RunReason& reason,
                                     std::optional<WallTime> last_run) {
    const Policy policy = Policy::from_json(record.definition, environment_.zones);
    Json plan{{"definition", record.definition},
              {"slot", format_time(reason.slot)},
              {"vms", to_json(list_candidates(policy))}};
    if (!reason.once_key.empty()) plan["once_key"] = reason.once_key;
    return environment_.state.policies.plan_run(record, plan, last_run);
}

std::vector<Candidate> Scheduler::list_candidates(const Policy& policy) {
    std::vector<Candidate> candidates;
    for (const state::HostRecord& host : environment_.state.hosts.list()) {
        for (const state::VmRecord& vm : environment_.state.vms.list_of_host(host.id)) {
            if (!policy.matches(host.draft.name, vm.vm_id, vm.name)) continue;
            candidates.push_back({.host_id = host.id,
                                  .host_name = host.draft.name,
                                  .vm_id = vm.vm_id,
                                  .vm_name = vm.name});
        }
    }
    return candidates;
}

void Scheduler::advance(const state::PolicyRun& run) {
    const Policy policy = Policy::from_json(run.plan.at("definition"), environment_.zones);
    if (run.state == "planned") {
        enqueue_backups(run, policy);
        return;
    }
    enqueue_prunes_if_ended(run, policy);
}

bool Scheduler::has_waiting_backup(const jobs::JobRequest& request) {
    for (const jobs::JobState job_state : {jobs::JobState::queued, jobs::JobState::running}) {
        for (const state::JobRecord& job : environment_.state.jobs.list_in_state(job_state)) {
            if (job.request.kind == request.kind &&
                job.request.exclusive_key == request.exclusive_key &&
                job.request.once_key != request.once_key) {
                return true;
            }
        }
    }
    return false;
}

// After a crash in here all is asked for again; the once_key makes that harmless.
void Scheduler::enqueue_backups(const state::PolicyRun& run, const Policy& policy) {
    for (const Candidate& vm : vms_of(run)) {
        const jobs::JobRequest request =
            backup_request(policy, run.id, vm, options_.jobs_per_host_max);
        if (has_waiting_backup(request)) {
            environment_.log.warning("a backup still waits or runs; no second one is added",
                                     {{"policy", policy.name}, {"vm", vm.vm_name}});
            continue;
        }
        environment_.engine.enqueue(request);
    }
    environment_.state.policies.set_run_state(run.id, "running");
}

void Scheduler::enqueue_prunes_if_ended(const state::PolicyRun& run, const Policy& policy) {
    std::vector<Candidate> backed_up;
    for (const Candidate& vm : vms_of(run)) {
        const auto job = environment_.state.jobs.find_by_once_key(once_key(kBackup, run.id, vm));
        if (!job) continue;
        if (!jobs::is_final(job->view.state)) return;
        const bool has_point =
            job->view.state == jobs::JobState::done || job->view.state == jobs::JobState::partly;
        if (has_point) backed_up.push_back(vm);
    }
    // A VM without a new point loses none.
    for (const Candidate& vm : backed_up) {
        environment_.engine.enqueue(prune_request(policy, run.id, vm));
    }
    environment_.state.policies.set_run_state(run.id, "done");
}

}  // namespace entrepot::policy

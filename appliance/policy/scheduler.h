// Runs policies: when the calendar says so, a missed run once, none twice; prunes after each run.
#pragma once

#include "appliance/jobs/job_engine.h"
#include "appliance/policy/calendar.h"
#include "appliance/policy/policy.h"
#include "appliance/state/state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/time_zone.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace entrepot::policy {

/// What plan_due() looks at of one policy.
struct PolicySchedule {
    std::string id;
    bool is_enabled = true;
    CalendarExpression calendar;
    WallTime changed{};
    std::optional<WallTime> last_run;
};

struct DueRun {
    std::string policy_id;
    WallTime slot{};  ///< The first calendar time that it stands for; earlier than now if missed.
};

/// Pure: which policies run now. However many calendar times passed since the last run, one run
/// stands for all of them.
std::vector<DueRun> plan_due(const std::vector<PolicySchedule>& policies, WallTime now,
                             const TimeZone& zone);

/// A VM that a policy may take in.
struct Candidate {
    std::string host_id;
    std::string host_name;
    std::string vm_id;
    std::string vm_name;
};

/// The requests a run is made of; what their handlers get as parameters:
/// backup: {"host": id, "vm": id, "consistency", "full_every", "policy": name, "run": run id}
/// prune:  {"host": id, "vm": id, "keep_last", ... "keep_yearly", "policy", "run"}
jobs::JobRequest backup_request(const Policy& policy, const std::string& run_id,
                                const Candidate& vm, std::uint32_t jobs_per_host_max);
jobs::JobRequest prune_request(const Policy& policy, const std::string& run_id,
                               const Candidate& vm);
/// The exclusive key that backup, prune and restore of one VM share.
std::string vm_exclusive_key(const std::string& host_id, const std::string& vm_id);

struct SchedulerOptions {
    std::string time_zone = "UTC";
    std::uint32_t jobs_per_host_max = 2;
    std::chrono::milliseconds interval{15'000};
    /// Asks the hosts for their VMs before a run, where given; called once per host that is known.
    /// A failure is logged and what was last seen is used. It should store what it finds.
    std::function<void(const state::HostRecord&, std::stop_token)> refresh_host;
};

struct SchedulerEnvironment {
    Clock& clock;
    Log& log;
    state::State& state;
    jobs::JobEngine& engine;
    TimeZones& zones;
};

class Scheduler {
public:
    Scheduler(const SchedulerEnvironment& environment, const SchedulerOptions& options);
    ~Scheduler();  ///< As stop().

    void start();
    void stop();

    /// One round: plans what is due, enqueues what is planned, prunes after what has ended.
    void run_once(std::stop_token stop);
    /// Plans and enqueues a run now, calendar or not, enabled or not. Returns the run's id.
    /// Error{not_found} if there is no such policy or it matches no VM. The prune jobs follow in a
    /// later round: without start(), call run_once() after the backups have ended. With a
    /// `once_key` that one of the policy's last runs has, that run's id and no new run.
    std::string run_now(std::string_view policy_id_or_name, const std::string& once_key = {});
    /// The run's backup jobs, for a caller that waits for them.
    std::vector<std::string> list_jobs_of_run(const std::string& run_id);

private:
    std::vector<DueRun> list_due();
    void refresh_hosts(const std::stop_token& stop);
    std::vector<Candidate> list_candidates(const Policy& policy);
    void plan_due_runs();
    struct RunReason {
        WallTime slot{};
        std::string once_key{};
    };
    std::optional<std::string> find_run_of_key(const state::PolicyRecord& record,
                                               const std::string& once_key);
    state::PolicyRun plan_run(const state::PolicyRecord& record, const RunReason& reason,
                              std::optional<WallTime> last_run);
    void advance(const state::PolicyRun& run);
    bool has_waiting_backup(const jobs::JobRequest& request);
    void enqueue_backups(const state::PolicyRun& run, const Policy& policy);
    void enqueue_prunes_if_ended(const state::PolicyRun& run, const Policy& policy);

    SchedulerEnvironment environment_;
    SchedulerOptions options_;
    std::mutex mutex_;  ///< One round or run_now() at a time.
    std::jthread thread_;
};

}  // namespace entrepot::policy

// See record_keeper.h.
#include "appliance/policy/record_keeper.h"

#include "appliance/policy/scheduler.h"

#include <algorithm>
#include <set>
#include <string>

namespace entrepot::policy {

RecordKeeper::~RecordKeeper() {
    stop();
}

void RecordKeeper::start() {
    thread_ = std::jthread{[this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            try {
                run_once();
            } catch (const std::exception& error) {
                log_.error("the records of old jobs could not be removed",
                           {{"error", error.what()}});
            }
            clock_.sleep_for(options_.interval, stop);
        }
    }};
}

void RecordKeeper::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

std::size_t RecordKeeper::run_once() {
    std::set<std::string> keys;
    for (const state::Residue& residue : state_.residue.list()) {
        keys.insert(vm_exclusive_key(residue.host_id, residue.vm_id));
    }
    if (keys.size() > state::kKeptKeysMax) {
        log_.warning("no records of jobs are removed: too many VMs have something left on a host",
                     {{"vms", std::to_string(keys.size())}});
        return 0;
    }
    state::EndedJobs which{.before = clock_.wall_now() - options_.job_age_max,
                           .count_max = options_.job_count_max,
                           .needed_since = std::nullopt,
                           .kept_exclusive_keys = {keys.begin(), keys.end()}};
    for (const state::PolicyRun& run : state_.policies.list_open_runs()) {
        which.needed_since = std::min(which.needed_since.value_or(run.started), run.started);
    }
    const std::size_t count = state_.jobs.remove_ended(which);
    if (count > 0) log_.info("records of old jobs removed", {{"jobs", std::to_string(count)}});
    return count;
}

}  // namespace entrepot::policy

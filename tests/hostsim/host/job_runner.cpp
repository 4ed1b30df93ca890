// One thread per job; the model holds what clients see of it.
#include "tests/hostsim/host/job_runner.h"

#include "base/error.h"
#include "tests/hostsim/host/host_events.h"
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

#include <condition_variable>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kStarting = 3;
constexpr std::uint32_t kRunning = 4;
constexpr std::uint32_t kCompletedState = 7;
constexpr std::uint32_t kExceptionState = 10;
constexpr std::uint32_t kWarningState = 32768;
constexpr std::uint32_t kCancelled = 0x800704C7;
constexpr std::chrono::seconds kRebootPause{5};

void pause(std::chrono::milliseconds duration, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any condition;
    std::unique_lock lock{mutex};
    condition.wait_for(lock, stop, duration, [] { return false; });
}

std::string describe(Host& host, const JobPlan& plan, const JobFailure& failure) {
    const std::string words =
        host.localise(fmt::format("{} failed. {}", plan.caption, failure.text));
    return fmt::format("{} (0x{:08X}).", words, failure.hresult);
}

/// What the next reads of a job show, if that is planned.
JobDisguise next_disguise(FaultPlan& faults, const std::string& method) {
    constexpr int kReads = 3;
    if (faults.take("job-goes-back", method)) {
        return {.reads_left = kReads, .state = kRunning, .percent = 80, .falls = true};
    }
    if (faults.take("job-full-but-running", method)) {
        return {.reads_left = kReads, .state = kRunning, .percent = 100};
    }
    if (const auto state = faults.take_number("odd-job-state", method)) {
        return {.reads_left = kReads, .state = *state, .percent = 50};
    }
    return {};
}

}  // namespace

void JobContext::report(std::uint32_t percent) {
    const std::lock_guard lock{host_.mutex()};
    const auto job = host_.model().jobs.find(job_id_);
    if (job != host_.model().jobs.end() && percent > job->second.percent) {
        job->second.percent = std::min(percent, 99U);
    }
}

void JobContext::affect(const ObjectRef& element, std::uint32_t effect) {
    const std::lock_guard lock{host_.mutex()};
    const auto job = host_.model().jobs.find(job_id_);
    if (job != host_.model().jobs.end()) job->second.affected.push_back({element, effect});
}

void JobContext::warn(std::vector<JobProblem> problems) {
    const std::lock_guard lock{host_.mutex()};
    const auto job = host_.model().jobs.find(job_id_);
    if (job != host_.model().jobs.end()) job->second.problems = std::move(problems);
}

void JobContext::check_cancelled() const {
    if (stop_.stop_requested()) throw JobFailure{kCancelled, "The operation was cancelled."};
}

Job& JobRunner::add_job(const JobPlan& plan) {
    Job job;
    job.id = plan.id.empty() ? host_.make_id() : plan.id;
    job.class_name = plan.class_name;
    job.type = plan.type;
    job.vm_id = plan.vm_id;
    job.caption = plan.caption;
    job.submitted = job.changed = host_.now();
    if (!plan.vm_id.empty()) {
        const bool is_planned = host_.model().find_planned(plan.vm_id) != nullptr;
        job.affected.push_back({is_planned ? planned_ref(plan.vm_id) : vm_ref(plan.vm_id), 0});
    }
    job.disguise = next_disguise(host_.faults(), plan.method);
    return host_.model().jobs[job.id] = std::move(job);
}

ObjectRef JobRunner::start(JobPlan plan) {
    runs_.remove_if([](const Run& run) { return run.is_done.load(); });
    // Before the call is answered: whoever looks afterwards sees both.
    const bool has_rival = plan.method == kExportMethod &&
                           host_.faults().take("foreign-object", plan.method).has_value();
    const std::string vm_id = plan.vm_id;
    const Job& job = add_job(plan);
    const ObjectRef ref = job_ref(job);
    Run& run = runs_.emplace_back();
    run.job_id = job.id;
    run.thread = std::jthread{
        [this, &run, id = job.id, kept = std::move(plan)](const std::stop_token& stop) {
            live(kept, id, stop);
            run.is_done = true;
        }};
    if (has_rival) start(make_foreign_export(host_, vm_id));
    return ref;
}

Job JobRunner::run_at_once(JobPlan plan) {
    const std::string id = add_job(plan).id;
    host_.mutex().unlock();
    do_work(plan, id, {});
    host_.mutex().lock();
    const Job job = host_.model().jobs.at(id);
    host_.model().jobs.erase(id);
    return job;
}

bool JobRunner::cancel(const std::string& id, std::uint32_t end_state) {
    for (Run& run : runs_) {
        if (!same_name(run.job_id, id) || run.is_done) continue;
        run.end_state = end_state;
        run.thread.request_stop();
        return true;
    }
    return false;
}

void JobRunner::stop_all() {
    std::list<Run> stopped;
    {
        const std::lock_guard lock{host_.mutex()};
        stopped.splice(stopped.end(), runs_);
    }
    for (Run& run : stopped)
        run.thread.request_stop();
    stopped.clear();  // Joins.
    const std::lock_guard lock{host_.mutex()};
    host_.model().jobs.clear();
    for (Vm& vm : host_.model().vms)
        vm.busy_status = 0;
}

std::size_t JobRunner::running_count() const {
    std::size_t count = 0;
    for (const auto& [id, job] : host_.model().jobs)
        count += job.is_terminal() ? 0 : 1;
    return count;
}

void JobRunner::live(const JobPlan& plan, const std::string& id, std::stop_token stop) {
    const auto step = host_.config().speed.job_step;
    pause(step, stop);
    enter(id, kStarting);
    pause(step, stop);
    enter(id, kRunning);
    pause(step, stop);
    do_work(plan, id, stop);
}

void JobRunner::do_work(const JobPlan& plan, const std::string& id, std::stop_token stop) {
    FaultPlan& faults = host_.faults();
    const auto set_busy = [&](std::uint32_t status) {
        const std::lock_guard lock{host_.mutex()};
        if (Vm* vm = host_.model().find_vm(plan.vm_id)) vm->busy_status = status;
    };
    if (plan.busy_status != 0) set_busy(plan.busy_status);
    JobFailure failure;
    bool is_failed = true;
    try {
        JobContext context{host_, id, stop};
        begin(plan, context, stop);
        context.check_cancelled();
        plan.work(context);
        if (const auto code = faults.take_number("fail-job-late", plan.method)) {
            throw JobFailure{*code, "The operation failed at its end."};
        }
        is_failed = false;
    } catch (const JobFailure& thrown) {
        failure = thrown;
    } catch (const std::exception& error) {
        failure = {0x80004005, error.what()};
    }
    if (plan.busy_status != 0) set_busy(0);
    finish(plan, id, is_failed ? &failure : nullptr);
}

/// What is planned for the time before the work.
void JobRunner::begin(const JobPlan& plan, JobContext& context, const std::stop_token& stop) {
    FaultPlan& faults = host_.faults();
    if (const auto code = faults.take_number("fail-job", plan.method)) {
        throw JobFailure{*code, "The operation failed."};
    }
    if (faults.take("reboot", plan.method)) {
        host_.reboot();
        pause(kRebootPause, stop);
    }
    if (faults.is_planned("hang-job", plan.method)) hang(plan, stop);
    make_planned_events(context, plan);
}

void JobRunner::hang(const JobPlan& plan, std::stop_token stop) {
    while (!stop.stop_requested() && host_.faults().is_planned("hang-job", plan.method)) {
        pause(std::chrono::milliseconds{20}, stop);
    }
    host_.faults().take("hang-job", plan.method);
}

void JobRunner::enter(const std::string& id, std::uint32_t state) {
    const std::lock_guard lock{host_.mutex()};
    const auto job = host_.model().jobs.find(id);
    if (job == host_.model().jobs.end()) return;
    job->second.state = state;
    job->second.changed = host_.now();
}

void JobRunner::finish(const JobPlan& plan, const std::string& id, const JobFailure* failure) {
    const std::lock_guard lock{host_.mutex()};
    host_.save();
    const auto found = host_.model().jobs.find(id);
    if (found == host_.model().jobs.end()) return;
    Job& job = found->second;
    if (host_.faults().take("vanish-job", plan.method)) {
        host_.model().jobs.erase(found);
        return;
    }
    job.finished = job.changed = host_.now();
    if (failure == nullptr) {
        job.state = job.problems.empty() ? kCompletedState : kWarningState;
        job.percent = 100;
        if (host_.faults().take("complete-with-error", plan.method)) job.error_code = 32768;
        if (host_.faults().take("complete-with-warning", plan.method)) job.state = kWarningState;
        return;
    }
    job.state = kExceptionState;
    if (failure->hresult == kCancelled) {
        for (const Run& run : runs_) {
            if (run.job_id == id) job.state = run.end_state;
        }
    }
    job.error_code = failure->error_code;
    job.hresult = failure->hresult;
    job.problems = failure->problems;
    if (!host_.faults().take("no-error-text", plan.method)) {
        job.error_text = describe(host_, plan, *failure);
    }
}

}  // namespace entrepot::hostsim

// The context of a running job; see running_job.h.
#include "appliance/jobs/running_job.h"

#include "base/error.h"

namespace entrepot::jobs {

RunningJob::RunningJob(const EngineEnvironment& environment, const EngineOptions& options,
                       Listeners& listeners, state::JobRecord record)
    : environment_(environment),
      options_(options),
      listeners_(listeners),
      record_(std::move(record)),
      journal_(environment.journal, record_.view.id),
      is_cancelled_(record_.is_cancel_requested),
      view_(record_.view) {
    if (is_cancelled_) stop_.request_stop();
}

void RunningJob::enter_stage(std::string_view stage) {
    JobView view;
    {
        const std::scoped_lock lock{mutex_};
        view_.waiting_for.clear();
        view_.stage = stage;
        view_.done_bytes = 0;
        view_.total_bytes = 0;
        view = view_;
    }
    environment_.jobs.update(view);
    add_event("stage", stage);
}

void RunningJob::sleep_for(std::chrono::milliseconds duration) {
    environment_.clock.sleep_for(duration, stop());
    if (stop().stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
}

JobView RunningJob::view() const {
    const std::scoped_lock lock{mutex_};
    return view_;
}

void RunningJob::begin() {
    const bool is_resumed = record_.view.state == JobState::running;
    // One that waits is looked at again and again: nothing of that is worth writing down.
    if (is_resumed && !record_.view.waiting_for.empty()) return;
    JobView view;
    {
        const std::scoped_lock lock{mutex_};
        view_.state = JobState::running;
        if (!view_.started) view_.started = environment_.clock.wall_now();
        view = view_;
    }
    environment_.jobs.update(view);
    if (is_resumed) {
        note("taken up again after the appliance was restarted");
    } else {
        announce(std::nullopt);
    }
}

void RunningJob::put_off(const std::string& waiting_for) {
    JobView view;
    {
        const std::scoped_lock lock{mutex_};
        view_.state = JobState::queued;
        view_.started.reset();
        view_.stage.clear();
        view_.done_bytes = 0;
        view_.total_bytes = 0;
        view_.waiting_for = waiting_for;
        view = view_;
    }
    environment_.jobs.update(view);
    // Once, not at every look: the list of events is bounded.
    if (record_.view.waiting_for.empty()) {
        note("waiting: " + waiting_for);
    } else {
        announce(std::nullopt);
    }
}

void RunningJob::park(const std::string& waiting_for) {
    JobView view;
    {
        const std::scoped_lock lock{mutex_};
        view_.waiting_for = waiting_for;
        view = view_;
    }
    if (record_.view.waiting_for == waiting_for) return;
    environment_.jobs.update(view);
    if (record_.view.waiting_for.empty()) {
        note("waiting: " + waiting_for);
    } else {
        announce(std::nullopt);
    }
}

void RunningJob::end(JobState state, const Json& result, std::optional<JobError> error) {
    JobView view;
    {
        const std::scoped_lock lock{mutex_};
        view_.state = state;
        view_.waiting_for.clear();
        view_.ended = environment_.clock.wall_now();
        view_.result = result;
        view_.error = std::move(error);
        view = view_;
    }
    environment_.jobs.update(view);
    announce(std::nullopt);
}

void RunningJob::end_unwritten(JobError reason) {
    {
        const std::scoped_lock lock{mutex_};
        if (!is_final(view_.state)) {
            view_.state = JobState::failed;
            view_.waiting_for.clear();
            view_.ended = environment_.clock.wall_now();
            view_.error = std::move(reason);
        }
    }
    announce(std::nullopt);
}

void RunningJob::cancel() {
    is_cancelled_ = true;
    environment_.jobs.request_cancel(record_.view.id);
    stop_.request_stop();
}

void RunningJob::report(std::string_view phase, std::uint64_t done_bytes,
                        std::uint64_t total_bytes) {
    const SteadyTime now = environment_.clock.steady_now();
    {
        const std::scoped_lock lock{mutex_};
        if (view_.stage.empty()) view_.stage = phase;
        view_.done_bytes = done_bytes;
        view_.total_bytes = total_bytes;
        if (announced_ && now - *announced_ < options_.progress_interval) return;
        announced_ = now;
    }
    announce(std::nullopt);
}

void RunningJob::add_event(std::string level, std::string_view text) {
    JobEvent event{.time = environment_.clock.wall_now(),
                   .level = std::move(level),
                   .text = std::string{text}};
    environment_.jobs.add_event(record_.view.id, event);
    announce(std::move(event));
}

void RunningJob::announce(std::optional<JobEvent> event) {
    JobView seen = view();
    if (event) seen.events.push_back(*std::move(event));
    listeners_.notify(seen);
}

}  // namespace entrepot::jobs

// The engine: what is in memory decides, what is in the database survives. See job_engine.h.
#include "appliance/jobs/job_engine.h"

#include "appliance/jobs/default_hint.h"
#include "appliance/jobs/job_queue.h"
#include "appliance/jobs/listeners.h"
#include "appliance/jobs/running_job.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <condition_variable>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace entrepot::jobs {
namespace {

struct Handler {
    JobHandler run;
    HandlerOptions options;
};

struct Verdict {
    JobState state = JobState::done;
    Json result;
    std::optional<JobError> error{};
    bool is_left_running = false;        ///< The next start takes it up again.
    std::optional<Deferral> deferral{};  ///< It goes back into the queue.
    bool is_parked = false;              ///< And stays running there.
};

// How often a worker looks whether a job that was put off is due: it waits for work, not for the
// clock.
constexpr std::chrono::milliseconds kDeferredPoll{500};
constexpr std::size_t kUnwrittenMax = 1'000;  // More are settled at the next start only.

JobError error_of(const Error& error) {
    return {.code = std::string{to_string(error.code())},
            .message = error.message(),
            .hint = error.hint().empty() ? std::string{default_hint(error.code())} : error.hint(),
            .context = error.context()};
}

JobError interrupted_error() {
    return {.code = std::string{to_string(ErrorCode::cancelled)},
            .message = "the appliance stopped while the job was running",
            .hint = "start it again with: entrepot job retry",
            .context = {}};
}

std::string make_job_id(Random& random) {
    Bytes bytes(16);
    random.fill(bytes);
    return to_hex(bytes);
}

}  // namespace

class JobEngine::Impl {
public:
    Impl(const EngineEnvironment& environment, const EngineOptions& options)
        : environment_(environment), options_(options) {}

    void start();
    void shutdown();
    std::string enqueue(const JobRequest& request);
    void cancel(const std::string& id);
    JobRequest request_again(const std::string& id);
    JobView view(const std::string& id);
    state::JobPage list(const state::JobQuery& query);
    JobView wait(const std::string& id, std::chrono::milliseconds timeout);
    JobView run_here(const std::string& id);

    std::map<std::string, Handler, std::less<>> handlers_;
    Listeners listeners_;
    EngineEnvironment environment_;

private:
    using Running = std::shared_ptr<RunningJob>;  // Shared by its thread and those who look at it.

    void work();
    Running start_job(state::JobRecord record);
    void run(const Running& job);
    Verdict run_handler(RunningJob& job);
    Verdict judge(const RunningJob& job, const Error& error);
    Verdict park(const RunningJob& job, const Parking& parking) const;
    void finish(RunningJob& job, const Verdict& verdict);
    void forget(const Running& job, const std::optional<Deferral>& deferral, bool is_written);
    void write_late_ends();
    bool begin_or_put_off(RunningJob& job, std::optional<Deferral>& deferral);
    void end_unwritten(RunningJob& job, const Error& error);
    std::optional<state::JobRecord> wait_for_work(std::unique_lock<std::mutex>& lock);
    void settle_left_running(const state::JobRecord& record);
    void end_unstarted(const state::JobRecord& record, JobState state,
                       std::optional<JobError> error);
    bool is_resumable(const std::string& kind) const;
    Running find_in_memory(const std::string& id);

    EngineOptions options_;
    std::mutex mutex_;
    std::condition_variable work_arrived_;
    std::condition_variable job_left_;
    JobQueue queue_;
    std::map<std::string, Running> running_;
    /// Ended, but the database still says that they run: it could not be written.
    std::map<std::string, Running> unwritten_;
    bool is_stopping_ = false;
    std::vector<std::thread> workers_;
};

void JobEngine::Impl::start() {
    const std::scoped_lock lock{mutex_};
    ENTREPOT_CHECK(workers_.empty() && !is_stopping_);
    for (const state::JobRecord& record : environment_.jobs.list_in_state(JobState::running)) {
        if (!running_.contains(record.view.id)) settle_left_running(record);
    }
    for (const state::JobRecord& record : environment_.jobs.list_in_state(JobState::queued)) {
        if (!running_.contains(record.view.id)) queue_.add(record);
    }
    for (std::size_t i = 0; i < options_.worker_count; ++i) {
        workers_.emplace_back([this] { work(); });
    }
}

void JobEngine::Impl::settle_left_running(const state::JobRecord& record) {
    if (is_resumable(record.view.kind)) {
        queue_.add(record);
        return;
    }
    end_unstarted(record, JobState::interrupted, interrupted_error());
}

void JobEngine::Impl::shutdown() {
    std::vector<Running> running;
    {
        const std::scoped_lock lock{mutex_};
        is_stopping_ = true;
        for (const auto& [id, job] : running_) {
            running.push_back(job);
        }
    }
    work_arrived_.notify_all();
    for (const Running& job : running) {
        job->request_stop();
    }
    for (std::thread& worker : workers_) {
        worker.join();
    }
    workers_.clear();
    std::unique_lock lock{mutex_};
    job_left_.wait(lock, [&] { return running_.empty(); });  // Those of run_here().
    lock.unlock();
    write_late_ends();
}

void JobEngine::Impl::work() {
    for (;;) {
        Running job;
        {
            std::unique_lock lock{mutex_};
            auto next = wait_for_work(lock);
            if (!next) return;
            job = start_job(*std::move(next));
        }
        run(job);
    }
}

// Nothing if the engine stops.
std::optional<state::JobRecord> JobEngine::Impl::wait_for_work(std::unique_lock<std::mutex>& lock) {
    while (!is_stopping_) {
        if (auto next = queue_.take_next(environment_.clock.steady_now())) return next;
        if (queue_.has_deferred()) {
            work_arrived_.wait_for(lock, kDeferredPoll);
        } else {
            work_arrived_.wait(lock);
        }
    }
    return std::nullopt;
}

// Requires the lock.
JobEngine::Impl::Running JobEngine::Impl::start_job(state::JobRecord record) {
    if (record.view.state == JobState::running && !record.is_cancel_requested) {
        // Who cancelled it just when it was parked told the database alone.
        const auto stored = environment_.jobs.find(record.view.id);
        record.is_cancel_requested = stored && stored->is_cancel_requested;
    }
    auto job = std::make_shared<RunningJob>(environment_, options_, listeners_, std::move(record));
    running_.emplace(job->id(), job);
    if (is_stopping_) job->request_stop();
    return job;
}

void JobEngine::Impl::run(const Running& job) {
    // Memory only: when something other than a std::exception passes, the database stays as it is,
    // as after a crash.
    struct Leave {
        Impl& engine;
        const Running& job;
        std::optional<Deferral> deferral{};
        bool is_written = true;
        ~Leave() { engine.forget(job, deferral, is_written); }
    } leave{*this, job};

    write_late_ends();
    if (!begin_or_put_off(*job, leave.deferral)) return;
    try {
        if (job->record().view.state != JobState::running) job->begin();
        const Verdict verdict = run_handler(*job);
        finish(*job, verdict);
        leave.deferral = verdict.deferral;
    } catch (const Error& error) {
        leave.is_written = false;
        end_unwritten(*job, error);
    } catch (const std::exception& error) {
        leave.is_written = false;
        end_unwritten(*job, Error{ErrorCode::internal, error.what()});
    }
}

// What an earlier process left running may hold something on a host: its handler must undo that, so
// it does not end for want of room, but is tried again. Nothing is done for a new job.
bool JobEngine::Impl::begin_or_put_off(RunningJob& job, std::optional<Deferral>& deferral) {
    if (job.record().view.state != JobState::running) return true;
    try {
        job.begin();
        return true;
    } catch (const std::exception& error) {
        environment_.log.error("a job cannot be taken up again yet",
                               {{"job", job.id()}, {"error", error.what()}});
        deferral = Deferral{error.what()};
        return false;
    }
}

// Whoever waits must not do so for ever, only because the disk is full.
void JobEngine::Impl::end_unwritten(RunningJob& job, const Error& error) {
    environment_.log.error("the state of a job could not be written yet",
                           {{"job", job.id()}, {"error", error.what()}});
    JobError reason = error_of(error);
    reason.message = "the job's state could not be written: " + reason.message;
    if (reason.hint.empty()) {
        reason.hint = "Make room on the volume of the data directory, then try again.";
    }
    job.end_unwritten(std::move(reason));
}

// A job that waited for room may have made it. What failed and can be taken up again stays running
// in the database: its clean-up may have lacked the room, too, and the next start repeats it.
void JobEngine::Impl::write_late_ends() {
    const std::scoped_lock lock{mutex_};
    try {
        for (auto next = unwritten_.begin(); next != unwritten_.end();) {
            const JobView view = next->second->view();
            const bool is_left = view.state != JobState::done && is_resumable(view.kind);
            if (!is_left) environment_.jobs.update(view);
            next = is_left ? std::next(next) : unwritten_.erase(next);
        }
    } catch (const std::exception&) {
        // Still no room. The next job tries again, and so does the end of the engine.
    }
}

Verdict JobEngine::Impl::run_handler(RunningJob& job) {
    const auto handler = handlers_.find(job.record().view.kind);
    if (handler == handlers_.end()) {
        const Error error{ErrorCode::unsupported, fmt::format("this version has no jobs of kind {}",
                                                              job.record().view.kind)};
        return {.state = JobState::failed, .result = nullptr, .error = error_of(error)};
    }
    try {
        JobOutcome outcome = handler->second.run(job);
        ENTREPOT_CHECK(outcome.state == JobState::done || outcome.state == JobState::partly);
        return {.state = outcome.state, .result = std::move(outcome.result), .error = {}};
    } catch (const Deferral& deferral) {
        if (job.is_cancelled()) return judge(job, Error{ErrorCode::cancelled, "cancelled"});
        return {.state = JobState::queued, .result = nullptr, .error = {}, .deferral = deferral};
    } catch (const Parking& parking) {
        return park(job, parking);
    } catch (const Error& error) {
        return judge(job, error);
    } catch (const std::exception& error) {
        return {.state = JobState::failed,
                .result = nullptr,
                .error = error_of(Error{ErrorCode::internal, error.what(),
                                        "this is a fault of Entrepot: please report it"})};
    }
}

// Who is cancelled while it parks runs once more at once, to undo what it did.
Verdict JobEngine::Impl::park(const RunningJob& job, const Parking& parking) const {
    ENTREPOT_CHECK(is_resumable(job.record().view.kind));
    const bool is_shutdown = job.stop().stop_requested() && !job.is_cancelled();
    const auto pause = job.is_cancelled() ? std::chrono::milliseconds{0} : parking.look_after;
    return {.state = JobState::running,
            .result = nullptr,
            .is_left_running = is_shutdown,
            .deferral =
                is_shutdown ? std::nullopt : std::optional{Deferral{parking.waiting_for, pause}},
            .is_parked = true};
}

Verdict JobEngine::Impl::judge(const RunningJob& job, const Error& error) {
    // A host call that a stop cut short may say that the host is gone.
    const bool is_by_stop = job.stop().stop_requested() &&
                            (error.code() == ErrorCode::cancelled || is_transient(error.code()));
    if (is_by_stop && !job.is_cancelled()) {
        return {.state = JobState::interrupted,
                .result = nullptr,
                .error = interrupted_error(),
                .is_left_running = is_resumable(job.record().view.kind)};
    }
    const bool is_cancelled = is_by_stop || error.code() == ErrorCode::cancelled;
    return {.state = is_cancelled ? JobState::cancelled : JobState::failed,
            .result = nullptr,
            .error = error_of(error)};
}

void JobEngine::Impl::finish(RunningJob& job, const Verdict& verdict) {
    if (verdict.is_left_running) return;
    if (verdict.deferral) {
        if (verdict.is_parked) {
            job.park(verdict.deferral->waiting_for);
        } else {
            job.put_off(verdict.deferral->waiting_for);
        }
        return;
    }
    if (verdict.state == JobState::failed) {
        const std::string& message = verdict.error->message;
        environment_.jobs.add_event(
            job.id(), {.time = environment_.clock.wall_now(), .level = "error", .text = message});
        environment_.log.warning("job failed", {{"job", job.id()},
                                                {"kind", job.record().view.kind},
                                                {"subject", job.record().view.subject},
                                                {"error", message}});
    }
    job.end(verdict.state, verdict.result, verdict.error);
}

void JobEngine::Impl::forget(const Running& job, const std::optional<Deferral>& deferral,
                             bool is_written) {
    {
        const std::scoped_lock lock{mutex_};
        queue_.release(job->record());
        running_.erase(job->id());
        if (!is_written && unwritten_.size() < kUnwrittenMax) unwritten_.emplace(job->id(), job);
        if (deferral) {
            state::JobRecord record = job->record();
            record.view = job->view();
            queue_.defer(record, environment_.clock.steady_now() + deferral->retry_after);
        } else {
            // What ended may have held what others wait for.
            queue_.wake_deferred();
        }
    }
    job_left_.notify_all();
    work_arrived_.notify_all();
}

void JobEngine::Impl::end_unstarted(const state::JobRecord& record, JobState state,
                                    std::optional<JobError> error) {
    JobView view = record.view;
    view.state = state;
    view.waiting_for.clear();
    view.ended = environment_.clock.wall_now();
    view.error = std::move(error);
    environment_.jobs.update(view);
    listeners_.notify(view);
}

bool JobEngine::Impl::is_resumable(const std::string& kind) const {
    const auto handler = handlers_.find(kind);
    return handler != handlers_.end() && handler->second.options.after_crash == AfterCrash::resume;
}

JobEngine::Impl::Running JobEngine::Impl::find_in_memory(const std::string& id) {
    const std::scoped_lock lock{mutex_};
    for (const auto* jobs : {&running_, &unwritten_}) {
        if (const auto found = jobs->find(id); found != jobs->end()) return found->second;
    }
    return nullptr;
}

std::string JobEngine::Impl::enqueue(const JobRequest& request) {
    if (!handlers_.contains(request.kind)) {
        throw Error{ErrorCode::usage,
                    fmt::format("there are no jobs of kind {:.80}", request.kind)};
    }
    state::JobRecord record;
    {
        // Under the lock, so that start() does not find the row before the queue has it.
        const std::scoped_lock lock{mutex_};
        const std::string id = make_job_id(environment_.random);
        record = environment_.jobs.insert(id, request, environment_.clock.wall_now());
        if (record.view.id != id) return record.view.id;
        queue_.add(record);
    }
    work_arrived_.notify_all();
    listeners_.notify(record.view);
    return record.view.id;
}

void JobEngine::Impl::cancel(const std::string& id) {
    if (const Running job = find_in_memory(id); job && !is_final(job->view().state)) {
        job->cancel();
        return;
    }
    std::unique_lock lock{mutex_};
    const auto record = environment_.jobs.find(id);
    if (!record || is_final(record->view.state) || unwritten_.contains(id)) {
        throw Error{ErrorCode::conflict, fmt::format("job {} has ended already", id)};
    }
    if (const auto started = running_.find(id); started != running_.end()) {
        const Running job = started->second;
        lock.unlock();
        job->cancel();
        return;
    }
    if (record->view.state == JobState::running) {
        // Parked, or left by a crash: its handler must undo what it began, and finds itself
        // stopped.
        environment_.jobs.request_cancel(id);
        if (state::JobRecord* waiting = queue_.find(id)) waiting->is_cancel_requested = true;
        queue_.wake(id);
        lock.unlock();
        work_arrived_.notify_all();
        return;
    }
    queue_.remove(id);
    lock.unlock();
    end_unstarted(*record, JobState::cancelled, std::nullopt);
    job_left_.notify_all();
}

JobRequest JobEngine::Impl::request_again(const std::string& id) {
    const auto record = environment_.jobs.find(id);
    const Running unwritten = find_in_memory(id);
    const bool has_ended = is_final(unwritten ? unwritten->view().state
                                    : record  ? record->view.state
                                              : JobState::queued);
    if (!record || !has_ended) {
        throw Error{ErrorCode::conflict, fmt::format("job {} has not ended yet", id)};
    }
    JobRequest request = record->request;
    request.once_key.clear();
    return request;
}

JobView JobEngine::Impl::view(const std::string& id) {
    const Running job = find_in_memory(id);
    JobView view;
    if (job) {
        view = job->view();
    } else {
        const auto record = environment_.jobs.find(id);
        if (!record) throw Error{ErrorCode::not_found, fmt::format("there is no job {}", id)};
        view = record->view;
    }
    view.events = environment_.jobs.list_events(id);
    return view;
}

state::JobPage JobEngine::Impl::list(const state::JobQuery& query) {
    state::JobPage page = environment_.jobs.list(query);
    for (JobView& view : page.jobs) {
        if (const Running job = find_in_memory(view.id)) view = job->view();
    }
    return page;
}

JobView JobEngine::Impl::wait(const std::string& id, std::chrono::milliseconds timeout) {
    {
        std::unique_lock lock{mutex_};
        job_left_.wait_for(lock, timeout, [&] {
            if (running_.contains(id) || queue_.find(id) != nullptr) return false;
            return true;
        });
    }
    return view(id);
}

JobView JobEngine::Impl::run_here(const std::string& id) {
    Running job;
    {
        const std::scoped_lock lock{mutex_};
        const auto record = environment_.jobs.find(id);
        const bool is_ready =
            record && !running_.contains(id) &&
            (record->view.state == JobState::queued ||
             (record->view.state == JobState::running && is_resumable(record->view.kind)));
        if (!is_ready) {
            throw Error{ErrorCode::conflict, fmt::format("job {} is not waiting to run", id)};
        }
        queue_.add(*record);
        auto taken = queue_.take(id);
        if (!taken) {
            throw Error{ErrorCode::busy, fmt::format("job {} must wait for another one of {}", id,
                                                     record->request.exclusive_key)};
        }
        job = start_job(*std::move(taken));
    }
    run(job);
    return view(id);
}

JobEngine::JobEngine(const EngineEnvironment& environment, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(environment, options)) {}

JobEngine::~JobEngine() {
    impl_->shutdown();
}

void JobEngine::register_handler(const std::string& kind, JobHandler handler,
                                 const HandlerOptions& options) {
    const bool is_new = impl_->handlers_.emplace(kind, Handler{std::move(handler), options}).second;
    ENTREPOT_CHECK(is_new);
}

void JobEngine::start() {
    impl_->start();
}

void JobEngine::shutdown() {
    impl_->shutdown();
}

std::string JobEngine::enqueue(const JobRequest& request) {
    return impl_->enqueue(request);
}

void JobEngine::cancel(std::string_view id) {
    impl_->cancel(impl_->environment_.jobs.resolve(id));
}

JobRequest JobEngine::request_again(std::string_view id) {
    return impl_->request_again(impl_->environment_.jobs.resolve(id));
}

JobView JobEngine::view(std::string_view id) {
    return impl_->view(impl_->environment_.jobs.resolve(id));
}

state::JobPage JobEngine::list(const state::JobQuery& query) {
    return impl_->list(query);
}

JobView JobEngine::wait(std::string_view id, std::chrono::milliseconds timeout) {
    return impl_->wait(impl_->environment_.jobs.resolve(id), timeout);
}

std::unique_ptr<Subscription> JobEngine::subscribe(JobListener listener) {
    return impl_->listeners_.add(std::move(listener));
}

JobView JobEngine::run_here(std::string_view id) {
    return impl_->run_here(impl_->environment_.jobs.resolve(id));
}

}  // namespace entrepot::jobs

// A job while its handler runs: what the handler works with, and what others see of it meanwhile.
#pragma once

#include "appliance/jobs/job_engine.h"
#include "appliance/jobs/listeners.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace entrepot::jobs {

/// The journal of one job over the store of all.
class StoredJournal final : public Journal {
public:
    StoredJournal(state::JournalStore& store, std::string job_id)
        : store_(store), job_id_(std::move(job_id)) {}
    std::optional<Json> find(std::string_view key) const override {
        return store_.find(job_id_, key);
    }
    void put(std::string_view key, const Json& value) override { store_.put(job_id_, key, value); }

private:
    state::JournalStore& store_;
    std::string job_id_;
};

class RunningJob final : public JobContext, private Progress {
public:
    RunningJob(const EngineEnvironment& environment, const EngineOptions& options,
               Listeners& listeners, state::JobRecord record);

    const std::string& id() const override { return record_.view.id; }
    const Json& parameters() const override { return record_.request.parameters; }
    Journal& journal() override { return journal_; }
    void enter_stage(std::string_view stage) override;
    void note(std::string_view text) override { add_event("note", text); }
    void warn(std::string_view text) override { add_event("warning", text); }
    Progress& progress() override { return *this; }
    std::stop_token stop() const override { return stop_.get_token(); }
    void sleep_for(std::chrono::milliseconds duration) override;

    const state::JobRecord& record() const { return record_; }
    /// As others see it now, without events.
    JobView view() const;
    /// Writes that it runs.
    void begin();
    /// Writes that it is queued again, and why.
    void put_off(const std::string& waiting_for);
    /// Writes whom it waits for while it stays running.
    void park(const std::string& waiting_for);
    /// Writes how it ended.
    void end(JobState state, const Json& result, std::optional<JobError> error);
    /// Ends it for those who look, though the database could not be told: as failed for this
    /// reason, unless how it ended is known already.
    void end_unwritten(JobError reason);

    void cancel();
    bool is_cancelled() const { return is_cancelled_; }
    /// Stops without anybody wanting the job to end for good.
    void request_stop() { stop_.request_stop(); }

private:
    void report(std::string_view phase, std::uint64_t done_bytes,
                std::uint64_t total_bytes) override;
    void add_event(std::string level, std::string_view text);
    void announce(std::optional<JobEvent> event);

    EngineEnvironment environment_;
    EngineOptions options_;
    Listeners& listeners_;
    const state::JobRecord record_;  ///< As it was when it was taken from the queue.
    StoredJournal journal_;
    std::stop_source stop_;
    std::atomic<bool> is_cancelled_;
    mutable std::mutex mutex_;
    JobView view_;
    std::optional<SteadyTime> announced_;
};

}  // namespace entrepot::jobs

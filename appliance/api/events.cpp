// Live job events as server-sent events. A reader that is slow gets each job's newest state only,
// so that what waits for it is bounded by the jobs that run.
#include "appliance/api/encode.h"
#include "appliance/api/routes.h"

#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <mutex>

namespace entrepot::api {
namespace {

constexpr std::size_t kWaitingJobsMax = 1000;
constexpr std::chrono::seconds kPingInterval{15};

class Mailbox {
public:
    void put(const jobs::JobView& job) {
        const std::scoped_lock lock{mutex_};
        if (waiting_.size() >= kWaitingJobsMax && !waiting_.contains(job.id)) return;
        waiting_[job.id] = job;
        changed_.notify_one();
    }

    /// What a list said of a job; news that came in the meantime are younger and stay.
    void put_if_unknown(const jobs::JobView& job) {
        const std::scoped_lock lock{mutex_};
        if (waiting_.size() < kWaitingJobsMax) waiting_.try_emplace(job.id, job);
    }

    /// Everything that came since; empty when the time is over or stop was requested.
    std::map<std::string, jobs::JobView> take(std::stop_token stop) {
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, stop, kPingInterval, [&] { return !waiting_.empty(); });
        return std::exchange(waiting_, {});
    }

private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, jobs::JobView> waiting_;
};

// What a reader who connects now could not know: every job that waits or runs.
void put_active_jobs(jobs::JobEngine& engine, Mailbox& mailbox) {
    state::JobQuery query;
    query.states = {jobs::JobState::queued, jobs::JobState::running};
    query.limit = state::kJobPageMax;
    for (std::size_t count = 0; count < kWaitingJobsMax; count += query.limit) {
        const state::JobPage page = engine.list(query);
        for (const auto& job : page.jobs)
            mailbox.put_if_unknown(job);
        if (page.next_cursor.empty()) return;
        query.cursor = page.next_cursor;
    }
}

void write_events(jobs::JobEngine& engine, const StreamWriter& write, std::stop_token stop) {
    Mailbox mailbox;
    const auto subscription =
        engine.subscribe([&mailbox](const jobs::JobView& job) { mailbox.put(job); });
    if (!write("event: ping\ndata: {}\n\n")) return;
    put_active_jobs(engine, mailbox);  // After subscribing, so that no change falls between.
    while (!stop.stop_requested()) {
        const auto jobs = mailbox.take(stop);
        if (jobs.empty() && !write("event: ping\ndata: {}\n\n")) return;
        for (const auto& [id, job] : jobs) {
            jobs::JobView short_job = job;
            short_job.events.clear();
            const std::string data = dump_json(encode(short_job));
            if (!write(fmt::format("event: job\ndata: {}\n\n", data))) return;
        }
    }
}

}  // namespace

void add_event_routes(Router& router, Services& services) {
    router.add("followEvents", [&](const Request&) {
        Response response;
        response.headers["content-type"] = "text/event-stream";
        response.stream = [&engine = services.engine](const StreamWriter& write,
                                                      const std::stop_token& stop) {
            write_events(engine, write, stop);
        };
        return response;
    });
}

}  // namespace entrepot::api

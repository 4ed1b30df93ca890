// Polling: simple, the same over the socket and in the own process, and robust against both.
#include "appliance/ctl/job_follower.h"

#include "appliance/api/problem.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/progress_bar.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::ctl {
namespace {

using namespace std::chrono_literals;

// A short job should not wait for a long poll, a long one should not be asked often.
constexpr auto kPollFirst = 20ms;
constexpr auto kPollLast = 250ms;

bool is_final(const std::string& state) {
    return state == "done" || state == "partly" || state == "failed" || state == "cancelled" ||
           state == "interrupted";
}

ProgressStyle style_of(const Context& context) {
    if (context.options().is_json) return ProgressStyle::silent;
    return context.terminal().shows_progress() ? ProgressStyle::bar : ProgressStyle::lines;
}

class Follower {
public:
    /// `note_prefix` stands before each sentence of the job.
    Follower(Context& context, std::string id, std::string note_prefix)
        : context_(context),
          id_(std::move(id)),
          note_prefix_(std::move(note_prefix)),
          bar_(context.world().clock, context.terminal(), style_of(context)),
          interrupts_(context.terminal().interrupt_count()) {}

    Json run() {
        auto pause = std::chrono::milliseconds{kPollFirst};
        for (;;) {
            Json job = context_.get(api_path("jobs", id_));
            show(job);
            if (is_final(text_of(job, "state"))) return job;
            heed_interrupts();
            context_.world().clock.sleep_for(pause, {});
            pause = std::min<std::chrono::milliseconds>(pause * 2, kPollLast);
        }
    }

private:
    void show(const Json& job) {
        const Json& events = list_of(job, "events");
        for (; shown_events_ < events.size(); ++shown_events_) {
            const Json& event = events[shown_events_];
            const std::string level = text_of(event, "level");
            if (level == "stage" || level == "error") continue;
            bar_.note(note_prefix_ + (level == "warning" ? "warning: " : "") +
                      text_of(event, "text"));
        }
        if (is_final(text_of(job, "state"))) {
            bar_.clear();
            return;
        }
        const std::string stage = text_of(job, "stage");
        bar_.update(text_of(job, "kind") + " " + text_of(job, "subject"),
                    stage.empty() ? text_of(job, "state") : stage, number_of(job, "done_bytes"),
                    number_of(job, "total_bytes"));
    }

    void heed_interrupts() {
        const int count = context_.terminal().interrupt_count() - interrupts_;
        if (count == 0) return;
        if (count > 1) {
            throw Error{ErrorCode::cancelled, fmt::format("stopped waiting for job {}", id_),
                        "entrepot job show tells how it ended"};
        }
        if (is_cancel_sent_) return;
        is_cancel_sent_ = true;
        bar_.note("cancelling; press Ctrl-C again to stop waiting");
        try {
            context_.post(api_path("jobs", id_, "cancel"));
        } catch (const Error& error) {
            if (error.code() != ErrorCode::conflict) throw;  // It ended in the meantime.
        }
    }

    Context& context_;
    std::string id_;
    std::string note_prefix_;
    ProgressBar bar_;
    int interrupts_;
    std::size_t shown_events_ = 0;
    bool is_cancel_sent_ = false;
};

}  // namespace

Json follow_job(Context& context, const std::string& id) {
    return Follower{context, id, {}}.run();
}

std::vector<Json> follow_jobs(Context& context, const Json& jobs) {
    std::vector<Json> ended;
    for (const Json& job : jobs) {
        const std::string prefix = jobs.size() > 1 ? text_of(job, "subject") + ": " : "";
        ended.push_back(Follower{context, text_of(job, "id"), prefix}.run());
    }
    return ended;
}

JobResult take_result(const Json& job) {
    const std::string state = text_of(job, "state");
    if (state == "done" || state == "partly") {
        const auto result = job.find("result");
        const bool has_result = result != job.end() && result->is_object();
        return {has_result ? *result : Json::object(), state == "partly"};
    }
    const auto error = job.find("error");
    if (error != job.end() && error->is_object()) throw api::error_from_json(*error);
    if (state == "cancelled") throw Error{ErrorCode::cancelled, "the job was cancelled"};
    throw Error{ErrorCode::internal, fmt::format("the job ended as {}", state),
                "entrepot job show " + text_of(job, "id")};
}

JobResult run_job(Context& context, const std::string& path, const Json& body) {
    const Json answer = context.post(path, body);
    return take_result(follow_job(context, text_of(answer.at("job"), "id")));
}

}  // namespace entrepot::ctl

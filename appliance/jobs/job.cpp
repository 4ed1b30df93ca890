// The words for the states of a job, as they stand in JSON and in the database.
#include "appliance/jobs/job.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::jobs {

std::string_view to_string(JobState state) {
    switch (state) {
        case JobState::queued:
            return "queued";
        case JobState::running:
            return "running";
        case JobState::done:
            return "done";
        case JobState::partly:
            return "partly";
        case JobState::failed:
            return "failed";
        case JobState::cancelled:
            return "cancelled";
        case JobState::interrupted:
            return "interrupted";
    }
    throw Error{ErrorCode::internal, "a job state without a name"};
}

JobState job_state_from(std::string_view name) {
    for (const JobState state :
         {JobState::queued, JobState::running, JobState::done, JobState::partly, JobState::failed,
          JobState::cancelled, JobState::interrupted}) {
        if (to_string(state) == name) return state;
    }
    throw Error{ErrorCode::invalid, fmt::format("there is no job state \"{}\"", name)};
}

bool is_final(JobState state) {
    return state != JobState::queued && state != JobState::running;
}

}  // namespace entrepot::jobs

// Waits for jobs, shows where they are, and ends them on Ctrl-C.
#pragma once

#include "appliance/ctl/context.h"

#include <string>
#include <vector>

namespace entrepot::ctl {

/// The job's view in its final state. Ctrl-C cancels the job and waits for its end; the second one
/// throws Error{cancelled} at once.
Json follow_job(Context& context, const std::string& id);

/// The final views of jobs that run side by side, in the order of `jobs`, their views so far. What
/// they say is shown with their subjects before it.
std::vector<Json> follow_jobs(Context& context, const Json& jobs);

/// The result of a job that ended well; throws its error otherwise, and says whether only a part
/// was done.
struct JobResult {
    Json result;
    bool is_partly = false;
};
JobResult take_result(const Json& job);

/// Posts, follows the one job of the answer, takes its result.
JobResult run_job(Context& context, const std::string& path, const Json& body);

}  // namespace entrepot::ctl

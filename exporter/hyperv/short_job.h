// Waiting for the methods that take moments: renaming, changing settings.
#pragma once

#include "exporter/hyperv/job_status.h"

#include "base/clock.h"

#include <stop_token>
#include <string_view>

namespace entrepot::hyperv {

struct ShortWait {
    JobReader& jobs;
    Clock& clock;
    std::stop_token stop;
};

/// Returns when the job ended well or is gone. Throws Error{host_failure} with the host's code,
/// Error{timeout} after a minute, Error{cancelled}.
void wait_for_short_job(const ShortWait& wait, std::string_view method, const JobRef& job);

}  // namespace entrepot::hyperv

// See host_run.h.
#include "appliance/backup/host_run.h"

#include <algorithm>

namespace entrepot::backup {

HostRun::HostRun(const Services& services, jobs::JobContext& job, const state::HostRecord& record,
                 Stoppable stoppable)
    : services_(services),
      job_(job),
      record_(record),
      stoppable_(stoppable),
      journal_(job.journal()),
      host_(services.connect(record, stop())) {}

std::stop_token HostRun::stop() const {
    return stoppable_ == Stoppable::yes ? job_.stop() : std::stop_token{};
}

void HostRun::warn(const std::string& text) {
    if (std::find(warnings_.begin(), warnings_.end(), text) != warnings_.end()) return;
    warnings_.push_back(text);
    job_.warn(text);
}

void HostRun::recall_warning(const std::string& text) {
    if (std::find(warnings_.begin(), warnings_.end(), text) != warnings_.end()) return;
    warnings_.push_back(text);
}

void HostRun::sleep_for(std::chrono::milliseconds duration) {
    if (stoppable_ == Stoppable::yes) {
        job_.sleep_for(duration);
    } else {
        services_.clock.sleep_for(duration, {});
    }
}

}  // namespace entrepot::backup

// The shared part of a run's steps; see run.h.
#include "appliance/backup/run.h"

#include "appliance/share/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::backup {

Run::Run(const Services& services, jobs::JobContext& job, const state::HostRecord& record,
         Stoppable stoppable)
    : services_(services),
      job_(job),
      record_(record),
      stoppable_(stoppable),
      share_(services.shares.share_of(record.draft)),
      area_(services.shares.open_area(share_)),
      journal_(job.journal()),
      host_(services.connect(record, stop())) {}

std::stop_token Run::stop() const {
    return stoppable_ == Stoppable::yes ? job_.stop() : std::stop_token{};
}

void Run::warn(const std::string& text) {
    if (std::find(warnings_.begin(), warnings_.end(), text) != warnings_.end()) return;
    warnings_.push_back(text);
    job_.warn(text);
}

void Run::sleep_for(std::chrono::milliseconds duration) {
    if (stoppable_ == Stoppable::yes) {
        job_.sleep_for(duration);
    } else {
        services_.clock.sleep_for(duration, {});
    }
}

std::string Run::snapshot_name() const {
    return std::string{kSnapshotNamePrefix} + job_.id();
}

share::SettleOptions settle_options(Run& run) {
    share::SettleOptions options = run.services().settle;
    options.on_close = [&run](const share::Holder& holder) {
        run.note(fmt::format("closing the sessions of {} on the file server: it still holds \"{}\"",
                             share::printable(holder.machine), share::printable(holder.file)));
    };
    return options;
}

}  // namespace entrepot::backup

// The shared part of a run's steps; see run.h.
#include "appliance/backup/run.h"

#include "appliance/share/names.h"

#include <fmt/format.h>

namespace entrepot::backup {

Run::Run(const Services& services, jobs::JobContext& job, const state::HostRecord& record,
         Stoppable stoppable)
    : HostRun(services, job, record, stoppable),
      share_(services.shares.share_of(record.draft)),
      area_(services.shares.open_area(share_)) {}

std::string Run::snapshot_name() {
    return std::string{kSnapshotNamePrefix} + job().id();
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

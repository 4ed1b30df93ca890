// The shared part of a run's steps; see run.h.
#include "appliance/backup/run.h"

#include "appliance/share/names.h"

#include <fmt/format.h>

namespace entrepot::backup {

Run::Run(const Services& services, jobs::JobContext& job, const state::HostRecord& record,
         Stoppable stoppable)
    : HostRun(services, job, record, stoppable),
      share_(services.shares.share_of(record.draft)),
      area_(services.shares.open_area(share_, record.id)) {}

share::FileServer* Run::file_server() const {
    return share_.is_managed() ? services().own_file_server : services().file_server;
}

std::string Run::file_server_life() const {
    const bool is_known = share_.is_managed() && services().own_file_server_life;
    return is_known ? services().own_file_server_life() : std::string{};
}

std::uint64_t Run::quota_bytes() const {
    if (!share_.is_managed()) return 0;
    const auto account = services().state.share_accounts.find(record().id);
    return account ? account->quota_bytes : 0;
}

std::string Run::snapshot_name() {
    return std::string{kSnapshotNamePrefix} + job().id();
}

share::SettleOptions settle_options(Run& run) {
    share::SettleOptions options = run.services().settle;
    if (const std::uint64_t quota = run.quota_bytes(); quota > 0) {
        const std::string& host = run.record().draft.name;
        options.limits.size_bytes_max = std::min(options.limits.size_bytes_max, quota);
        options.limits.size_bound_name =
            fmt::format("the quota that host {} has on share {}", host, run.share().name);
        options.limits.size_bound_hint =
            fmt::format("entrepot share quota {} --size SIZE sets another.", host);
    }
    options.on_close = [&run](const share::Holder& holder) {
        run.note(fmt::format("closing the sessions of {} on the file server: it still holds \"{}\"",
                             share::printable(holder.machine), share::printable(holder.file)));
    };
    return options;
}

}  // namespace entrepot::backup

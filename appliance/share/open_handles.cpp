// See open_handles.h.
#include "appliance/share/open_handles.h"

#include "appliance/share/names.h"

#include "base/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::share {

void OpenHandles::check_server(std::stop_token stop) {
    if (server_ != nullptr) server_->check_running(stop);
}

bool OpenHandles::are_closed(Insist insist, std::stop_token stop) {
    if (server_ == nullptr) return true;
    holders_ = server_->find_holders(run_id_, stop);
    if (insist == Insist::yes) {
        for (const Holder& holder : holders_) {
            if (!holder.is_busy_elsewhere) close(holder, stop);
        }
    }
    return holders_.empty();
}

void OpenHandles::close(const Holder& holder, std::stop_token stop) {
    if (std::find(told_.begin(), told_.end(), holder.client) == told_.end()) {
        told_.push_back(holder.client);
        if (on_close_) on_close_(holder);
    }
    server_->close_sessions(holder, stop);
}

Error OpenHandles::failure() const {
    ENTREPOT_CHECK(!holders_.empty());
    const Holder& holder = holders_.front();
    return Error{
        ErrorCode::timeout,
        fmt::format("the client {} still holds \"{}\" of the export open on the file server",
                    printable(holder.machine), printable(holder.file)),
        holder.is_busy_elsewhere
            ? "it writes another export over the same session, so that was not closed: "
              "back up fewer VMs of this host at once (jobs.per_host), then try again"
            : "closing its sessions did not help: look at the file server's log and at "
              "the programs that use the share on the host"};
}

}  // namespace entrepot::share

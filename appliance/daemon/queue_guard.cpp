// See queue_guard.h.
#include "appliance/daemon/queue_guard.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>

#include <cstddef>

namespace entrepot::daemon {
namespace {

std::string peer_address(const Poco::Net::StreamSocket& socket) {
    try {
        return socket.peerAddress().host().toString();
    } catch (const Poco::Exception&) {
        return {};  // Gone already.
    }
}

}  // namespace

bool QueueGuard::accept(const Poco::Net::StreamSocket& socket) {
    const std::string address = peer_address(socket);
    const int queued = count_queued_();
    const std::scoped_lock lock{mutex_};
    // Whoever was gone before a worker came is not taken off by address: that does not count for
    // ever, nor grow in a crowd that comes and goes.
    const bool has_strays = waiting_.size() > 2 * static_cast<std::size_t>(length_max_);
    if (queued == 0 || has_strays) waiting_.clear();
    if (queued >= length_max_ / 2 && !known_.has(address)) return false;
    int& own = waiting_[address];
    if (own >= length_max_ / 3) return false;
    ++own;
    return true;
}

void QueueGuard::leave(const Poco::Net::StreamSocket& socket) {
    const std::string address = peer_address(socket);
    const std::scoped_lock lock{mutex_};
    const auto found = waiting_.find(address);
    if (found != waiting_.end() && --found->second <= 0) waiting_.erase(found);
}

}  // namespace entrepot::daemon

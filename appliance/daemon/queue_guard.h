// Who may wait for a worker of the web listener (F-WB-09).
#pragma once

#include "appliance/daemon/known_addresses.h"

#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/TCPServer.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace entrepot::daemon {

/// Half of the queue is for where users are: a crowd that comes faster than workers send it away
/// fills the other half. No address takes more than a third. Safe to share between threads.
class QueueGuard final : public Poco::Net::TCPServerConnectionFilter {
public:
    /// `known` and what `count_queued` looks at outlive it.
    QueueGuard(const KnownAddresses& known, std::function<int()> count_queued, int length_max)
        : known_(known), count_queued_(std::move(count_queued)), length_max_(length_max) {}

    bool accept(const Poco::Net::StreamSocket& socket) override;
    /// A worker has it.
    void leave(const Poco::Net::StreamSocket& socket);

private:
    const KnownAddresses& known_;
    std::function<int()> count_queued_;
    int length_max_;
    std::mutex mutex_;
    std::map<std::string, int> waiting_;  ///< By address.
};

}  // namespace entrepot::daemon

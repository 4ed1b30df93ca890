// Who is connected: bounds the connections per address and in all, and ends those that let a worker
// wait.
#pragma once

#include "appliance/daemon/known_addresses.h"

#include "base/clock.h"

#include <Poco/Net/StreamSocket.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace entrepot::daemon {

struct ConnectionLimits {
    std::size_t per_address_max = 32;
    /// Less than there are workers: beyond it, whoever waits makes room for who comes, so that many
    /// addresses that say nothing leave workers to others.
    std::size_t count_max = 56;
    /// From the handshake's or the former answer's end to the end of a request's head and body.
    std::chrono::milliseconds request_deadline{30'000};
};

/// Safe to share between threads.
class ConnectionTable {
public:
    using Id = std::uint64_t;

    /// `known` outlives it; none: nobody is known.
    ConnectionTable(Clock& clock, const ConnectionLimits& limits,
                    const KnownAddresses* known = nullptr)
        : clock_(clock), limits_(limits), known_(known) {}

    /// Registers a connection as waiting for its first request; shuts it down at once where its
    /// address has too many. Where there are too many in all, one that waits is shut down: of
    /// the addresses that nobody knows, or of all if there is none, the one that waits longest of
    /// an address with the most of those.
    Id add(const Poco::Net::StreamSocket& socket);
    void remove(Id id);

    /// The request of the connection from this peer is complete: no deadline runs.
    void set_serving(const std::string& peer);
    /// The answer is sent: the deadline for the next request begins.
    void set_waiting(const std::string& peer);

    /// Shuts down what waits beyond its deadline; called about every second.
    void end_overdue();
    /// Shuts down everything, so that workers return.
    void end_all();

    std::size_t size();

private:
    struct Entry {
        Poco::Net::StreamSocket socket;
        std::string address;
        std::string peer;
        bool is_waiting = true;
        bool is_ended = false;
        SteadyTime since{};
    };

    void end(Entry& entry);
    void make_room(Id newest);
    bool is_known(const std::string& address) const;
    void set_state(const std::string& peer, bool is_waiting);

    Clock& clock_;
    ConnectionLimits limits_;
    const KnownAddresses* known_;
    std::mutex mutex_;
    Id next_id_ = 1;
    std::map<Id, Entry> entries_;
};

}  // namespace entrepot::daemon

// Connections by number; a dead socket never disturbs the others.
#include "appliance/daemon/connection_table.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>

#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace entrepot::daemon {
namespace {

// Only wakes the worker that reads from it; the worker closes the socket. Not Poco's shutdown(),
// which would touch the TLS state that the worker is using.
void shut_down(const Poco::Net::StreamSocket& socket) {
    ::shutdown(socket.impl()->sockfd(), SHUT_RDWR);
}

}  // namespace

ConnectionTable::Id ConnectionTable::add(const Poco::Net::StreamSocket& socket) {
    Entry entry{.socket = socket, .address = {}, .peer = {}, .since = clock_.steady_now()};
    try {
        const auto peer = socket.peerAddress();
        entry.address = peer.host().toString();
        entry.peer = peer.toString();
    } catch (const Poco::Exception&) {
        // Gone already, or a local socket, which has no address: the empty one is as good.
    }
    const std::scoped_lock lock{mutex_};
    const auto count = std::count_if(entries_.begin(), entries_.end(), [&](const auto& item) {
        return !item.second.is_ended && item.second.address == entry.address;
    });
    if (static_cast<std::size_t>(count) >= limits_.per_address_max) end(entry);
    const Id id = next_id_++;
    entries_.emplace(id, std::move(entry));
    make_room(id);
    return id;
}

void ConnectionTable::end(Entry& entry) {
    shut_down(entry.socket);
    entry.is_ended = true;
}

void ConnectionTable::make_room(Id newest) {
    const auto alive =
        std::ranges::count_if(entries_, [](const auto& item) { return !item.second.is_ended; });
    if (static_cast<std::size_t>(alive) <= limits_.count_max) return;
    std::map<std::string, std::vector<Entry*>> strangers;
    std::map<std::string, std::vector<Entry*>> users;
    for (auto& [id, entry] : entries_) {
        if (id == newest || !entry.is_waiting || entry.is_ended) continue;
        (is_known(entry.address) ? users : strangers)[entry.address].push_back(&entry);
    }
    const auto& waiting = strangers.empty() ? users : strangers;
    Entry* chosen = nullptr;
    std::size_t most = 0;
    for (const auto& [address, entries] : waiting) {
        Entry* oldest = *std::ranges::min_element(entries, {}, &Entry::since);
        const bool is_before = chosen == nullptr || entries.size() > most ||
                               (entries.size() == most && oldest->since < chosen->since);
        if (!is_before) continue;
        chosen = oldest;
        most = entries.size();
    }
    if (chosen != nullptr) end(*chosen);
}

bool ConnectionTable::is_known(const std::string& address) const {
    return known_ != nullptr && known_->has(address);
}

void ConnectionTable::remove(Id id) {
    const std::scoped_lock lock{mutex_};
    entries_.erase(id);
}

void ConnectionTable::set_state(const std::string& peer, bool is_waiting) {
    const std::scoped_lock lock{mutex_};
    for (auto& [id, entry] : entries_) {
        if (entry.peer != peer) continue;
        entry.is_waiting = is_waiting;
        entry.since = clock_.steady_now();
    }
}

void ConnectionTable::set_serving(const std::string& peer) {
    set_state(peer, false);
}

void ConnectionTable::set_waiting(const std::string& peer) {
    set_state(peer, true);
}

void ConnectionTable::end_overdue() {
    const std::scoped_lock lock{mutex_};
    const SteadyTime now = clock_.steady_now();
    for (auto& [id, entry] : entries_) {
        if (entry.is_waiting && now - entry.since >= limits_.request_deadline) end(entry);
    }
}

void ConnectionTable::end_all() {
    const std::scoped_lock lock{mutex_};
    for (auto& [id, entry] : entries_)
        end(entry);
}

std::size_t ConnectionTable::size() {
    const std::scoped_lock lock{mutex_};
    return entries_.size();
}

}  // namespace entrepot::daemon

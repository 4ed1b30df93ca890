// Who is sent away when too many are connected.
#include "appliance/daemon/connection_table.h"
#include "appliance/daemon/queue_guard.h"

#include "base/clock.h"

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <catch2/catch.hpp>

#include <deque>
#include <string>

using namespace entrepot;

namespace {

struct Visitor {
    Poco::Net::StreamSocket own;
    Poco::Net::StreamSocket accepted;
    daemon::ConnectionTable::Id id = 0;

    std::string peer() const { return accepted.peerAddress().toString(); }
    /// Whether the table ended it.
    bool is_sent_away() {
        own.setReceiveTimeout(Poco::Timespan(0, 1000));
        char byte = 0;
        try {
            return own.receiveBytes(&byte, 1) == 0;
        } catch (const Poco::TimeoutException&) {
            return false;
        }
    }
};

struct House {
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    Poco::Net::ServerSocket listener{Poco::Net::SocketAddress{"127.0.0.1", 0}};
    daemon::KnownAddresses known{clock};
    daemon::ConnectionTable table;
    std::deque<Visitor> visitors;

    explicit House(const daemon::ConnectionLimits& limits) : table(clock, limits, &known) {}

    Visitor& add(const std::string& address) {
        Visitor& visitor = visitors.emplace_back();
        visitor.own.init(AF_INET);
        visitor.own.impl()->bind(Poco::Net::SocketAddress{address, 0}, true);
        visitor.own.connect(listener.address());
        visitor.accepted = listener.acceptConnection();
        visitor.id = table.add(visitor.accepted);
        clock.advance(std::chrono::milliseconds{1});
        return visitor;
    }
};

}  // namespace

TEST_CASE("connections: who comes is served, whoever else says nothing (F-WB-09)", "[ctl]") {
    House house{{.per_address_max = 4, .count_max = 9}};
    Visitor& idle = house.add("127.0.0.9");
    for (const std::string address : {"127.0.0.2", "127.0.0.3"})
        for (int i = 0; i < 4; ++i)
            house.add(address);
    for (Visitor& visitor : house.visitors)
        CHECK_FALSE(visitor.is_sent_away());

    Visitor& guest = house.add("127.0.0.10");
    CHECK_FALSE(guest.is_sent_away());
    CHECK_FALSE(idle.is_sent_away());
    CHECK(house.visitors[1].is_sent_away());  // The longest of the most.
    CHECK_FALSE(house.visitors[2].is_sent_away());
    house.add("127.0.0.11");
    CHECK(house.visitors[5].is_sent_away());  // The other address has the most now.
}

TEST_CASE("connections: a crowd of many addresses ends none of where users are (F-WB-09)",
          "[ctl]") {
    House house{{.per_address_max = 4, .count_max = 3}};
    house.known.remember("127.0.0.1");
    Visitor& user = house.add("127.0.0.1");
    for (int i = 2; i < 40; ++i)
        house.add("127.0.0." + std::to_string(i));
    CHECK_FALSE(user.is_sent_away());
    // Of the others it is the one that waits longest.
    CHECK(house.visitors[house.visitors.size() - 3].is_sent_away());
    CHECK_FALSE(house.visitors[house.visitors.size() - 2].is_sent_away());
    house.clock.advance(daemon::KnownAddresses::kMemory);
    house.add("127.0.0.50");
    CHECK(user.is_sent_away());
}

TEST_CASE("connections: of users, too, one goes where nobody else waits", "[ctl]") {
    House house{{.per_address_max = 4, .count_max = 2}};
    for (const std::string address : {"127.0.0.2", "127.0.0.3"}) {
        house.known.remember(address);
        house.add(address);
    }
    CHECK_FALSE(house.add("127.0.0.4").is_sent_away());
    CHECK(house.visitors[0].is_sent_away());
    CHECK_FALSE(house.visitors[1].is_sent_away());
}

TEST_CASE("connections: who is being served is never sent away for others", "[ctl]") {
    House house{{.per_address_max = 4, .count_max = 2}};
    Visitor& served = house.add("127.0.0.2");
    house.table.set_serving(served.peer());
    Visitor& other = house.add("127.0.0.2");
    Visitor& guest = house.add("127.0.0.3");
    CHECK_FALSE(served.is_sent_away());
    CHECK(other.is_sent_away());
    CHECK_FALSE(guest.is_sent_away());
    house.table.set_serving(guest.peer());
    // What was sent away no longer counts, although its worker has not noticed yet.
    house.table.remove(served.id);
    CHECK_FALSE(house.add("127.0.0.4").is_sent_away());
    CHECK_FALSE(guest.is_sent_away());
}

TEST_CASE("connections: one address has no more than its part", "[ctl]") {
    House house{{.per_address_max = 2, .count_max = 100}};
    house.add("127.0.0.2");
    house.add("127.0.0.2");
    CHECK(house.add("127.0.0.2").is_sent_away());
    CHECK_FALSE(house.add("127.0.0.3").is_sent_away());
    CHECK_FALSE(house.visitors[0].is_sent_away());
}

TEST_CASE("connections: no address fills the queue for a worker, a crowd half of it (F-WB-09)",
          "[ctl]") {
    House house{{.per_address_max = 100, .count_max = 100}};
    int queued = 0;
    daemon::QueueGuard guard{house.known, [&] { return queued; }, 12};
    house.known.remember("127.0.0.1");
    const Visitor& user = house.add("127.0.0.1");
    const Visitor& one = house.add("127.0.0.2");
    const Visitor& other = house.add("127.0.0.3");
    for (queued = 0; queued < 4; ++queued)
        CHECK(guard.accept(one.accepted));
    CHECK_FALSE(guard.accept(one.accepted));
    guard.leave(one.accepted);
    CHECK(guard.accept(one.accepted));
    CHECK(guard.accept(other.accepted));
    queued = 6;
    CHECK_FALSE(guard.accept(other.accepted));
    CHECK(guard.accept(user.accepted));
    queued = 0;  // What got lost is forgotten.
    CHECK(guard.accept(one.accepted));
}

// Settling while clients of the file server hold files open: waiting, closing, and whom to spare.
#include "appliance/share/export_area.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <map>

using namespace entrepot;
using namespace entrepot::share;
using namespace std::chrono_literals;
using test::code_of;
namespace fs = std::filesystem;

namespace {

const std::string kHost = "2dc27766-f623-4200-9d64-115e9bfd4a08";
const std::string kRun = "0123456789abcdef0123456789abcdef";

// A file server whose clients hold files until they let go, or are made to.
class FakeServer final : public FileServer {
public:
    std::vector<Holder> holders;
    int looks_until_free = 1'000;  ///< Then everybody lets go by himself.
    int looks_after_close = 0;     ///< How long a closed client is still shown.
    bool is_running = true;
    bool is_obeyed = true;
    int look_count = 0;
    std::vector<std::string> closed;

    void check_running(std::stop_token) override {
        if (!is_running) throw Error{ErrorCode::unreachable, "no answer"};
    }
    std::vector<Holder> find_holders(std::string_view run_id, std::stop_token) override {
        CHECK(run_id == kRun);
        if (look_count++ >= looks_until_free) holders.clear();
        if (!closed.empty() && is_obeyed && looks_after_close-- <= 0) {
            std::erase_if(holders, [&](const Holder& holder) {
                return std::find(closed.begin(), closed.end(), holder.client) != closed.end();
            });
        }
        return holders;
    }
    void close_sessions(const Holder& holder, std::stop_token) override {
        closed.push_back(holder.client);
    }
    void end_clients(const std::vector<std::string>&, std::stop_token) override {}
};

struct HandleFixture {
    test::TemporaryDirectory directory;
    PosixFileSystem files;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    ExportArea area{files, clock, directory.path()};
    FakeServer server;
    std::vector<std::string> told;
    SettleOptions options{
        .quiet = 2s,
        .handle_patience = 10s,
        .poll_interval = 1s,
        .timeout = 60s,
        .on_close = [this](const Holder& holder) { told.push_back(holder.machine); }};

    HandleFixture() { files.create(area.create_run(kHost, kRun) / "disk.vhdx"); }
    void settle() { area.settle(kHost, kRun, options, &server, {}); }
    void take() { area.take(kHost, kRun, options, &server, {}); }
    std::chrono::nanoseconds passed() { return clock.steady_now().time_since_epoch(); }
};

const Holder kClient{.client = "4711", .machine = "192.0.2.7", .file = "x/disk.vhdx"};
const Holder kBusyClient{
    .client = "4712", .machine = "192.0.2.8", .file = "x/disk.vhdx", .is_busy_elsewhere = true};

}  // namespace

TEST_CASE("settle: a client that lets go in time keeps its sessions", "[share]") {
    HandleFixture fixture;
    fixture.server.holders = {kClient};
    fixture.server.looks_until_free = 4;
    fixture.settle();
    CHECK(fixture.server.closed.empty());
    CHECK(fixture.passed() == 2s + 4s);
}

TEST_CASE("settle: who holds on beyond the patience is cut, and it is told once", "[share]") {
    HandleFixture fixture;
    fixture.server.holders = {kClient};
    fixture.server.looks_after_close = 2;
    fixture.settle();
    CHECK(fixture.server.closed.front() == "4711");
    CHECK(fixture.told == std::vector<std::string>{"192.0.2.7"});
    CHECK(fixture.passed() >= 12s);
    CHECK(fixture.passed() < 20s);
}

TEST_CASE("settle: a client that writes another run is waited for, never cut", "[share]") {
    HandleFixture fixture;
    fixture.server.holders = {kBusyClient, kClient};
    fixture.server.looks_until_free = 40;
    fixture.settle();
    for (const std::string& client : fixture.server.closed)
        CHECK(client == "4711");
    CHECK(!fixture.server.closed.empty());
    CHECK(fixture.passed() == 2s + 40s);

    HandleFixture endless;
    endless.server.holders = {kBusyClient};
    try {
        endless.settle();
        FAIL("settled although a file is open");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::timeout);
        CHECK(error.message().find("192.0.2.8") != std::string::npos);
        CHECK(error.message().find("disk.vhdx") != std::string::npos);
        CHECK(error.hint().find("jobs.per_host") != std::string::npos);
    }
    CHECK(endless.server.closed.empty());
}

TEST_CASE("settle: a handle that survives its client's sessions is an error", "[share]") {
    HandleFixture fixture;
    fixture.server.holders = {kClient};
    fixture.server.is_obeyed = false;
    CHECK(code_of([&] { fixture.settle(); }) == ErrorCode::timeout);
    CHECK(fs::exists(fixture.area.run_path(kHost, kRun)));
}

TEST_CASE("settle: without an answer of the file server nothing is settled or moved", "[share]") {
    HandleFixture fixture;
    fixture.server.is_running = false;
    CHECK(code_of([&] { fixture.settle(); }) == ErrorCode::unreachable);
    CHECK(code_of([&] { fixture.take(); }) == ErrorCode::unreachable);
    CHECK(fs::exists(fixture.area.run_path(kHost, kRun)));
}

TEST_CASE("take: what was opened in the last moment is closed after the move", "[share]") {
    HandleFixture fixture;
    fixture.settle();
    fixture.server.holders = {kClient};
    fixture.take();
    CHECK(fixture.server.closed == std::vector<std::string>{"4711"});
    CHECK(!fs::exists(fixture.area.run_path(kHost, kRun)));
    CHECK(fs::exists(fixture.area.taken_path(kRun) / "disk.vhdx"));

    // After a crash between the move and the look, the look is made up for.
    fixture.server.closed.clear();
    fixture.server.holders = {kClient};
    fixture.server.is_obeyed = false;
    CHECK(code_of([&] { fixture.take(); }) == ErrorCode::timeout);
}

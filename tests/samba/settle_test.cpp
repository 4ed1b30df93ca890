// Settling against a real smbd: whose sessions end, whose do not, and what a client sees of it.
#include "appliance/share/export_area.h"

#include "tests/samba/private_samba.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <optional>

using namespace entrepot;
using namespace entrepot::share;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const std::string kHost = "2dc27766-f623-4200-9d64-115e9bfd4a08";
const std::string kRun = "0123456789abcdef0123456789abcdef";
const std::string kOtherHost = "5b1f0c1e-6c5f-4e3b-8f59-0d6a1fbb2a11";
const std::string kOtherRun = "fedcba98765432100123456789abcdef";

struct SettleFixture {
    test::PrivateSamba samba;
    PosixFileSystem files;
    SystemClock clock;
    PosixProcessRunner processes{clock};
    ExportArea area{files, clock, samba.share_directory()};
    std::unique_ptr<FileServer> server =
        make_samba_server({.smb_conf = samba.smb_conf()}, files, processes);
    std::vector<std::string> told;
    SettleOptions options{
        .quiet = 50ms,
        .handle_patience = 0ms,
        .poll_interval = 20ms,
        .timeout = 30s,
        .on_close = [this](const Holder& holder) { told.push_back(holder.machine); }};

    SettleFixture() {
        area.create_run(kHost, kRun);
        area.create_run(kOtherHost, kOtherRun);
    }
    std::optional<Error> settle() {
        return error_of([&] { area.settle(kHost, kRun, options, server.get(), {}); });
    }
    std::optional<Error> take() {
        return error_of([&] { area.take(kHost, kRun, options, server.get(), {}); });
    }
    std::string read_taken(const std::string& name) {
        return std::string{as_text(files.read_file(area.taken_path(kRun) / name, kMiB))};
    }

private:
    static std::optional<Error> error_of(const std::function<void()>& action) {
        try {
            action();
        } catch (const Error& error) {
            return error;
        }
        return std::nullopt;
    }
};

std::string in_run(const std::string& name) {
    return kHost + "/" + kRun + "/" + name;
}
std::string in_other_run(const std::string& name) {
    return kOtherHost + "/" + kOtherRun + "/" + name;
}

bool can_write(hostsim::TargetFile& file, std::string_view text) {
    try {
        file.write(0, as_bytes(text));
    } catch (const hostsim::TargetFailure&) {
        return false;
    }
    return true;
}

bool can_create(hostsim::ShareTarget& client, const std::string& path) {
    try {
        client.create(path)->close();
    } catch (const hostsim::TargetFailure&) {
        return false;
    }
    return true;
}

#define SKIP_WITHOUT_SAMBA()                                            \
    if (!test::PrivateSamba::is_possible()) {                           \
        WARN("skipped: a private Samba needs root and /usr/sbin/smbd"); \
        return;                                                         \
    }

}  // namespace

TEST_CASE("samba settle: who holds a file is cut off, another client is not", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    SettleFixture fixture;
    const auto host = fixture.samba.connect();
    const auto other_host = fixture.samba.connect();
    const auto disk = host->create(in_run("disk.vhdx"));
    const auto other_disk = other_host->create(in_other_run("disk.vhdx"));
    REQUIRE(can_write(*disk, "guest"));
    REQUIRE(can_write(*other_disk, "guest"));

    CHECK(!fixture.settle());
    CHECK(fixture.told == std::vector<std::string>{"127.0.0.1"});
    CHECK(fixture.server->find_holders(kRun, {}).empty());
    CHECK(!fixture.take());

    CHECK(!can_write(*disk, "EVIL!"));
    CHECK(fixture.read_taken("disk.vhdx") == "guest");
    CHECK(can_write(*other_disk, "still"));
    CHECK(fixture.server->find_holders(kOtherRun, {}).size() == 1);

    // The host may come back, by a name: the run has none any more.
    const auto again = fixture.samba.connect();
    CHECK(can_create(*again, in_other_run("new.vhdx")));
    CHECK(!can_create(*again, in_run("new.vhdx")));
    CHECK(!can_create(*again, ".taken/" + kRun + "/new.vhdx"));
}

TEST_CASE("samba settle: a file opened between settling and the move is closed, too", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    SettleFixture fixture;
    const auto host = fixture.samba.connect();
    host->create(in_run("disk.vhdx"))->close();
    CHECK(!fixture.settle());
    CHECK(fixture.told.empty());

    const auto late = host->create(in_run("late.vhdx"));
    REQUIRE(can_write(*late, "late"));
    CHECK(!fixture.take());
    CHECK(fixture.told.size() == 1);
    CHECK(!can_write(*late, "EVIL!"));
    CHECK(fixture.read_taken("late.vhdx") == "late");
}

TEST_CASE("samba settle: a client that writes two runs at once is not cut", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    SettleFixture fixture;
    fixture.options.timeout = 300ms;
    const auto host = fixture.samba.connect();
    const auto disk = host->create(in_run("disk.vhdx"));
    const auto other_disk = host->create(in_other_run("disk.vhdx"));

    const auto error = fixture.settle();
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::timeout);
    CHECK(error->message().find("127.0.0.1") != std::string::npos);
    CHECK(fixture.told.empty());
    CHECK(can_write(*disk, "guest"));
    CHECK(can_write(*other_disk, "guest"));

    other_disk->close();
    fixture.options.timeout = 30s;
    CHECK(!fixture.settle());
    CHECK(!can_write(*disk, "EVIL!"));
}

TEST_CASE("samba settle: without an smbd nothing is settled, and it is said", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    SettleFixture fixture;
    CHECK_NOTHROW(fixture.server->check_running({}));
    fixture.samba.stop();
    // It is told to end and needs a moment; nobody waits for it, as it is not our child.
    const SteadyTime deadline = fixture.clock.steady_now() + 20s;
    std::optional<Error> error = fixture.settle();
    while (!error && fixture.clock.steady_now() < deadline)
        error = fixture.settle();
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::unreachable);
    CHECK(error->message().find("smb.conf") != std::string::npos);
    CHECK(error->hint().find("share.smb_conf") != std::string::npos);
}

// Room, quotas, restarts of the file server and leftovers: what a backup makes of its share.
// Follows F-SH-01, F-SH-09, F-SH-14 and P22.
#include "tests/support/failing_file_system.h"
#include "tests/unit/backup/lab.h"

#include "appliance/backup/admission.h"
#include "appliance/backup/backup_job.h"
#include "appliance/backup/leftovers.h"
#include "appliance/backup/limits.h"
#include "appliance/backup/run_journal.h"
#include "appliance/share/system_accounts.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <algorithm>

using namespace entrepot;
using namespace std::chrono_literals;
using test::Lab;
namespace fs = std::filesystem;

namespace {

/// The lab on a volume that says what it has free.
struct SpaceLab : Lab {
    test::FailingFileSystem volume;
    share::ShareRegistry volume_shares{{volume, clock, state.shares, state.hosts}};
    backup::Services volume_services{.repository = repository,
                                     .state = state,
                                     .shares = volume_shares,
                                     .connect = services.connect,
                                     .clock = clock,
                                     .random = random,
                                     .log = log,
                                     .file_system = volume,
                                     .space_wait_max = 60min};

    jobs::JobOutcome run_here(test::TestJob& job) {
        return backup::run_backup(volume_services, job);
    }
    /// Why the job was put off; empty if it was not.
    std::string put_off(test::TestJob& job) {
        try {
            run_here(job);
        } catch (const jobs::Deferral& deferral) {
            return deferral.waiting_for;
        }
        return {};
    }
    std::optional<Error> refused(test::TestJob& job) {
        try {
            run_here(job);
        } catch (const Error& error) {
            return error;
        }
        return std::nullopt;
    }
};

class OwnAccounts final : public share::SystemAccounts {
public:
    std::optional<share::SystemAccount> find(const std::string&) override {
        return share::SystemAccount{.user_id = ::geteuid(), .group_id = ::getegid()};
    }
};

class CalmServer final : public share::FileServer {
public:
    int silent_looks = 0;
    void check_running(std::stop_token) override {
        if (silent_looks-- > 0) throw Error{ErrorCode::unreachable, "it does not answer"};
    }
    std::vector<share::Holder> find_holders(std::string_view, std::stop_token) override {
        return {};
    }
    void close_sessions(const share::Holder&, std::stop_token) override {}
    void end_clients(const std::vector<std::string>&, std::stop_token) override {}
};

const std::string kAccount = "entrepot-share-01";

/// The lab with a share that we serve; the host writes where its account's share begins.
struct ManagedLab : Lab {
    OwnAccounts system_accounts;
    CalmServer server;
    std::string life = "first";
    fs::path root = directory.path() / "managed";
    share::ShareRegistry registry{{file_system, clock, state.shares, state.hosts,
                                   &state.share_accounts, &system_accounts, "appliance"}};
    backup::Services managed_services{.repository = repository,
                                      .state = state,
                                      .shares = registry,
                                      .connect = services.connect,
                                      .clock = clock,
                                      .random = random,
                                      .log = log,
                                      .file_system = file_system,
                                      .own_file_server = &server,
                                      .own_file_server_life = [this] { return life; },
                                      .pace = services.pace};

    ManagedLab() {
        shares.remove("main");
        fs::remove(directory.path() / "share");
        fs::create_directories(root / kAccount);
        fs::create_directory_symlink(root / kAccount, directory.path() / "share");
        state.shares.add({.name = "main",
                          .unc = R"(\\appliance\exports)",
                          .path = root,
                          .listen = "127.0.0.1:4450"});
        state.share_accounts.add(host_id, kAccount);
    }
    jobs::JobOutcome run_here(test::TestJob& job) {
        return backup::run_backup(managed_services, job);
    }
    std::string files_left() const {
        std::string left;
        for (const auto& entry : fs::recursive_directory_iterator{root}) {
            if (entry.is_regular_file()) left += entry.path().string() + "\n";
        }
        return left;
    }
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

#define SKIP_UNLESS_ROOT()                                                           \
    if (::geteuid() != 0) {                                                          \
        WARN("skipped: only root passes over the modes of the folders above a run"); \
        return;                                                                      \
    }

}  // namespace

TEST_CASE("space: a share without room puts the job off before the host is asked", "[backup]") {
    SpaceLab lab;
    auto job = lab.make_backup();
    lab.volume.on_free_bytes([] { return 10 * kMiB; });
    const std::string why = lab.put_off(job);
    CHECK(contains(why, "share main has 10.0 MiB free"));
    CHECK(contains(why, "may need 33.5 MiB"));
    CHECK(lab.world.snapshots.empty());
    CHECK(lab.world.exports_begun == 0);
    CHECK(!job.journal_.entries.contains(backup::key::kPlan));

    SECTION("the next look does not even ask the host") {
        std::vector<std::string> calls;
        lab.script.on_event = [&](int, const std::string& event) {
            if (!contains(event, "journal")) calls.push_back(event);
        };
        CHECK(!lab.put_off(job).empty());
        CHECK(calls.empty());
    }
    SECTION("with room it goes on") {
        lab.volume.on_free_bytes({});
        CHECK(lab.run_here(job).state == jobs::JobState::done);
        CHECK(lab.newest_point_restores());
    }
    SECTION("an increment is put off likewise, since nobody knows how much changed") {
        lab.volume.on_free_bytes({});
        lab.run_here(job);
        lab.volume.on_free_bytes([] { return 33 * kMiB; });
        auto next = lab.make_backup();
        CHECK(contains(lab.put_off(next), "33.0 MiB free"));
    }
}

TEST_CASE("space: waiting ends with a failure that says what to do", "[backup]") {
    SpaceLab lab;
    auto job = lab.make_backup();
    lab.volume.on_free_bytes([] { return 10 * kMiB; });
    CHECK(!lab.put_off(job).empty());
    lab.clock.advance(59min);
    CHECK(!lab.put_off(job).empty());
    lab.clock.advance(1min);
    const auto error = lab.refused(job);
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::no_space);
    CHECK(contains(error->message(), "waiting 60 min did not help"));
    CHECK(contains(error->hint(), "Make room"));
    CHECK(contains(error->hint(), "wait_for_space_minutes"));
    CHECK(lab.world.exports_begun == 0);

    lab.volume_services.space_wait_max = 0min;
    auto next = lab.make_backup();
    CHECK(lab.refused(next)->code() == ErrorCode::no_space);
}

TEST_CASE("space: what was promised to another export is not given twice", "[backup]") {
    SpaceLab lab;
    auto job = lab.make_backup();
    lab.volume.on_free_bytes([] { return 50 * kMiB; });
    std::uint64_t written = 0;
    auto promise = lab.volume_services.space->promise("main", 30 * kMiB, [&] { return written; });
    CHECK(contains(lab.put_off(job), "30.0 MiB of it kept for exports that run"));
    SECTION("until it is written") {
        written = 30 * kMiB;
        CHECK(lab.run_here(job).state == jobs::JobState::done);
    }
    SECTION("or given back") {
        promise.reset();
        CHECK(lab.run_here(job).state == jobs::JobState::done);
    }
    // Nothing of the run's own promise outlives it.
    promise.reset();
    CHECK(lab.volume_services.space->outstanding("main") == 0);
}

TEST_CASE("space ledger: promises are counted by share and never below nothing", "[backup]") {
    backup::SpaceLedger ledger;
    const auto nothing = [] { return std::uint64_t{0}; };
    auto first = ledger.try_promise("a", 60, 100, nothing);
    REQUIRE(first);
    CHECK(!ledger.try_promise("a", 41, 100, nothing));
    CHECK(ledger.try_promise("b", 100, 100, nothing));
    CHECK(ledger.outstanding("b") == 0);
    auto second = ledger.try_promise("a", 40, 100, [] { return std::uint64_t{1'000}; });
    REQUIRE(second);
    CHECK(ledger.outstanding("a") == 60);
    CHECK(!ledger.try_promise("a", 1, 0, nothing));
    CHECK(!ledger.try_promise("a", std::numeric_limits<std::uint64_t>::max(), 100, nothing));
    first.reset();
    CHECK(ledger.outstanding("a") == 0);
}

TEST_CASE("space: an export is bounded by the files of its disks", "[backup]") {
    backup::RunPlan plan;
    backup::ExpectedDisk disk;
    disk.size_bytes = 100 * kGiB;
    plan.disks = {disk, disk};
    constexpr auto kMargin = backup::limits::kExportMarginBytes;
    CHECK(backup::export_bytes_max(plan) == 200 * kGiB + kMargin);
    plan.disks[0].file_size_bytes = 3 * kGiB;
    CHECK(backup::export_bytes_max(plan) == 103 * kGiB + kMargin);
    // A chain of checkpoints may occupy more than the disk has; an export of it does not.
    plan.disks[1].file_size_bytes = 900 * kGiB;
    CHECK(backup::export_bytes_max(plan) == 103 * kGiB + 2 * kMargin);
}

TEST_CASE("managed share: a backup lies below the host's account and leaves nothing", "[backup]") {
    SKIP_UNLESS_ROOT();
    ManagedLab lab;
    auto job = lab.make_backup();
    CHECK(lab.run_here(job).state == jobs::JobState::done);
    CHECK(lab.newest_point_restores());
    CHECK(lab.files_left().empty());
    CHECK(fs::exists(lab.root / kAccount / lab.host_id));
}

TEST_CASE("managed share: a host without an account is told how to get one", "[backup]") {
    ManagedLab lab;
    lab.state.share_accounts.remove(lab.host_id);
    auto job = lab.make_backup();
    try {
        lab.run_here(job);
        FAIL("it ran");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::not_found);
        CHECK(contains(error.hint(), "entrepot share credentials hv01"));
    }
    CHECK(lab.world.exports_begun == 0);
}

TEST_CASE("managed share: an export that broke with its file server is made again", "[backup]") {
    SKIP_UNLESS_ROOT();
    ManagedLab lab;
    lab.world.behaviour.fail_next_full_hresult = 0x80070040;
    SECTION("if it died meanwhile") {
        lab.script.on_event = [&](int, const std::string& event) {
            if (event != "after start_export" || lab.world.exports_begun > 1) return;
            lab.life = "second";
            lab.server.silent_looks = 3;  // It needs a while to come back.
        };
        auto job = lab.make_backup();
        const Json result = lab.run_here(job).result;
        CHECK(lab.world.exports_begun == 2);
        REQUIRE(!result["warnings"].empty());
        CHECK(contains(result["warnings"][0], "started anew"));
        CHECK(lab.newest_point_restores());
    }
    SECTION("if it is dead, and nobody has noticed yet") {
        lab.script.on_event = [&](int, const std::string& event) {
            if (event != "after start_export" || lab.world.exports_begun > 1) return;
            lab.server.silent_looks = 3;
        };
        auto job = lab.make_backup();
        const Json result = lab.run_here(job).result;
        CHECK(lab.world.exports_begun == 2);
        CHECK(contains(result["warnings"].at(0), "started anew"));
        CHECK(lab.newest_point_restores());
    }
    SECTION("else it fails as before") {
        auto job = lab.make_backup();
        CHECK_THROWS_AS(lab.run_here(job), Error);
        CHECK(lab.world.exports_begun == 1);
    }
    CHECK(lab.files_left().empty());
}

TEST_CASE("managed share: a file server that stays away fails the run in the end", "[backup]") {
    SKIP_UNLESS_ROOT();
    ManagedLab lab;
    lab.server.silent_looks = 1'000'000;
    auto job = lab.make_backup();
    try {
        lab.run_here(job);
        FAIL("it ran");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::unreachable);
    }
    CHECK(lab.world.exports_begun == 0);
    CHECK(lab.world.snapshots.empty());
}

TEST_CASE("managed share: a full beyond the quota is not begun, an increment may be", "[backup]") {
    SKIP_UNLESS_ROOT();
    ManagedLab lab;
    lab.state.share_accounts.set_quota(lab.host_id, 20 * kMiB);
    auto job = lab.make_backup();
    try {
        lab.run_here(job);
        FAIL("it ran");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::no_space);
        CHECK(contains(error.message(), "quota of 20.0 MiB"));
        CHECK(contains(error.hint(), "entrepot share quota hv01"));
    }
    CHECK(lab.world.snapshots.empty());
    lab.state.share_accounts.set_quota(lab.host_id, 0);
    auto full = lab.make_backup();
    lab.run_here(full);
    lab.state.share_accounts.set_quota(lab.host_id, 20 * kMiB);
    lab.guest_writes();
    auto increment = lab.make_backup();
    CHECK(lab.run_here(increment).result["kind"] == "incremental");
}

TEST_CASE("managed share: two exports of a host that don't fit its quota follow each other",
          "[backup]") {
    SKIP_UNLESS_ROOT();
    ManagedLab lab;
    lab.state.share_accounts.set_quota(lab.host_id, 100 * kMiB);
    lab.managed_services.space_wait_max = 60min;
    // Another run of the host, which has begun.
    auto other = lab.managed_services.space->promise("\n" + lab.host_id, 70 * kMiB,
                                                     [] { return std::uint64_t{0}; });
    auto job = lab.make_backup();
    try {
        lab.run_here(job);
        FAIL("it ran");
    } catch (const jobs::Deferral& deferral) {
        CHECK(contains(deferral.waiting_for, "host hv01 has 70.0 MiB of its quota of 100.0 MiB"));
    }
    CHECK(lab.world.snapshots.empty());
    other.reset();
    CHECK(lab.run_here(job).state == jobs::JobState::done);
    CHECK(lab.managed_services.space->outstanding("\n" + lab.host_id) == 0);
}

TEST_CASE("managed share: a host that writes beyond its quota is stopped and cleaned up",
          "[backup]") {
    SKIP_UNLESS_ROOT();
    ManagedLab lab;
    lab.state.share_accounts.set_quota(lab.host_id, 100 * kMiB);
    lab.world.behaviour.polls_until_done = 1'000;
    lab.script.on_event = [&](int, const std::string& event) {
        if (event != "after start_export") return;
        // It claims to be large and occupies nothing.
        for (const auto& run : fs::directory_iterator{lab.root / kAccount / lab.host_id})
            lab.file_system.create(run.path() / "evil")->truncate(200 * kMiB);
    };
    auto job = lab.make_backup();
    try {
        lab.run_here(job);
        FAIL("it ran");
    } catch (const Error& error) {
        CHECK(contains(error.message(), "beyond its quota of 100.0 MiB"));
        CHECK(contains(error.hint(), "entrepot share quota hv01"));
    }
    CHECK(lab.files_left().empty());
    CHECK(lab.world.snapshots.empty());
    CHECK(lab.repository.points.empty());
}

TEST_CASE("share: a host that makes more files than an export has is stopped", "[backup]") {
    Lab lab;
    lab.world.behaviour.polls_until_done = 1'000;
    lab.script.on_event = [&](int, const std::string& event) {
        if (event != "after start_export") return;
        for (const auto& run :
             fs::directory_iterator{lab.directory.path() / "share" / lab.host_id}) {
            for (int i = 0; i <= 20'000; ++i)
                fs::create_directory(run.path() / std::to_string(i));
        }
    };
    auto job = lab.make_backup();
    try {
        lab.run(job);
        FAIL("it ran");
    } catch (const Error& error) {
        CHECK(contains(error.message(), "more files or folders"));
    }
    CHECK(lab.find_dirt().empty());
}

TEST_CASE("leftovers: of ended runs they go, of runs that are resumed they stay", "[backup]") {
    SKIP_UNLESS_ROOT();
    ManagedLab lab;
    const std::string dead = "0123456789abcdef0123456789abcdef";
    const std::string alive = "fedcba98765432100123456789abcdef";
    const std::string unknown = "11111111111111111111111111111111";
    for (const auto& [id, state] :
         {std::pair{dead, jobs::JobState::failed}, std::pair{alive, jobs::JobState::running}}) {
        auto record = lab.state.jobs.insert(id, {.kind = "backup"}, lab.clock.wall_now());
        record.view.state = state;
        lab.state.jobs.update(record.view);
        lab.state.journal.put(id, backup::key::intent(backup::key::kExport, 0), {{"run_id", id}});
        lab.state.journal.put(id, backup::key::kPlan,
                              {{"host_id", lab.host_id}, {"vm_id", lab.world.vm_id}});
    }
    const auto put = [&](const fs::path& folder) {
        fs::create_directories(folder);
        lab.file_system.create(folder / "disk.vhdx")->write(0, as_bytes("guest data"));
    };
    const fs::path host = lab.root / kAccount / lab.host_id;
    for (const std::string& run : {dead, alive, unknown})
        put(host / run);
    put(lab.root / ".taken" / dead);
    put(lab.root / ".taken" / alive);
    put(lab.root / kAccount / "5b1f0c1e-6c5f-4e3b-8f59-0d6a1fbb2a11" / unknown);  // A removed host.

    const auto report = backup::clear_leftovers(lab.managed_services);
    CHECK(report.removed_count == 4);
    CHECK(report.failure_count == 0);
    CHECK(fs::exists(host / alive / "disk.vhdx"));
    CHECK(fs::exists(lab.root / ".taken" / alive / "disk.vhdx"));
    CHECK(!fs::exists(host / dead));
    CHECK(!fs::exists(host / unknown));
    CHECK(!fs::exists(lab.root / ".taken" / dead));
    CHECK(backup::clear_leftovers(lab.managed_services).removed_count == 0);
}

TEST_CASE("leftovers: on somebody else's share only what our journals know goes", "[backup]") {
    Lab lab;
    const std::string dead = "0123456789abcdef0123456789abcdef";
    const std::string unknown = "11111111111111111111111111111111";
    auto record = lab.state.jobs.insert(dead, {.kind = "backup"}, lab.clock.wall_now());
    record.view.state = jobs::JobState::failed;
    lab.state.jobs.update(record.view);
    lab.state.journal.put(dead, backup::key::intent(backup::key::kExport, 1), {{"run_id", dead}});
    const fs::path host = lab.directory.path() / "share" / lab.host_id;
    fs::create_directories(host / dead);
    fs::create_directories(host / unknown);
    CHECK(backup::clear_leftovers(lab.services).removed_count == 1);
    CHECK(!fs::exists(host / dead));
    CHECK(fs::exists(host / unknown));
}

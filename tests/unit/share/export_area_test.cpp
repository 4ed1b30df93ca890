// The folder behind a share: what hosts may put there, and how it is taken out of their reach.
// Follows F-SH of the fault catalogue.
#include "appliance/share/export_area.h"
#include "appliance/share/leftovers.h"
#include "appliance/share/unc.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <set>

using namespace entrepot;
using namespace entrepot::share;
using test::code_of;
namespace fs = std::filesystem;

namespace {

const std::string kHost = "2dc27766-f623-4200-9d64-115e9bfd4a08";
const std::string kRun = "0123456789abcdef0123456789abcdef";
const std::string kOtherRun = "fedcba98765432100123456789abcdef";

struct AreaFixture {
    test::TemporaryDirectory directory;
    PosixFileSystem files;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    ExportArea area{files, clock, directory.path()};

    fs::path create() { return area.create_run(kHost, kRun); }
    void put(const fs::path& path, std::string_view content) {
        files.make_directories(path.parent_path());
        files.create(path)->write(0, as_bytes(content));
    }
    std::vector<ExportFile> take(const std::string& run = kRun) {
        return area.take(kHost, run, {}, nullptr, {});
    }
    std::optional<ErrorCode> take_code() {
        return code_of([&] { take(); });
    }
};

}  // namespace

TEST_CASE("export area: a run's tree is taken whole, its names as data", "[share]") {
    AreaFixture fixture;
    const fs::path run = fixture.create();
    CHECK(run == fixture.directory.path() / kHost / kRun);
    CHECK(fixture.create() == run);
    fixture.put(run / "web01" / "Virtual Hard Disks" / "DISK.VHDX", "disk");
    fixture.put(run / "web01" / "Virtual Machines" / "a.vmcx", "config");
    fixture.put(run / "web01" / "odd:name .", "x");

    const auto taken = fixture.take();
    REQUIRE(taken.size() == 3);
    CHECK(taken[0].name == "odd:name .");
    CHECK(taken[0].extension.empty());
    CHECK(taken[1].extension == ".vhdx");
    CHECK(taken[1].folders == std::vector<std::string>{"web01", "Virtual Hard Disks"});
    CHECK(taken[1].size_bytes == 4);
    CHECK(taken[1].path.string().find(".taken/" + kRun) != std::string::npos);
    CHECK(!fs::exists(run));
    CHECK(fs::status(fixture.directory.path() / ".taken").permissions() == fs::perms::owner_all);
    // After a crash the same call finds what it did.
    CHECK(fixture.take().size() == 3);

    fixture.area.remove_run(kHost, kRun);
    CHECK(!fs::exists(fixture.area.taken_path(kRun)));
    CHECK(fixture.take_code() == ErrorCode::not_found);
}

TEST_CASE("export area: directories admit whom the share's folder admits", "[share]") {
    AreaFixture fixture;
    fs::permissions(fixture.directory.path(), fs::perms{02770});
    const fs::path run = fixture.create();
    CHECK(fs::status(run).permissions() == fs::perms{02770});
    CHECK(fs::status(run.parent_path()).permissions() == fs::perms{02770});
}

TEST_CASE("export area: links, second names, pipes and bent folders reject the export", "[share]") {
    AreaFixture fixture;
    const fs::path run = fixture.create();
    SECTION("symbolic link to a file") {
        fs::create_symlink("/etc/passwd", run / "a.vhdx");
    }
    SECTION("symbolic link to a directory") {
        fs::create_directory_symlink("/etc", run / "a");
    }
    SECTION("a file with a second name") {
        fixture.put(fixture.directory.path() / "elsewhere", "x");
        fs::create_hard_link(fixture.directory.path() / "elsewhere", run / "a.vhdx");
    }
    SECTION("pipe") {
        REQUIRE(::mkfifo((run / "a.vhdx").c_str(), 0600) == 0);
    }
    SECTION("the run itself is a link") {
        fs::remove(run);
        fs::create_directory_symlink("/etc", run);
    }
    CHECK(fixture.take_code() == ErrorCode::untrusted);
}

TEST_CASE("export area: count, depth and size are bounded", "[share]") {
    AreaFixture fixture;
    const fs::path run = fixture.create();
    fixture.put(run / "a" / "b" / "one", "1234567890");
    fixture.put(run / "a" / "two", "1234567890");
    CHECK(code_of([&] { fixture.area.list_files(run, {.entry_count_max = 3}); }) ==
          ErrorCode::limit);
    CHECK(code_of([&] { fixture.area.list_files(run, {.depth_max = 1}); }) == ErrorCode::limit);
    CHECK(code_of([&] { fixture.area.list_files(run, {.size_bytes_max = 19}); }) ==
          ErrorCode::limit);
    CHECK(fixture.area.list_files(run, {.entry_count_max = 4, .depth_max = 2, .size_bytes_max = 20})
              .size() == 2);
}

namespace {

// A clock on which somebody writes to a file while we sleep.
class WritingClock final : public Clock {
public:
    WritingClock(fs::path file, int write_count)
        : file_(std::move(file)), write_count_(write_count) {}
    WallTime wall_now() override { return clock_.wall_now(); }
    SteadyTime steady_now() override { return clock_.steady_now(); }
    void sleep_for(std::chrono::milliseconds duration, std::stop_token stop) override {
        if (write_count_-- > 0) {
            const auto file = PosixFileSystem{}.open_write(file_);
            file->write(file->size(), as_bytes("more"));
        }
        clock_.sleep_for(duration, stop);
    }

private:
    fs::path file_;
    int write_count_;
    ManualClock clock_{WallTime{}};
};

}  // namespace

TEST_CASE("export area: settling waits for the last write", "[share]") {
    AreaFixture fixture;
    const fs::path run = fixture.create();
    fixture.put(run / "a.vhdx", "x");
    WritingClock clock{run / "a.vhdx", 3};
    ExportArea area{fixture.files, clock, fixture.directory.path()};
    const SettleOptions options{.quiet = std::chrono::seconds{2},
                                .poll_interval = std::chrono::seconds{1},
                                .timeout = std::chrono::seconds{30}};
    const auto files = area.settle(kHost, kRun, options, nullptr, {});
    CHECK(files.at(0).size_bytes == 1 + 3 * 4);
    CHECK(clock.steady_now().time_since_epoch() == std::chrono::seconds{3 + 2});

    WritingClock endless{run / "a.vhdx", 1'000};
    ExportArea busy{fixture.files, endless, fixture.directory.path()};
    CHECK(code_of([&] { busy.settle(kHost, kRun, options, nullptr, {}); }) == ErrorCode::timeout);
    std::stop_source stop;
    stop.request_stop();
    CHECK(code_of([&] { area.settle(kHost, kRun, options, nullptr, stop.get_token()); }) ==
          ErrorCode::cancelled);
}

TEST_CASE("export area: a change after taking is noticed", "[share]") {
    AreaFixture fixture;
    const fs::path run = fixture.create();
    fixture.put(run / "a.vhdx", "x");
    const auto taken = fixture.take();
    CHECK_NOTHROW(fixture.area.check_unchanged(taken, kRun, {}));
    SECTION("longer") {
        fixture.files.open_write(taken[0].path)->write(1, as_bytes("y"));
    }
    SECTION("one more") {
        fixture.put(taken[0].path.parent_path() / "b", "y");
    }
    SECTION("gone") {
        fs::remove(taken[0].path);
    }
    SECTION("same size, later") {
        fs::last_write_time(taken[0].path,
                            fs::file_time_type::clock::now() + std::chrono::hours{1});
    }
    CHECK(code_of([&] { fixture.area.check_unchanged(taken, kRun, {}); }) == ErrorCode::conflict);
}

TEST_CASE("export area: only ids become paths, and the root is never made", "[share]") {
    AreaFixture fixture;
    for (const std::string id : {"", "..", "a/b", "../../etc", ".taken", "web01"}) {
        CHECK(code_of([&] { fixture.area.create_run(kHost, id); }) == ErrorCode::internal);
        CHECK(code_of([&] { fixture.area.create_run(id, kRun); }) == ErrorCode::internal);
        CHECK(code_of([&] { fixture.area.remove_run(id, kRun); }) == ErrorCode::internal);
    }
    ExportArea lost{fixture.files, fixture.clock, fixture.directory.path() / "unmounted"};
    CHECK(code_of([&] { lost.create_run(kHost, kRun); }) == ErrorCode::not_found);
    CHECK(code_of([&] { lost.free_bytes(); }) == ErrorCode::not_found);
    fixture.put(fixture.create() / "left", "x");
    CHECK(code_of([&] { fixture.create(); }) == ErrorCode::already_exists);
}

TEST_CASE("export area: leftovers are what our journals know, nothing else", "[share]") {
    AreaFixture fixture;
    fixture.put(fixture.create() / "left", "guest data");
    fixture.put(fixture.area.create_run(kHost, kOtherRun) / "left", "guest data");
    fixture.take(kOtherRun);
    fixture.put(fixture.directory.path() / "private" / kRun / "mine", "x");
    fixture.put(fixture.directory.path() / kHost / "notes" / "mine", "x");
    const auto find = [&](const std::set<std::string, std::less<>>& known) {
        return find_leftovers(fixture.files, fixture.directory.path(), FolderLayout::hosts,
                              [&](std::string_view run) { return known.contains(run); });
    };

    CHECK(find({}).empty());
    CHECK(find({"notes"}).empty());
    const auto leftovers = find({kRun, kOtherRun, "unknown"});
    REQUIRE(leftovers.size() == 2);
    for (const auto& leftover : leftovers)
        remove_leftover(fixture.files, leftover);
    CHECK(find({kRun, kOtherRun}).empty());
    CHECK(fs::exists(fixture.directory.path() / "private" / kRun / "mine"));
    CHECK(fs::exists(fixture.directory.path() / kHost / "notes" / "mine"));
}

TEST_CASE("export area: leftovers below accounts are found, too, and nothing through links",
          "[share]") {
    AreaFixture fixture;
    const fs::path root = fixture.directory.path();
    fixture.put(root / "entrepot-share-01" / kHost / kRun / "left", "guest data");
    fixture.put(root / "entrepot-share-01" / kHost / "notes" / "mine", "x");
    const test::TemporaryDirectory elsewhere;
    fixture.put(elsewhere.path() / kHost / kOtherRun / "mine", "x");
    fs::create_directory_symlink(elsewhere.path(), root / "entrepot-share-02");
    const auto is_dead = [](std::string_view) { return true; };

    CHECK(find_leftovers(fixture.files, root, FolderLayout::hosts, is_dead).empty());
    const auto leftovers = find_leftovers(fixture.files, root, FolderLayout::accounts, is_dead);
    REQUIRE(leftovers.size() == 1);
    CHECK(leftovers[0].host_id == kHost);
    CHECK(leftovers[0].run_id == kRun);
    CHECK(code_of([&] {
              find_leftovers(fixture.files, root / "unmounted", FolderLayout::accounts, is_dead);
          }) == ErrorCode::not_found);
}

TEST_CASE("export area: an account's folders are ours, only its runs are open to it", "[share]") {
    if (::geteuid() != 0) {
        WARN("skipped: only root passes over the modes of the folders above a run");
        return;
    }
    AreaFixture fixture;
    const auto own_group = fixture.files.find_status(fixture.directory.path())->group_id;
    ExportArea area{fixture.files, fixture.clock, fixture.directory.path(),
                    AreaAccount{.name = "entrepot-share-01", .group_id = own_group}};
    const fs::path run = area.create_run(kHost, kRun);
    CHECK(run == fixture.directory.path() / "entrepot-share-01" / kHost / kRun);
    const auto mode_of = [&](const fs::path& path) {
        return fixture.files.find_status(path)->mode;
    };
    CHECK(mode_of(run) == 0770);
    CHECK(mode_of(run.parent_path()) == 0550);
    CHECK(mode_of(run.parent_path().parent_path()) == 0550);
    CHECK(area.create_run(kHost, kRun) == run);
    fixture.put(run / "a.vmcx", "x");
    CHECK(area.take(kHost, kRun, {}, nullptr, {}).size() == 1);
    CHECK(area.taken_path(kRun) == fixture.directory.path() / ".taken" / kRun);
    area.remove_run(kHost, kRun);
    CHECK(!fs::exists(area.taken_path(kRun)));
}

TEST_CASE("unc: server and share, and nothing that leads elsewhere", "[share]") {
    CHECK(check_unc(R"(\\appliance\exports)") == R"(\\appliance\exports)");
    CHECK(check_unc(R"(\\appliance\exports\hv 1\)") == R"(\\appliance\exports\hv 1)");
    for (const std::string unc :
         {R"()", R"(C:\exports)", R"(\\appliance)", R"(\\appliance\)", R"(\\a\\b)", R"(\\a\b\..\c)",
          R"(\\a\b/c)", R"(\\?\C:\x)", R"(\\.\pipe)", R"(\\a\b*)", "\\\\a\\b\nc", R"(\\a\b.)"}) {
        CAPTURE(unc);
        CHECK(code_of([&] { check_unc(unc); }) == ErrorCode::invalid);
    }
    CHECK(code_of([&] { check_unc("\\\\a\\" + std::string(200, 'x')); }) == ErrorCode::invalid);
    CHECK(join_unc(R"(\\a\b)", kHost, kRun) == R"(\\a\b\)" + kHost + R"(\)" + kRun);
    CHECK(code_of([&] { join_unc(R"(\\a\b)", "..", kRun); }) == ErrorCode::internal);
}

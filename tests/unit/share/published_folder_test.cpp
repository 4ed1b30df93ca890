// The way from us to a host: hidden until it is whole, then with the rights of the folder around
// it.
#include "appliance/share/access_rights.h"
#include "appliance/share/export_area.h"
#include "appliance/share/unc.h"
#include "tests/support/temporary_directory.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace entrepot;
namespace fs = std::filesystem;

namespace {

constexpr const char* kHost = "0a5e4c1e-5a0b-4d6c-9c51-0d1b6f0c0001";
constexpr const char* kRun = "0123456789abcdef0123456789abcdef";

struct Fixture {
    Fixture() : root(directory.path() / "exports"), area(file_system, clock, root) {
        fs::create_directory(root);
        fs::permissions(root, fs::perms::owner_all | fs::perms::group_all);
    }
    fs::path place(const std::string& name) {
        const fs::path folder = area.create_private(kRun);
        fs::create_directories(folder / "Virtual Machines");
        const fs::path file = folder / "Virtual Machines" / name;
        file_system.create(file)->write(0, as_bytes("content"));
        return folder;
    }
    ErrorCode code_of(const std::vector<std::string>& folders) {
        try {
            area.check_named_folder(folders);
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::internal;  // None of the errors that are expected.
    }

    test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    ManualClock clock{WallTime{}};
    fs::path root;
    share::ExportArea area;
};

fs::perms mode_of(const fs::path& path) {
    return fs::status(path).permissions();
}

}  // namespace

TEST_CASE("published folder: hidden first, then in place at once, open to whom the share admits",
          "[share]") {
    Fixture fixture;
    const fs::path folder = fixture.place("a.vmcx");
    CHECK(mode_of(folder.parent_path()) == fs::perms::owner_all);

    const fs::path target = fixture.area.run_path(kHost, kRun);
    fixture.area.publish(kRun, target);
    CHECK_FALSE(fs::exists(folder));
    CHECK(mode_of(target / "Virtual Machines") == mode_of(fixture.root));
    CHECK(mode_of(target / "Virtual Machines" / "a.vmcx") ==
          (fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read |
           fs::perms::group_write));
    // After a crash it is asked for again.
    CHECK_NOTHROW(fixture.area.publish(kRun, target));
    CHECK(fs::exists(target / "Virtual Machines" / "a.vmcx"));
    fixture.area.remove_published(target);
    CHECK_FALSE(fs::exists(target));
    CHECK_NOTHROW(fixture.area.remove_published(target));
}

TEST_CASE("published folder: nothing of somebody else's is replaced", "[share]") {
    Fixture fixture;
    const fs::path folder = fixture.place("a.vmcx");
    const fs::path target = fixture.area.run_path(kHost, kRun);
    fs::create_directories(target / "theirs");
    CHECK_THROWS_AS(fixture.area.publish(kRun, target), Error);
    CHECK(fs::exists(target / "theirs"));
    CHECK(fs::exists(folder));
}

TEST_CASE("published folder: a link in it, or on the way, is refused", "[share]") {
    Fixture fixture;
    const fs::path folder = fixture.place("a.vmcx");
    fs::create_symlink("/etc", folder / "link");
    CHECK_THROWS_AS(fixture.area.publish(kRun, fixture.area.run_path(kHost, kRun)), Error);
    fs::create_symlink("/tmp", fixture.root / "elsewhere");
    CHECK(fixture.code_of({"elsewhere", "x"}) == ErrorCode::untrusted);
    CHECK(fixture.code_of({"elsewhere"}) == ErrorCode::untrusted);
}

TEST_CASE("published folder: a named one is new or empty, in one that is there", "[share]") {
    Fixture fixture;
    fs::create_directories(fixture.root / "vms" / "used" / "x");
    fs::create_directory(fixture.root / "vms" / "empty");
    CHECK(fixture.area.check_named_folder({"vms", "new"}) == fixture.root / "vms" / "new");
    CHECK(fixture.area.check_named_folder({"vms", "empty"}) == fixture.root / "vms" / "empty");
    CHECK(fixture.code_of({"vms", "used"}) == ErrorCode::already_exists);
    CHECK(fixture.code_of({"no", "new"}) == ErrorCode::not_found);
    for (const char* bad :
         {"..", ".", "", ".taken", "a/b", "a\\b", "a:b", "nul", "COM1.x", "a ", "a."}) {
        INFO(bad);
        CHECK(fixture.code_of({bad}) == ErrorCode::invalid);
    }
}

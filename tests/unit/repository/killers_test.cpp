// What has killed other backup stores, one test each.
#include "repository_fixture.h"
#include "tests/support/full_file_system.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <functional>
#include <set>
#include <string>

namespace entrepot::repository::test {
namespace {

namespace fs = std::filesystem;
using entrepot::test::FullFileSystem;

constexpr std::size_t kDiskBytes = 12 * kChunk;

bool is_all_sound(Fixture& fixture) {
    for (const PointVerdict& verdict :
         fixture.repository().verify({}, VerifyDepth::data, fixture.work())) {
        if (!verdict.is_sound) return false;
    }
    return true;
}

std::set<std::string> names_of(const std::vector<fs::path>& paths) {
    std::set<std::string> names;
    for (const fs::path& path : paths)
        names.insert(path.filename().string());
    return names;
}

void merge_into(const fs::path& source, const fs::path& target) {
    for (const char* part : {"packs", "maps", "manifests", "marks", "redirects"}) {
        fs::copy(source / part, target / part,
                 fs::copy_options::recursive | fs::copy_options::skip_existing);
    }
}

}  // namespace

TEST_CASE("killer: the base is pruned while gc marks", "[killer][gc]") {
    Fixture fixture;
    FullFileSystem files;
    fixture.file_system_ = &files;
    fixture.reopen();
    DiskContent disk = make_disk(1, kDiskBytes);
    const std::string base = fixture.add_full("vm", disk);
    const auto chunks = change_disk(disk, 2, 4);
    const std::string kept = fixture.add_incremental("vm", base, disk, chunks);
    const int at = GENERATE(0, 1);
    int manifests_read = 0;
    bool is_pruned = false;
    files.on_look([&](const fs::path& path) {
        const bool is_manifest = path.string().find("/manifests/") != std::string::npos &&
                                 path.filename().string().size() == base.size();
        if (is_pruned || !is_manifest || manifests_read++ != at) return;
        is_pruned = true;
        fixture.repository().delete_point(base);
    });
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    files.on_look({});
    CHECK(is_pruned);
    CHECK(fixture.read_disk(kept) == disk);
    CHECK(is_all_sound(fixture));
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(fixture.read_disk(kept) == disk);
    CHECK(is_all_sound(fixture));
}

TEST_CASE("killer: a listing that fails is never an empty one", "[killer][gc]") {
    Fixture fixture;
    const DiskContent disk = make_disk(3, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    const std::string gone = fixture.add_full("gone", make_disk(4, kDiskBytes));
    FullFileSystem files;
    fixture.file_system_ = &files;
    fixture.reopen();
    fixture.repository().delete_point(gone);
    const std::string what = GENERATE("packs", "maps", "manifests");
    const auto before = fixture.objects("packs");
    files.on_look([&](const fs::path& path) {
        const bool is_listing = path.filename() == what || path.parent_path().filename() == what;
        if (is_listing) throw Error{ErrorCode::io, "the listing failed, says the test"};
    });
    CHECK_THROWS_AS(fixture.repository().collect_garbage(DryRun::no, fixture.work()), Error);
    CHECK(fixture.objects("packs") == before);
    if (what != "maps") {  // Which a rebuild asks for by name.
        CHECK_THROWS_AS(fixture.repository().rebuild_catalog(fixture.work()), Error);
        CHECK(fixture.objects("packs") == before);
    }
    files.on_look({});
    // What a rebuild that failed left behind is made again at the next start.
    fixture.reopen();
    CHECK(fixture.repository().list_points({}).size() == 1);
    CHECK(fixture.read_disk(point) == disk);
    CHECK(is_all_sound(fixture));
}

TEST_CASE("killer: a volume that is gone is no empty repository", "[killer]") {
    Fixture fixture;
    fixture.add_full("vm", make_disk(5, kDiskBytes));
    fixture.close();
    const auto elsewhere = fixture.temporary_.path() / "unmounted";
    fs::rename(fixture.directory(), elsewhere);
    fs::create_directory(fixture.directory());
    CHECK_THROWS_AS(fixture.reopen(), Error);
    CHECK(fs::is_empty(fixture.directory()));
    const std::string missing = GENERATE("packs", "maps", "manifests", "marks");
    fs::remove(fixture.directory());
    fs::rename(elsewhere, fixture.directory());
    fs::rename(fixture.directory() / missing, elsewhere);
    CHECK_THROWS_AS(fixture.reopen(), Error);
    fs::rename(elsewhere, fixture.directory() / missing);
    fixture.reopen();
    CHECK(is_all_sound(fixture));
}

TEST_CASE("killer: a volume that goes away while we verify damages no point", "[killer]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(6, kDiskBytes));
    FullFileSystem files;
    fixture.file_system_ = &files;
    fixture.reopen();
    const auto elsewhere = fixture.temporary_.path() / "unmounted";
    bool is_gone = false;
    files.on_look([&](const fs::path& path) {
        if (is_gone || path.string().find("manifests") == std::string::npos) return;
        is_gone = true;
        fs::rename(fixture.directory(), elsewhere);
    });
    CHECK_THROWS_AS(fixture.repository().verify({}, VerifyDepth::data, fixture.work()), Error);
    files.on_look({});
    fs::remove_all(fixture.directory());
    fs::rename(elsewhere, fixture.directory());
    fixture.reopen();
    CHECK_FALSE(fixture.repository().find_point(point).has_known_damage);
    CHECK(is_all_sound(fixture));
}

TEST_CASE("killer: two daemons on one repository, the second is refused", "[killer]") {
    Fixture fixture;
    fixture.add_full("vm", make_disk(7, kDiskBytes));
    try {
        Repository::open(fixture.environment(), fixture.directory(), {fixture.key_, {}});
        FAIL("two of them");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::busy);
    }
    fixture.reopen();  // The lock goes with its holder.
    CHECK(is_all_sound(fixture));
}

TEST_CASE("killer: another repository is mounted in the place of ours", "[killer]") {
    Fixture ours;
    Fixture other;
    ours.close();
    other.close();
    const auto before = other.objects("packs");
    try {
        Repository::open(other.environment(), other.directory(),
                         {other.key_, ours.created_.repository_id});
        FAIL("a stranger was taken for ours");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::conflict);
        CHECK(error.message().find(ours.created_.repository_id) != std::string::npos);
    }
    CHECK(other.objects("packs") == before);
}

TEST_CASE("killer: an index that is stale costs space and nothing else", "[killer]") {
    Fixture fixture;
    const DiskContent disk = make_content(8, kDiskBytes);
    const std::string gone = fixture.add_full("gone", disk);
    fixture.close();
    const auto stale = fixture.temporary_.path() / "index";
    fs::copy(fixture.directory() / "index", stale, fs::copy_options::recursive);
    fixture.reopen();
    fixture.repository().delete_point(gone);
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    const DiskContent other = make_content(9, kDiskBytes);
    const std::string kept = fixture.add_full("vm", other);
    fixture.close();
    // This one points at packs that are gone, and knows nothing of the new ones.
    fs::remove_all(fixture.directory() / "index");
    fs::rename(stale, fixture.directory() / "index");
    fixture.reopen();
    const std::string again = fixture.add_full("gone", disk);
    const std::string twice = fixture.add_full("vm", other);
    CHECK(fixture.read_disk(again) == disk);
    CHECK(fixture.read_disk(twice) == other);
    CHECK(fixture.read_disk(kept) == other);
    CHECK(is_all_sound(fixture));
}

TEST_CASE("killer: half a pack that a crash left is never read", "[killer]") {
    Fixture fixture;
    const DiskContent disk = make_disk(10, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    fixture.close();
    const auto pack = fixture.objects("packs").at(0);
    const std::string name = std::string(32, 'a') + ".0";
    const auto half = fixture.directory() / "packs" / "aa" / name;
    fs::create_directories(half.parent_path());
    fs::copy_file(pack, half);
    fs::resize_file(half, fs::file_size(pack) / 2);
    fs::remove(fixture.directory() / "catalog.sqlite");
    fs::remove_all(fixture.directory() / "index");
    fixture.reopen();
    CHECK(fixture.read_disk(point) == disk);
    CHECK(is_all_sound(fixture));
    const std::string second = fixture.add_full("vm", disk);
    CHECK(fixture.read_disk(second) == disk);
}

TEST_CASE("killer: packs that were swapped give an error and no wrong byte", "[killer]") {
    const bool is_encrypted = GENERATE(true, false);
    Fixture fixture{is_encrypted ? std::optional<std::string>{"secret"} : std::nullopt};
    const DiskContent first = make_content(11, kDiskBytes);
    const DiskContent second = make_content(12, kDiskBytes);
    const std::string one = fixture.add_full("one", first);
    const std::string two = fixture.add_full("two", second);
    fixture.close();
    const auto packs = fixture.objects("packs");
    REQUIRE(packs.size() == 2);
    const auto aside = fixture.temporary_.path() / "aside";
    fs::rename(packs[0], aside);
    fs::rename(packs[1], packs[0]);
    fs::rename(aside, packs[1]);
    fixture.reopen();
    CHECK_THROWS_AS(fixture.read_disk(one), Error);
    CHECK_THROWS_AS(fixture.read_disk(two), Error);
    for (const auto depth : {VerifyDepth::packs, VerifyDepth::data}) {
        for (const PointVerdict& verdict : fixture.repository().verify({}, depth, fixture.work())) {
            CHECK_FALSE(verdict.is_sound);
        }
    }
}

TEST_CASE("killer: a repository that was copied, and both copies written", "[killer]") {
    Fixture fixture;
    const DiskContent disk = make_content(13, kDiskBytes);
    const std::string shared = fixture.add_full("vm", disk);
    fixture.close();
    Fixture copy{fixture.directory(), fixture.key_};
    fixture.reopen();
    copy.reopen();
    const DiskContent ours = make_content(14, kDiskBytes);
    const DiskContent theirs = make_content(15, kDiskBytes);
    const auto before = names_of(fixture.objects("packs"));
    const std::string our_point = fixture.add_full("vm", ours);
    const std::string their_point = copy.add_full("vm", theirs);
    CHECK(our_point != their_point);
    // Equal content, too, is sealed under keys that never were before: nothing has the same name.
    fixture.add_full("same", make_content(16, kDiskBytes));
    copy.add_full("same", make_content(16, kDiskBytes));
    for (const std::string& name : names_of(copy.objects("packs"))) {
        CHECK(names_of(fixture.objects("packs")).contains(name) == before.contains(name));
    }

    // Put together again they hold everything.
    fixture.close();
    copy.close();
    merge_into(copy.directory(), fixture.directory());
    fixture.reopen();
    CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 5);
    CHECK(fixture.read_disk(shared) == disk);
    CHECK(fixture.read_disk(our_point) == ours);
    CHECK(fixture.read_disk(their_point) == theirs);
    CHECK(is_all_sound(fixture));
}

}  // namespace entrepot::repository::test

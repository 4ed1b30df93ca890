// A repository that an earlier build made is read by this one. tests/golden/repository-1 was made
// by the hidden case below: ENTREPOT_GOLDEN_OUT=DIR unit_repository "golden: make one".
#include "repository_fixture.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

namespace entrepot::repository::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDiskBytes = 3 * kChunk + 512;
const fs::path kGolden = fs::path{ENTREPOT_SOURCE_DIR} / "tests" / "golden";

// The contents by which the points were made; the points are found by their VM.
DiskContent full_disk() {
    return make_disk(101, kDiskBytes);
}
DiskContent incremental_disk(std::vector<std::uint64_t>& chunks) {
    DiskContent disk = full_disk();
    chunks = change_disk(disk, 102, 2);
    return disk;
}
DiskContent healed_disk() {
    return make_content(103, kChunk);
}

}  // namespace

TEST_CASE("golden: every point of version 1 is read, byte for byte", "[golden]") {
    const Secret key{std::string_view{"golden passphrase"}};
    Fixture fixture{kGolden / "repository-1", key};
    const bool has_catalog = GENERATE(true, false);
    if (!has_catalog) fs::remove(fixture.directory() / "catalog.sqlite");
    fixture.reopen();
    Repository& repository = fixture.repository();
    CHECK(repository.list_points({}).size() == 4);

    std::vector<std::uint64_t> chunks;
    const auto points = repository.list_points({"vm"});
    REQUIRE(points.size() == 2);
    CHECK(fixture.read_disk(points[0].id) == full_disk());
    CHECK(fixture.read_disk(points[1].id) == incremental_disk(chunks));
    CHECK(points[0].hold_reason == "golden");
    CHECK(points[1].draft.kind == PointKind::incremental);
    CHECK(as_text(repository.open_point(points[0].id)->read_file("vm.vmcx")) == "configuration");

    // Its first chunk is damaged in the pack that its map names, and found by a redirect.
    const auto healed = repository.list_points({"healed"});
    REQUIRE(healed.size() == 1);
    CHECK(fixture.read_disk(healed[0].id) == healed_disk());
    for (const PointVerdict& verdict : repository.verify({}, VerifyDepth::data, fixture.work())) {
        CHECK(verdict.is_sound);
    }
    const auto copies = repository.list_state_copies();
    REQUIRE(copies.size() == 1);
    CHECK(as_text(repository.read_state_copy(copies[0].name)) == "state of the appliance");
    CHECK(repository.time_state().minimum_age == std::chrono::hours{1});
    repository.confirm_clock(fixture.clock_.wall_now());
    repository.collect_garbage(DryRun::no, fixture.work());
    CHECK(fixture.read_disk(healed[0].id) == healed_disk());
}

TEST_CASE("golden: make one", "[.golden]") {
    const char* target = std::getenv("ENTREPOT_GOLDEN_OUT");
    REQUIRE(target != nullptr);
    CreateOptions options;
    options.minimum_age = std::chrono::hours{1};
    Fixture fixture{"golden passphrase", options};
    const std::string healed = fixture.add_full("healed", healed_disk());
    fixture.close();
    flip_byte(fixture.objects("packs").at(0), 128 + 64 + 1000);
    fixture.reopen();
    CHECK_THROWS_AS(fixture.read_disk(healed), Error);
    fixture.add_full("healer", healed_disk());

    std::vector<std::uint64_t> chunks;
    const DiskContent changed = incremental_disk(chunks);
    const DiskContent disk = full_disk();
    const auto writer = fixture.repository().begin_point(point_draft("vm"));
    writer->add_disk(draft_of(disk), std::nullopt);
    write_all(*writer->open_sink(0, View::restore), disk);
    writer->add_file("vm.vmcx", as_bytes("configuration"));
    const std::string full = writer->commit().id;
    fixture.add_incremental("vm", full, changed, chunks);
    fixture.repository().hold_point(full, "golden");
    fixture.repository().put_state_copy(as_bytes("state of the appliance"));
    fixture.close();
    for (const char* part : {"index", "lock", "tmp"})
        fs::remove_all(fixture.directory() / part);
    fs::copy(fixture.directory(), target, fs::copy_options::recursive);
}

}  // namespace entrepot::repository::test

// Damage, found and survived.
#include "repository_fixture.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <filesystem>

namespace entrepot::repository::test {
namespace {

constexpr std::size_t kDiskBytes = 2 * kMiB;

PointVerdict verify_one(Fixture& fixture, VerifyDepth depth) {
    return fixture.repository().verify({}, depth, fixture.work()).at(0);
}

}  // namespace

TEST_CASE("verify: a sound point is sound at every depth", "[verify]") {
    Fixture fixture;
    fixture.add_full("vm", make_disk(1, kDiskBytes));
    for (const auto depth : {VerifyDepth::manifests, VerifyDepth::packs, VerifyDepth::data}) {
        CHECK(verify_one(fixture, depth).is_sound);
    }
    CHECK(fixture.repository().find_point("vm@latest").verification->result == "sound");
}

TEST_CASE("verify: a flipped byte in a pack is found, named and healed by a full", "[verify]") {
    const bool is_encrypted = GENERATE(true, false);
    const auto depth = GENERATE(VerifyDepth::packs, VerifyDepth::data);
    Fixture fixture{is_encrypted ? std::optional<std::string>{"secret"} : std::nullopt};
    const DiskContent disk = make_content(2, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    fixture.close();
    flip_byte(fixture.objects("packs").at(0), 128 + 64 + 5000);
    fixture.reopen();

    const PointVerdict verdict = verify_one(fixture, depth);
    CHECK_FALSE(verdict.is_sound);
    REQUIRE_FALSE(verdict.damage.empty());
    CHECK(verdict.damage.front().offset == 0);
    CHECK(verdict.damage.front().length >= kChunk);
    CHECK(fixture.repository().find_point(point).has_known_damage);
    try {
        fixture.read_disk(point);
        FAIL("a damaged chunk was read");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::corrupt);
        CHECK(error.message().find(point) != std::string::npos);
        CHECK(error.message().find("disk 0") != std::string::npos);
    }

    const std::string second = fixture.add_full("vm", disk);
    CHECK(fixture.read_disk(second) == disk);
    // The old point reads the copy that the new one stored.
    CHECK(fixture.read_disk(point) == disk);
}

TEST_CASE("verify: a pack cut short or missing is found without reading it", "[verify]") {
    Fixture fixture;
    const DiskContent disk = make_disk(3, kDiskBytes);
    fixture.add_full("vm", disk);
    fixture.close();
    const auto pack = fixture.objects("packs").at(0);
    if (GENERATE(true, false)) {
        std::filesystem::resize_file(pack, std::filesystem::file_size(pack) / 2);
    } else {
        std::filesystem::remove(pack);
    }
    fixture.reopen();
    CHECK_FALSE(verify_one(fixture, VerifyDepth::manifests).is_sound);
    CHECK_FALSE(verify_one(fixture, VerifyDepth::data).is_sound);
    const std::string second = fixture.add_full("vm", disk);
    CHECK(fixture.read_disk(second) == disk);
}

TEST_CASE("verify: every byte class of map and manifest is covered", "[verify]") {
    Fixture fixture;
    fixture.add_full("vm", make_disk(4, kDiskBytes));
    fixture.close();
    const std::string collection = GENERATE("maps", "manifests");
    const auto path = fixture.objects(collection).at(0);
    const std::uint64_t size_bytes = std::filesystem::file_size(path);
    for (std::uint64_t i = 0; i < 12; ++i) {
        const std::uint64_t offset = i * (size_bytes - 1) / 11;
        flip_byte(path, offset);
        fixture.reopen();
        INFO(collection << " byte " << offset);
        CHECK_FALSE(verify_one(fixture, VerifyDepth::manifests).is_sound);
        fixture.close();
        flip_byte(path, offset);
    }
    fixture.reopen();
    CHECK(verify_one(fixture, VerifyDepth::manifests).is_sound);
}

TEST_CASE("verify: looks at the disk, whatever of a pack is in memory", "[verify]") {
    Fixture fixture;
    const DiskContent disk = make_disk(5, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    CHECK(fixture.read_disk(point) == disk);
    flip_byte(fixture.objects("packs").at(0), 70);  // In the salt: without it nothing opens.
    CHECK_FALSE(verify_one(fixture, VerifyDepth::data).is_sound);
}

}  // namespace entrepot::repository::test

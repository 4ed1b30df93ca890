// Logical volumes by what LVM itself wrote. tests/golden/lvm/pv.bin is the beginning of a physical
// volume of 64 MiB, the first of two of the group "vg-guest", made with lvm2 2.03.16 of Debian 12:
//   root 3 extents, home 2, root extended by 2, striped over both, wide from here into the other
#include "storage/guest/lvm.h"
#include "storage/guest/guest_file_system.h"
#include "storage/guest/lvm_text.h"
#include "storage/guest/volume_source.h"
#include "storage/guest/volumes.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/backup/memory_source.h"
#include "tests/unit/guest/guest_tree.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace entrepot;
using guest::VolumeContent;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kExtent = 4 * kMiB;
constexpr std::size_t kFirst = kMiB;
constexpr std::size_t kMetadata = 4096;

Bytes physical_volume() {
    Bytes disk =
        test::read_whole(fs::path{ENTREPOT_SOURCE_DIR} / "tests" / "golden" / "lvm" / "pv.bin");
    disk.resize(64 * kMiB);
    return disk;
}

/// Extents of a volume, where the physical one has them.
void put_extents(Bytes& disk, std::size_t place, const Bytes& content, std::size_t first,
                 std::size_t count) {
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(first * kExtent), count * kExtent,
                disk.begin() + static_cast<std::ptrdiff_t>(kFirst + place * kExtent));
}

}  // namespace

TEST_CASE("lvm: a file system in two pieces gives back what was put in", "[guest]") {
    test::TemporaryDirectory directory;
    const fs::path folder = directory.path() / "folder";
    fs::create_directory(folder);
    const auto tree = test::make_tree();
    test::write_tree(tree, folder);
    test::make_ext(directory.path() / "root", folder, 5 * kExtent);
    const Bytes root = test::read_whole(directory.path() / "root");
    Bytes disk = physical_volume();
    put_extents(disk, 0, root, 0, 3);
    put_extents(disk, 5, root, 3, 2);
    const test::MemorySource source{disk, 512};

    const auto table = guest::read_volumes(source);
    REQUIRE(table.volumes.size() == 5);
    CHECK(table.volumes[0].content == VolumeContent::lvm);
    const std::vector<std::string> names{"vg-guest/root", "vg-guest/home", "vg-guest/striped",
                                         "vg-guest/wide"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK(table.volumes[i + 1].number == 2000 + i);
        CHECK(table.volumes[i + 1].name == names[i]);
    }
    const guest::Volume& volume = table.volumes[1];
    CHECK(volume.length == 5 * kExtent);
    CHECK(volume.label == "GUEST");
    REQUIRE(volume.content == VolumeContent::ext);
    CHECK(table.volumes[2].content == VolumeContent::empty);
    CHECK(table.volumes[3].content == VolumeContent::lvm);
    CHECK(table.volumes[3].notice == "it is striped over several disks");
    CHECK(table.volumes[4].notice == "it lies on another disk, or on several");

    const auto opened = guest::open_volume(source, volume);
    const auto files = guest::open_file_system(*opened, volume.content);
    for (const auto& [path, content] : tree) {
        INFO(path);
        const auto status = files->status("/" + path);
        Bytes found(static_cast<std::size_t>(status.entry.size_bytes));
        if (!found.empty()) files->read("/" + path, "", 0, found);
        CHECK((found == content));
    }
}

TEST_CASE("lvm: XFS in two pieces gives back what was put in", "[guest][xfs]") {
    test::TemporaryDirectory directory;
    const test::FileTree tree{{"file", test::random_bytes(2'000'000, 1)},
                              {"etc/报告", test::random_bytes(5000, 2)}};
    test::make_xfs(directory.path() / "root", tree, 5 * kExtent);
    const Bytes root = test::read_whole(directory.path() / "root");
    Bytes disk = physical_volume();
    put_extents(disk, 0, root, 0, 3);
    put_extents(disk, 5, root, 3, 2);
    const test::MemorySource source{disk, 512};
    const auto table = guest::read_volumes(source);
    REQUIRE(table.volumes.size() == 5);
    const guest::Volume& volume = table.volumes[1];
    CHECK(volume.label == "GUEST");
    CHECK(volume.notice.empty());
    REQUIRE(volume.content == VolumeContent::xfs);
    const auto opened = guest::open_volume(source, volume);
    const test::FileTree found =
        test::collect_files(*guest::open_file_system(*opened, volume.content));
    CHECK(found.size() == 2);
    for (const auto& [path, content] : tree)
        CHECK((found.at("/" + path) == content));
}

TEST_CASE("lvm: metadata that is not whole gives no volumes, and says so", "[guest]") {
    Bytes disk = physical_volume();
    const auto notice = [&] {
        const auto table = guest::read_volumes(test::MemorySource{disk, 512});
        CHECK(table.volumes.size() == 1);
        return table.volumes.at(0).notice;
    };
    SECTION("the label") {
        disk[512 + 40] ^= std::byte{1};
        CHECK_THAT(notice(), Catch::Contains("no label is whole"));
    }
    SECTION("the area") {
        disk[kMetadata + 44] ^= std::byte{1};
        CHECK_THAT(notice(), Catch::Contains("no description of the group is whole"));
    }
    SECTION("the text") {
        const std::string text{as_text(disk)};
        disk[text.rfind("extent_size")] ^= std::byte{1};
        CHECK_THAT(notice(), Catch::Contains("no description of the group is whole"));
    }
    SECTION("the volume ends before its pieces do") {
        disk.resize(20 * kMiB);
        const auto table = guest::read_volumes(test::MemorySource{disk, 512});
        REQUIRE(table.volumes.size() == 5);
        CHECK_THAT(table.volumes[1].notice, Catch::Contains("beyond the end"));
    }
}

TEST_CASE("lvm: whatever byte is other, nothing worse than an error happens", "[guest]") {
    const Bytes whole = physical_volume();
    std::mt19937 chance{11};
    for (int i = 0; i < 3000; ++i) {
        Bytes disk{whole.begin(), whole.begin() + 2 * kMiB};
        for (int flip = 0; flip < 1 + i % 3; ++flip)
            disk[chance() % 16'896] ^= static_cast<std::byte>(1 + chance() % 255);
        CHECK_NOTHROW(guest::read_volumes(test::MemorySource{disk, 512}));
    }
}

TEST_CASE("lvm text: sections, values and lists; what is none is refused", "[guest]") {
    const auto root = guest::parse_lvm_text(
        "# made by hand\nvg { id = \"a \\\"b\\\"\" size=8192 # behind\n flags = [ ]\n"
        " list = [\"pv0\", 3,]\n inner { } inner-2 { n = 1 } }\nversion = 1\n");
    CHECK(root.number("version") == 1);
    const auto& group = root.section("vg");
    CHECK(group.text("id") == "a \"b\"");
    CHECK(group.number("size") == 8192);
    CHECK(group.list("flags").empty());
    CHECK(std::get<std::int64_t>(group.list("list").at(1).content) == 3);
    CHECK(group.sections.size() == 2);
    CHECK(group.find("other") == nullptr);
    CHECK_THROWS_AS(group.number("id"), Error);
    CHECK_THROWS_AS(group.section("other"), Error);
    const std::string deep = std::string(100'000, '[');
    for (const std::string& text :
         {std::string{"a {"}, std::string{"a }"}, std::string{"a = \"x"}, std::string{"a = [1"},
          std::string{"a = 99999999999999999999"}, std::string{"= 1"}, std::string{"a b"},
          std::string{"a = -"}, "a = " + deep}) {
        INFO(text.substr(0, 30));
        CHECK_THROWS_AS(guest::parse_lvm_text(text), Error);
    }
    std::string sections;
    for (int i = 0; i < 100'000; ++i)
        sections += "a{";
    CHECK_THROWS_AS(guest::parse_lvm_text(sections), Error);
    std::string values;
    for (int i = 0; i < 100'001; ++i)
        values += "a=1 ";
    CHECK_THROWS_AS(guest::parse_lvm_text(values), Error);
    CHECK_THROWS_AS(guest::parse_lvm_text("a = 1").number("b"), Error);
}

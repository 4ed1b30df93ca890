// Where a file's content is said to lie is where reading it finds it: two ways that must agree.
#include "storage/guest/guest_file_system.h"
#include "storage/guest/volume_source.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/backup/memory_source.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>

using namespace entrepot;
namespace fs = std::filesystem;

namespace {

struct PlacesLab {
    test::TemporaryDirectory directory;
    fs::path image = directory.path() / "image";
    fs::path folder = directory.path() / "folder";
    PlacesLab() { fs::create_directory(folder); }
};

// The content by its places, asked for a few at a time; nullopt where there are none.
std::optional<Bytes> read_by_places(guest::GuestFileSystem& files, const disk::DiskSource& volume,
                                    const std::string& path, std::size_t size) {
    Bytes content(size, std::byte{0xEE});
    std::size_t done = 0;
    while (done < size) {
        const auto places = files.locate(path, "", done, 3);
        if (places.empty()) return std::nullopt;
        REQUIRE(places.size() <= 3);
        for (const guest::ContentPlace& place : places) {
            REQUIRE(place.length > 0);
            REQUIRE(place.length <= size - done);
            const auto piece =
                MutableByteView{content}.subspan(done, static_cast<std::size_t>(place.length));
            if (place.offset)
                volume.read(*place.offset, piece);
            else
                std::ranges::fill(piece, std::byte{0});
            done += piece.size();
        }
    }
    CHECK(files.locate(path, "", size, 3).empty());
    return content;
}

Bytes read_plainly(guest::GuestFileSystem& files, const std::string& path, std::size_t size) {
    Bytes content(size);
    files.read(path, "", 0, content);
    return content;
}

void check_agreement(const fs::path& image, guest::VolumeContent kind, const std::string& path,
                     const Bytes& expected) {
    const test::FileDisk disk{image};
    const auto files = guest::open_file_system(disk, kind);
    REQUIRE(files->status(path).entry.size_bytes == expected.size());
    CHECK((read_plainly(*files, path, expected.size()) == expected));
    const auto found = read_by_places(*files, disk, path, expected.size());
    REQUIRE(found.has_value());
    CHECK((*found == expected));
}

// Data, a hole, data, and a hole at the end.
Bytes content_with_holes(const fs::path& file) {
    Bytes content = test::random_bytes(1'500'000, 1);
    std::fill(content.begin() + 300'000, content.begin() + 900'000, std::byte{0});
    std::fill(content.begin() + 1'200'000, content.end(), std::byte{0});
    test::write_whole(file, content);
    test::shell("fallocate --dig-holes " + test::shell_quoted(file));
    return content;
}

}  // namespace

TEST_CASE("places of content: ext with and without extents, with holes", "[guest][locate]") {
    const std::string options =
        GENERATE("-t ext2 -b 1024", "-t ext3", "-t ext4", "-t ext4 -b 1024");
    INFO(options);
    PlacesLab lab;
    const Bytes content = content_with_holes(lab.folder / "file");
    test::make_ext(lab.image, lab.folder, 32 * kMiB, options);
    check_agreement(lab.image, guest::VolumeContent::ext, "/file", content);
}

TEST_CASE("places of content: blocks of ext4 that are promised and not written are nowhere",
          "[guest][locate]") {
    PlacesLab lab;
    test::write_whole(lab.folder / "allocated", {});
    test::make_ext(lab.image, lab.folder, 16 * kMiB);
    test::shell("debugfs -w -R 'fallocate /allocated 0 99' " + test::shell_quoted(lab.image));
    test::shell("debugfs -w -R 'set_inode_field /allocated size 300000' " +
                test::shell_quoted(lab.image));
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ext);
    const std::vector<guest::ContentPlace> nowhere{{300'000, std::nullopt}};
    CHECK(files->locate("/allocated", "", 0, 10) == nowhere);
}

TEST_CASE("places of content: FAT", "[guest][locate]") {
    PlacesLab lab;
    const test::FileTree tree{{"a", test::random_bytes(700'000, 1)},
                              {"file", test::random_bytes(900'123, 2)}};
    test::write_tree(tree, lab.folder);
    test::make_fat(lab.image, lab.folder, 64 * kMiB, 32);
    check_agreement(lab.image, guest::VolumeContent::fat, "/file", tree.at("file"));
}

TEST_CASE("places of content: XFS", "[guest][locate]") {
    PlacesLab lab;
    const test::FileTree tree{{"file", test::random_bytes(900'123, 2)}};
    test::make_xfs(lab.image, tree, 64 * kMiB);
    check_agreement(lab.image, guest::VolumeContent::xfs, "/file", tree.at("file"));
}

TEST_CASE("places of content: NTFS, and nothing behind what was ever written", "[guest][locate]") {
    PlacesLab lab;
    constexpr std::uint64_t kSize = 1'234'567;
    Bytes content = test::random_bytes(kSize, 2);
    test::make_ntfs(lab.image, {{"file", content}}, 32 * kMiB);
    check_agreement(lab.image, guest::VolumeContent::ntfs, "/file", content);

    // The attribute's sizes stand together: of the file, and of what was written.
    constexpr std::uint64_t kWritten = 700'001;
    Bytes image = test::read_whole(lab.image);
    const Bytes sizes = LittleEndianWriter{}.u64(kSize).u64(kSize).take();
    const auto found = std::search(image.begin(), image.end(), sizes.begin(), sizes.end());
    REQUIRE(found != image.end());
    store_u64(image, static_cast<std::size_t>(found - image.begin()) + 8, kWritten);
    test::write_whole(lab.image, image);
    std::fill(content.begin() + kWritten, content.end(), std::byte{0});
    check_agreement(lab.image, guest::VolumeContent::ntfs, "/file", content);
}

TEST_CASE("places of content: what lies in a record of NTFS has none", "[guest][locate]") {
    PlacesLab lab;
    test::make_ntfs(lab.image, {{"file", test::random_bytes(20, 1)}}, 16 * kMiB);
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ntfs);
    CHECK(files->locate("/file", "", 0, 10).empty());
    CHECK_THROWS_AS(files->locate("/none", "", 0, 10), Error);
    CHECK_THROWS_AS(files->locate("/", "", 0, 10), Error);
}

TEST_CASE("places of content: on the disk they are the volume's, piece by piece",
          "[guest][locate]") {
    guest::Volume volume;
    volume.offset = 1000;
    volume.length = 500;
    using Places = std::vector<guest::ContentPlace>;
    CHECK(places_on_disk(volume, {{10, 20}, {5, std::nullopt}}, 10) ==
          Places{{10, 1020}, {5, std::nullopt}});
    CHECK_THROWS_AS(places_on_disk(volume, {{10, 491}}, 10), Error);
    volume.pieces = {{1000, 100}, {5000, 100}, {3000, 100}};
    CHECK(places_on_disk(volume, {{150, 50}, {7, std::nullopt}, {100, 200}}, 10) ==
          Places{{50, 1050}, {100, 5000}, {7, std::nullopt}, {100, 3000}});
    CHECK(places_on_disk(volume, {{300, 0}}, 2) == Places{{100, 1000}, {100, 5000}});
    CHECK_THROWS_AS(places_on_disk(volume, {{301, 0}}, 10), Error);
}

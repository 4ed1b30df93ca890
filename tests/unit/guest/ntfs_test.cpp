// NTFS that was damaged, or left as a guest leaves it, gives its own content or a refusal: never
// another file's bytes, and never zeros.
#include "storage/guest/guest_file_system.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <memory>
#include <string>

using namespace entrepot;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kStandardInformation = 0x10;
constexpr std::uint32_t kIsReparsePoint = 0x400;
constexpr std::size_t kSequenceOffset = 16;

struct NtfsLab {
    test::TemporaryDirectory directory;
    fs::path image = directory.path() / "image";
    std::unique_ptr<test::FileDisk> disk;
    std::unique_ptr<guest::GuestFileSystem> files;

    void open() {
        disk = std::make_unique<test::FileDisk>(image);
        files = guest::open_file_system(*disk, guest::VolumeContent::ntfs);
    }
};

}  // namespace

TEST_CASE("guest files: a name of before leads to no other file's content", "[guest]") {
    NtfsLab lab;
    test::make_ntfs(
        lab.image,
        {{"before", test::random_bytes(5000, 1)}, {"other", test::random_bytes(5000, 2)}},
        16 * kMiB);
    // As if the record had been given to another file since the name was written.
    test::change_ntfs_record(lab.image, "before", [](Bytes& record) {
        record[kSequenceOffset] = static_cast<std::byte>(7);
    });
    lab.open();
    for (const auto& entry : lab.files->list("/", {"", 10}).entries)
        if (entry.name == "before") CHECK_FALSE(entry.refusal.empty());
    Bytes content(5000);
    CHECK_THROWS_AS(lab.files->read("/before", "", 0, content), Error);
    lab.files->read("/other", "", 0, content);
    CHECK((content == test::random_bytes(5000, 2)));
}

TEST_CASE("guest files: a file that lost its reparse point is refused, not given as zeros",
          "[guest]") {
    NtfsLab lab;
    test::make_ntfs(lab.image, {{"file", Bytes(5000)}, {"other", Bytes(10)}}, 16 * kMiB);
    std::string words;
    SECTION("it is marked as one in its standard information") {
        test::change_ntfs_record(lab.image, "file", [](Bytes& record) {
            const std::size_t content = test::find_resident_content(record, kStandardInformation);
            store_u32(record, content + 32, load_u32(record, content + 32) | kIsReparsePoint);
        });
        words = "reparse point is missing";
    }
    SECTION("it has the stream of compressed content") {
        test::write_whole(lab.directory.path() / "stream", test::random_bytes(100, 1));
        test::shell("ntfscp -N WofCompressedData " + test::shell_quoted(lab.image) + " " +
                    test::shell_quoted(lab.directory.path() / "stream") + " file");
        words = "WOF";
    }
    SECTION("nobody knows, since its standard information is cut off") {
        test::change_ntfs_record(lab.image, "file", [](Bytes& record) {
            const std::size_t content = test::find_resident_content(record, kStandardInformation);
            store_u32(record, content - 8, 34);
        });
        words = "standard information";
    }
    lab.open();
    const auto page = lab.files->list("/", {"", 10});
    REQUIRE(page.entries.size() == 2);
    CHECK_THAT(page.entries[0].refusal, Catch::Contains(words));
    CHECK(page.entries[1].refusal.empty());
    Bytes content(5000);
    CHECK_THROWS_WITH(lab.files->read("/file", "", 0, content), Catch::Contains(words));
}

TEST_CASE("guest files: an NTFS of large clusters does not lose files of a folder", "[guest]") {
    NtfsLab lab;
    test::FileTree tree;
    for (int i = 0; i < 120; ++i)
        tree[fmt::format("file {:03}", i)] = {};
    test::make_ntfs(lab.image, tree, 64 * kMiB, "-c 65536");
    CHECK_THROWS_WITH(lab.open(), Catch::Contains("clusters of 65536 bytes"));
}

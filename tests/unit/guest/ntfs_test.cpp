// NTFS that was damaged, or left as a guest leaves it, gives its own content or a refusal: never
// another file's bytes, and never zeros.
#include "storage/guest/guest_file_system.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

using namespace entrepot;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kStandardInformation = 0x10;
constexpr std::uint32_t kIsReparsePoint = 0x400;
constexpr std::size_t kSequenceOffset = 16;

constexpr std::uint32_t kIndexRoot = 0x90;
constexpr std::uint32_t kBitmap = 0xB0;
constexpr std::size_t kRecordBytes = 4096;

// More than one index record holds.
test::FileTree make_files() {
    test::FileTree tree;
    for (std::uint32_t i = 0; i < 120; ++i)
        tree[fmt::format("file {:03}", i)] = test::random_bytes(i * 100, i);
    return tree;
}

// Where the index record is that has a name with that beginning.
std::size_t find_index_record(const Bytes& image, const std::string& name) {
    std::string text;
    for (const char c : name)
        text += std::string{c, '\0'};
    for (std::size_t at = 0; at + kRecordBytes <= image.size(); at += kRecordBytes) {
        const std::string_view record = as_text(ByteView{image}.subspan(at, kRecordBytes));
        if (record.starts_with("INDX") && record.find(text) != std::string_view::npos) return at;
    }
    throw std::runtime_error{"no index record has " + name};
}

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
    const auto page = lab.files->list("/", {"", 10});
    REQUIRE(page.entries.size() == 2);
    CHECK_THAT(page.entries[0].refusal, Catch::Contains("belongs to another file"));
    CHECK(page.entries[1].refusal.empty());
    CHECK_FALSE(lab.files->status("/before").entry.refusal.empty());
    Bytes content(5000);
    CHECK_THROWS_WITH(lab.files->read("/before", "", 0, content),
                      Catch::Contains("belongs to another file"));
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

TEST_CASE("guest files: a folder of NTFS has all names, whatever the clusters are", "[guest]") {
    const std::string options = GENERATE("-c 65536", "-c 4096", "-c 512");
    NtfsLab lab;
    const auto tree = make_files();
    test::make_ntfs(lab.image, tree, 64 * kMiB, options);
    lab.open();
    const auto page = lab.files->list("/", {"", 1000});
    REQUIRE(page.entries.size() == tree.size());
    for (const auto& entry : page.entries) {
        INFO(entry.name);
        REQUIRE(tree.contains(entry.name));
        CHECK(entry.refusal.empty());
        const Bytes& expected = tree.at(entry.name);
        Bytes content(expected.size());
        lab.files->read("/" + entry.name, "", 0, content);
        CHECK((content == expected));
    }
}

TEST_CASE("guest files: a folder whose new files are to be compressed or encrypted is listed",
          "[guest]") {
    const unsigned flags = GENERATE(0x0001U, 0x4000U, 0x8000U);
    NtfsLab lab;
    const auto tree = make_files();
    test::make_ntfs(lab.image, tree, 16 * kMiB);
    test::change_ntfs_record(lab.image, ".", [&](Bytes& record) {
        // Before the content: the rest of the head, and the index' name.
        const std::size_t at = test::find_resident_content(record, kIndexRoot) - 20;
        REQUIRE(record[at] == std::byte{0});
        record[at] = static_cast<std::byte>(flags & 0xFFU);
        record[at + 1] = static_cast<std::byte>(flags >> 8U);
    });
    lab.open();
    CHECK(lab.files->list("/", {"", 1000}).entries.size() == tree.size());
}

TEST_CASE("guest files: names in freed records of an NTFS folder are not there", "[guest]") {
    NtfsLab lab;
    const auto tree = make_files();
    test::make_ntfs(lab.image, tree, 16 * kMiB);
    lab.open();
    REQUIRE(lab.files->list("/", {"", 1000}).entries.size() == tree.size());
    test::change_ntfs_record(lab.image, ".", [](Bytes& record) {
        record[test::find_resident_content(record, kBitmap)] &= std::byte{0xFD};  // Record 1.
    });
    lab.open();
    const std::size_t count = lab.files->list("/", {"", 1000}).entries.size();
    CHECK(count < tree.size());
    CHECK(count > tree.size() / 2);
}

TEST_CASE("guest files: a damaged folder of NTFS is an error, not a shorter list", "[guest]") {
    NtfsLab lab;
    const auto tree = make_files();
    test::make_ntfs(lab.image, tree, 16 * kMiB);
    Bytes bytes = test::read_whole(lab.image);
    const std::size_t record = find_index_record(bytes, "file 01");
    std::string words;
    SECTION("a record in use is zeros") {
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(record), kRecordBytes,
                    std::byte{0});
        words = "is none";
    }
    SECTION("a record was written in part") {
        bytes[record + 510] ^= std::byte{1};
        words = "written in part";
    }
    SECTION("a record is of another place") {
        bytes[record + 16] ^= std::byte{1};
        words = "belongs elsewhere";
    }
    SECTION("a record has no end") {
        store_u32(bytes, record + 24 + 4, 64);
        words = "does not end";
    }
    SECTION("a record ends behind itself") {
        store_u32(bytes, record + 24 + 4, 5000);
        words = "no bounds";
    }
    SECTION("the list of its records is lost, or their bitmap") {
        const std::size_t which = GENERATE(1U, 2U);
        test::change_ntfs_record(lab.image, ".", [&](Bytes& root) {
            const std::string name{"$\0I\0003\0000\0", 8};  // Of the root, the list, the bitmap.
            std::size_t at = as_text(root).find(name);
            for (std::size_t i = 0; i < which; ++i)
                at = as_text(root).find(name, at + 1);
            root.at(at) = std::byte{'#'};
        });
        bytes = test::read_whole(lab.image);
        words = "is missing";
    }
    SECTION("the bitmap names a record that is not there") {
        test::change_ntfs_record(lab.image, ".", [](Bytes& root) {
            root[test::find_resident_content(root, kBitmap) + 7] |= std::byte{0x80};
        });
        bytes = test::read_whole(lab.image);
        words = "ends before record 63";
    }
    test::write_whole(lab.image, bytes);
    lab.open();
    CHECK_THROWS_WITH(lab.files->list("/", {"", 1000}), Catch::Contains(words));
}

TEST_CASE("guest files: folders of NTFS changed by chance do no more than fail", "[guest]") {
    NtfsLab lab;
    test::make_ntfs(lab.image, make_files(), 16 * kMiB);
    const Bytes whole = test::read_whole(lab.image);
    const std::size_t record = find_index_record(whole, "file 01");
    std::mt19937 engine{1};
    std::size_t failed = 0;
    for (int round = 0; round < 200; ++round) {
        std::fstream image{lab.image, std::ios::in | std::ios::out | std::ios::binary};
        Bytes changed{whole.begin() + static_cast<std::ptrdiff_t>(record),
                      whole.begin() + static_cast<std::ptrdiff_t>(record + kRecordBytes)};
        for (int i = 0; i < 4; ++i)
            changed[engine() % 512] = static_cast<std::byte>(engine());
        image.seekp(static_cast<std::streamoff>(record));
        image << as_text(changed) << std::flush;
        lab.open();
        try {
            lab.files->list("/", {"", 1000});
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::corrupt);
            ++failed;
        }
    }
    CHECK(failed > 10);
    CHECK(failed < 200);
}

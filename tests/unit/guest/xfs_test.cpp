// Files of XFS come out byte for byte, from file systems that mkfs.xfs fills by itself; what cannot
// be given is refused.
#include "storage/guest/guest_file_system.h"
#include "storage/guest/volumes.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/guest/guest_tree.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

using namespace entrepot;
namespace fs = std::filesystem;
using test::collect_files;
using test::list_all;

namespace {

struct ImageLab {
    test::TemporaryDirectory directory;
    fs::path image = directory.path() / "image";
};

constexpr std::uint64_t kSizeBytes = 100 * kMiB;

test::FileTree tree_of_prototype() {
    test::FileTree tree;
    for (auto& [path, content] : test::make_tree())
        if (path.find(' ') == std::string::npos) tree[path] = content;
    tree["Документы/Отчёт.txt"] = test::random_bytes(70'000, 3);
    tree["x/one-block"] = test::random_bytes(4096, 21);
    tree["x/" + std::string(255, 'n')] = test::random_bytes(5, 22);
    for (int i = 0; i < 40; ++i)
        tree[fmt::format("block/name-{:02}", i)] = test::random_bytes(30, 100 + i);
    for (int i = 0; i < 700; ++i)
        tree[fmt::format("leaf/a-longer-name-for-more-blocks-{:04}", i)] = {};
    return tree;
}

constexpr std::size_t kSuperblockBytes = 512;
constexpr std::size_t kChecksumOffset = 224;

/// The image's beginning, in place: the image is large, and mostly a hole.
void change_superblock(const fs::path& path, const std::function<void(Bytes&)>& change) {
    std::fstream stream{path, std::ios::binary | std::ios::in | std::ios::out};
    Bytes superblock(kSuperblockBytes);
    const auto size = static_cast<std::streamsize>(superblock.size());
    stream.read(reinterpret_cast<char*>(superblock.data()), size);
    change(superblock);
    stream.seekp(0).write(reinterpret_cast<const char*>(superblock.data()), size).flush();
    REQUIRE(stream.good());
}

}  // namespace

TEST_CASE("xfs: files of every version and shape come out as they went in", "[guest][xfs]") {
    const std::string options = GENERATE(
        "", "-i nrext64=1", "-m bigtime=0,reflink=0 -i sparse=0", "-m rmapbt=1 -b size=1024",
        "-n size=65536 -i size=2048", "-s size=4096", "-m crc=0", "-m crc=0 -n ftype=0 -b size=512",
        "-m crc=0 -n ftype=0,version=ci -i size=256");
    INFO(options);
    ImageLab lab;
    const auto tree = tree_of_prototype();
    test::make_xfs(lab.image, tree, kSizeBytes, options,
                   "link l--777 0 0 ../../etc/passwd\npipe p--644 0 0\n");
    const test::FileDisk disk{lab.image};
    const auto table = guest::read_volumes(disk);
    REQUIRE(table.volumes.size() == 1);
    REQUIRE(table.volumes.front().content == guest::VolumeContent::xfs);
    CHECK(table.volumes.front().label == "GUEST");
    CHECK(table.volumes.front().notice.empty());
    const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
    const auto link = files->status("/link");
    CHECK(link.entry.kind == guest::FileKind::link);
    CHECK(link.entry.link_target == "../../etc/passwd");
    CHECK(files->status("/pipe").entry.kind == guest::FileKind::other);
    CHECK_THROWS_AS(files->status("/link/x"), Error);
    CHECK_THROWS_AS(files->status("/README.TXT"), Error);
    Bytes none(1);
    CHECK_THROWS_AS(files->read("/link", "", 0, none), Error);
    CHECK_THROWS_AS(files->read("/readme.txt", "stream", 0, none), Error);
    test::FileTree found = collect_files(*files);
    REQUIRE(found.size() == tree.size());
    for (const auto& [path, content] : tree) {
        INFO(path);
        REQUIRE(found.contains("/" + path));
        CHECK((found.at("/" + path) == content));
    }
}

TEST_CASE("xfs: a hundred thousand files in a folder are listed by pages, each once",
          "[guest][xfs]") {
    constexpr std::size_t kCount = 100'000;
    ImageLab lab;
    test::FileTree tree;
    for (std::size_t i = 0; i < kCount; ++i)
        tree[fmt::format("many/file-{:06}", i)] = Bytes(i % 1000 == 0 ? 4 : 0, std::byte{'x'});
    test::make_xfs(lab.image, tree, 6 * kSizeBytes);
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
    const auto entries = list_all(*files, "/many", 1000);
    REQUIRE(entries.size() == kCount);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
        const guest::FileEntry& entry = entries[i];
        const std::uint64_t size = i % 1000 == 0 ? 4 : 0;
        if (entry.name != fmt::format("file-{:06}", i) || entry.size_bytes != size ||
            entry.kind != guest::FileKind::file || !entry.refusal.empty()) {
            ++wrong;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("xfs: a feature that would be read wrongly is refused and named", "[guest][xfs]") {
    ImageLab lab;
    test::make_xfs(lab.image, {{"file", test::random_bytes(20, 1)}}, kSizeBytes);
    // The lowest byte of the features that keep old readers away, and the one above it.
    const auto [offset, value, words] = GENERATE(table<std::size_t, int, std::string>({
        {219, 0x1B, "xfs_repair"},
        {218, 0x01, "metadir"},
        {218, 0x02, "zones"},
        {217, 0x40, "0x400000"},
        {101, 0xA3, "version 3"},
    }));
    change_superblock(lab.image, [at = offset, new_value = value](Bytes& superblock) {
        superblock[at] = static_cast<std::byte>(new_value);
        store_u32(superblock, kChecksumOffset,
                  crc32c_with_zeroed_field(superblock, kChecksumOffset));
    });
    const test::FileDisk disk{lab.image};
    CHECK_THROWS_WITH(guest::open_file_system(disk, guest::VolumeContent::xfs),
                      Catch::Contains(words));
    CHECK_THAT(guest::read_volumes(disk).volumes.front().notice, Catch::Contains(words));
}

TEST_CASE("xfs: a superblock whose checksum is wrong, and a volume that is too short, are told",
          "[guest][xfs]") {
    ImageLab lab;
    test::make_xfs(lab.image, {{"file", test::random_bytes(200'000, 1)}}, kSizeBytes);
    fs::resize_file(lab.image, 40'000);
    const test::FileDisk cut{lab.image};
    CHECK_THROWS_WITH(guest::open_file_system(cut, guest::VolumeContent::xfs)->list("/", {"", 10}),
                      Catch::Contains("beyond the end of the volume"));
    change_superblock(lab.image, [](Bytes& superblock) { superblock[300] ^= std::byte{1}; });
    const test::FileDisk disk{lab.image};
    CHECK_THROWS_WITH(guest::open_file_system(disk, guest::VolumeContent::xfs),
                      Catch::Contains("checksum"));
}

TEST_CASE("xfs: a long link without the head that its version has is refused", "[guest][xfs]") {
    // mkfs.xfs 6.1 writes them so; no kernel reads them.
    ImageLab lab;
    test::make_xfs(lab.image, {}, kSizeBytes, "",
                   "long l--777 0 0 " + std::string(900, 'a') + "\n");
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
    const auto page = files->list("/", {"", 10});
    REQUIRE(page.entries.size() == 1);
    CHECK(page.entries[0].refusal == "the link is damaged: a block of it is of something else");
    CHECK(page.entries[0].link_target.empty());
}

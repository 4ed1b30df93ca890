// XFS that no kernel wrote: each is refused in words that say what is wrong, its neighbours are
// read all the same, and nothing goes round in circles.
#include "storage/guest/guest_file_system.h"
#include "storage/guest/volumes.h"
#include "tests/support/xfs_forge.h"
#include "tests/unit/backup/memory_source.h"
#include "tests/unit/guest/guest_tree.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <functional>
#include <string>

using namespace entrepot;
using test::XfsForge;

namespace {

std::string refusal_in(XfsForge& forge, const std::string& path) {
    forge.seal();
    const test::MemorySource disk{forge.bytes(), 512};
    try {
        const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
        const auto status = files->status(path);
        if (status.entry.kind == guest::FileKind::folder) files->list(path, {"", 100});
        return status.entry.refusal;
    } catch (const Error& error) {
        return error.message();
    }
}

void set_u16(XfsForge& forge, std::size_t offset, unsigned value) {
    forge.bytes()[offset] = static_cast<std::byte>(value >> 8U);
    forge.bytes()[offset + 1] = static_cast<std::byte>(value & 0xFFU);
}

void set_byte(XfsForge& forge, std::size_t offset, unsigned value) {
    forge.bytes()[offset] = static_cast<std::byte>(value);
}

struct Change {
    std::string path;
    std::string words;
    std::function<void(XfsForge&)> apply;
};

constexpr std::size_t kFileFork = 17 * XfsForge::kInode;
constexpr std::size_t kModeOffset = 2;
constexpr std::size_t kFormOffset = 5;
constexpr std::size_t kLinkCountOffset = 16;
constexpr std::size_t kSizeOffset = 56;
constexpr std::size_t kBlockCountOffset = 64;
constexpr std::size_t kCountOffset = 76;
constexpr std::size_t kForkOffset = 82;
constexpr std::size_t kFlagsOffset = 90;

std::size_t inode(std::uint64_t number) {
    return XfsForge::inode_offset(number);
}

std::vector<Change> changes_of_inodes() {
    return {
        {"/file", "there is none", [](XfsForge& forge) { set_byte(forge, kFileFork, 0); }},
        {"/file", "deleted file",
         [](XfsForge& forge) { set_u16(forge, inode(17) + kModeOffset, 0); }},
        {"/file", "deleted file",
         [](XfsForge& forge) { set_byte(forge, inode(17) + kLinkCountOffset + 3, 0); }},
        {"/file", "no known kind",
         [](XfsForge& forge) { set_u16(forge, inode(17) + kModeOffset, 0130644); }},
        {"/file", "a file of another kind",
         [](XfsForge& forge) { set_u16(forge, inode(17) + kModeOffset, 0010644); }},
        {"/file", "its size is negative",
         [](XfsForge& forge) { set_byte(forge, inode(17) + kSizeOffset, 0x80); }},
        {"/file", "its attributes have no room",
         [](XfsForge& forge) { set_byte(forge, inode(17) + kForkOffset, 0xFF); }},
        {"/file", "has an unknown form",
         [](XfsForge& forge) { set_byte(forge, inode(17) + kFormOffset, 4); }},
        {"/file", "its content has no place",
         [](XfsForge& forge) { set_byte(forge, inode(17) + kFormOffset, XfsForge::local); }},
        {"/file", "real-time device",
         [](XfsForge& forge) { set_byte(forge, inode(17) + kFlagsOffset + 1, 1); }},
        {"/file", "more blocks than are told",
         [](XfsForge& forge) { set_byte(forge, inode(17) + kBlockCountOffset + 7, 1); }},
        {"/file", "too many pieces",
         [](XfsForge& forge) { set_byte(forge, inode(17) + kCountOffset, 0x7F); }},
        {"/file", "it has no room",
         [](XfsForge& forge) { set_byte(forge, inode(17) + kCountOffset + 2, 1); }},
        {"/link", "its length",
         [](XfsForge& forge) { set_byte(forge, inode(21) + kSizeOffset + 6, 8); }},
        {"/link", "it has no room",
         [](XfsForge& forge) { set_byte(forge, inode(21) + kSizeOffset + 6, 2); }},
        {"/link", "it has no place",
         [](XfsForge& forge) { set_byte(forge, inode(21) + kFormOffset, XfsForge::device); }},
        {"/single", "its names have no place",
         [](XfsForge& forge) { set_byte(forge, inode(19) + kFormOffset, XfsForge::device); }},
        {"/single", "its size",
         [](XfsForge& forge) { set_byte(forge, inode(19) + kSizeOffset + 7, 1); }},
        {"/single", "more than the",
         [](XfsForge& forge) { set_byte(forge, inode(19) + kSizeOffset + 1, 1); }},
    };
}

// Extents of "file": the second half of each has the volume's block, and a count.
void set_file_extents(XfsForge& forge, const std::vector<test::XfsForgeExtent>& extents) {
    forge.put(forge.fork_offset(17), XfsForge::extent_list(extents));
}

std::vector<Change> changes_of_lists() {
    constexpr std::uint64_t kManyNode = 41;
    return {
        {"/file", "beyond the end of the volume",
         [](XfsForge& forge) {
             set_file_extents(forge, {{0, 1 << 20, 1}, {3, 64, 1}});
         }},
        {"/file", "beyond the end of the volume",
         [](XfsForge& forge) {
             set_file_extents(forge, {{0, 60, 5}, {7, 64, 1}});
         }},
        {"/file", "its order is wrong",
         [](XfsForge& forge) {
             set_file_extents(forge, {{3, 64, 1}, {0, 40, 1}});
         }},
        {"/file", "its order is wrong",
         [](XfsForge& forge) {
             set_file_extents(forge, {{0, 40, 3}, {2, 64, 1}});
         }},
        {"/file", "its order is wrong",
         [](XfsForge& forge) {
             set_file_extents(forge, {{0, 40, 1}, {(1ULL << 54U) - 1, 64, 1}});
         }},
        {"/file", "a piece has no blocks",
         [](XfsForge& forge) {
             set_file_extents(forge, {{0, 40, 0}, {3, 64, 1}});
         }},
        {"/many", "its depth", [](XfsForge& forge) { set_u16(forge, forge.fork_offset(18), 10); }},
        {"/many", "its depth", [](XfsForge& forge) { set_u16(forge, forge.fork_offset(18), 0); }},
        {"/many", "another depth",
         [](XfsForge& forge) { set_u16(forge, forge.fork_offset(18), 3); }},
        {"/many", "leads nowhere",
         [](XfsForge& forge) { set_u16(forge, forge.fork_offset(18) + 2, 0); }},
        {"/many", "leads nowhere",
         [](XfsForge& forge) { set_u16(forge, forge.fork_offset(18) + 2, 500); }},
        // A node that leads to itself has another depth than its child should have.
        {"/many", "another depth",
         [](XfsForge& forge) {
             forge.put_tree_node(kManyNode, 18, 1, {0, 4}, {kManyNode, 43});
         }},
        {"/many", "its order is wrong",
         [](XfsForge& forge) {
             forge.put_tree_node(kManyNode, 18, 1, {4, 0}, {42, 43});
         }},
        {"/many", "its order is wrong",
         [](XfsForge& forge) {
             forge.put_tree_node(kManyNode, 18, 1, {0, 4}, {43, 42});
         }},
        {"/many", "beyond the end of the volume",
         [](XfsForge& forge) {
             forge.put_tree_node(kManyNode, 18, 1, {0, 4}, {42, 4300});
         }},
        {"/many", "of something else",
         [](XfsForge& forge) {
             forge.put_tree_node(kManyNode, 18, 1, {0, 4}, {42, 44});
         }},
        {"/many", "more or fewer pieces",
         [](XfsForge& forge) {
             forge.put_tree_leaf(43, 18, {{4, 46, 1}});
         }},
        {"/many", "it has no room",
         [](XfsForge& forge) { set_u16(forge, XfsForge::block_offset(43) + 6, 0xFFF); }},
    };
}

std::vector<Change> changes_of_folders() {
    return {
        {"/single", "of something else",
         [](XfsForge& forge) { set_byte(forge, XfsForge::block_offset(50), 0); }},
        {"/single", "its index has no room",
         [](XfsForge& forge) { set_u16(forge, XfsForge::block_offset(51) - 6, 0xFFFF); }},
        {"/several", "more blocks than its first one says",
         [](XfsForge& forge) {
             forge.put_folder_block(51, 20, true, {{"first", 25, 1}});
         }},
        {"/several", "its beginning is missing",
         [](XfsForge& forge) {
             forge.put(forge.fork_offset(20), XfsForge::extent_list({{1, 51, 1}, {2, 52, 1}}));
         }},
        {"/several", "never written",
         [](XfsForge& forge) {
             forge.put(forge.fork_offset(20),
                       XfsForge::extent_list({{0, 51, 1}, {2, 52, 1, true}}));
         }},
        {"/several", "a name is empty",
         [](XfsForge& forge) {
             forge.put_folder_block(52, 20, false, {{"", 26, 1}});
         }},
        {"/several", "has no room",
         [](XfsForge& forge) {
             // The gap at the end becomes an entry that is longer than the rest.
             const std::size_t end = XfsForge::block_offset(53);
             const std::size_t gap = forge.has_checksums() ? 64 + 24 : 16 + 24;
             set_u16(forge, XfsForge::block_offset(52) + gap, 0xFFFF);
             set_u16(forge, XfsForge::block_offset(52) + gap + 2,
                     static_cast<unsigned>(XfsForge::kBlock - gap - 16));
             set_u16(forge, end - 18, static_cast<unsigned>(gap));
             set_byte(forge, end - 16 + 8, 200);
         }},
        {"/several", "a gap of 12 bytes",
         [](XfsForge& forge) {
             const std::size_t gap = forge.has_checksums() ? 64 + 24 : 16 + 24;
             set_u16(forge, XfsForge::block_offset(52) + gap + 2, 12);
         }},
        {"/several", "says that it stands elsewhere",
         [](XfsForge& forge) { set_byte(forge, XfsForge::block_offset(53) - 1, 0xEE); }},
    };
}

void check_changes(unsigned version, const std::vector<Change>& changes) {
    for (const Change& change : changes) {
        XfsForge forge = test::forge_xfs(version);
        change.apply(forge);
        INFO(change.path << " of version " << version << ": " << change.words);
        CHECK_THAT(refusal_in(forge, change.path), Catch::Contains(change.words));
        // The root lists all of them all the same.
        const test::MemorySource disk{forge.bytes(), 512};
        const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
        CHECK(files->list("/", {"", 100}).entries.size() == 7);
    }
}

}  // namespace

TEST_CASE("xfs: a small one made by hand is read", "[guest][xfs]") {
    const unsigned version = GENERATE(4U, 5U);
    XfsForge forge = test::forge_xfs(version);
    const test::MemorySource disk{forge.bytes(), 512};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
    const test::FileTree tree = test::collect_files(*files);
    REQUIRE(tree.size() == 5);
    Bytes expected(3500);
    std::fill_n(expected.begin(), 1024, std::byte{'a'});
    std::fill_n(expected.begin() + 3072, 428, std::byte{'b'});
    CHECK((tree.at("/file") == expected));
    const Bytes& many = tree.at("/many");
    CHECK(many[0] == std::byte{'@'});
    CHECK((many[1024] == std::byte{0} && many[2048] == std::byte{0}));  // A hole, and unwritten.
    CHECK((many[4096] == std::byte{'B'} && many[5999] == std::byte{'C'}));
    CHECK(files->status("/far").entry.link_target == std::string(600, 't'));
}

TEST_CASE("xfs: what is damaged is refused in words that say what is wrong", "[guest][xfs]") {
    const unsigned version = GENERATE(4U, 5U);
    check_changes(version, changes_of_inodes());
    check_changes(version, changes_of_lists());
    check_changes(version, changes_of_folders());
}

TEST_CASE("xfs: metadata that belongs elsewhere is refused where it says so", "[guest][xfs]") {
    XfsForge forge = test::forge_xfs(5);
    // A leaf of another file, one of another place, one of another file system.
    forge.put_tree_leaf(43, 17, {{4, 46, 1}, {5, 47, 1}});
    CHECK_THAT(refusal_in(forge, "/many"), Catch::Contains("belongs to another file"));
    forge = test::forge_xfs(5);
    forge.put(XfsForge::block_offset(43),
              ByteView{forge.bytes()}.subspan(XfsForge::block_offset(42), XfsForge::kBlock));
    CHECK_THAT(refusal_in(forge, "/many"), Catch::Contains("belongs elsewhere"));
    forge = test::forge_xfs(5);
    set_byte(forge, XfsForge::block_offset(43) + 40, 0);
    CHECK_THAT(refusal_in(forge, "/many"), Catch::Contains("of another file system"));
    forge = test::forge_xfs(5);
    set_byte(forge, inode(17) + 159, 99);
    CHECK_THAT(refusal_in(forge, "/file"), Catch::Contains("belongs to another number"));
}

TEST_CASE("xfs: a wrong checksum is told, wherever it is", "[guest][xfs]") {
    const auto [place, path] = GENERATE(table<std::size_t, std::string>({
        {XfsForge::inode_offset(17) + 200, "/file"},
        {XfsForge::block_offset(41) + 900, "/many"},
        {XfsForge::block_offset(42) + 100, "/many"},
        {XfsForge::block_offset(50) + 100, "/single"},
        {XfsForge::block_offset(53) + 900, "/far"},
    }));
    XfsForge forge = test::forge_xfs(5);
    Bytes image = forge.bytes();
    image[place] ^= std::byte{1};
    const test::MemorySource disk{image, 512};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
    std::string words;
    try {
        const auto status = files->status(path);
        words = status.entry.refusal;
        if (words.empty()) files->list(path, {"", 10});
    } catch (const Error& error) {
        words = error.message();
    }
    CHECK_THAT(words, Catch::Contains("checksum is wrong"));
}

TEST_CASE("xfs: a superblock of impossible numbers is refused", "[guest][xfs]") {
    const auto [offset, value] = GENERATE(table<std::size_t, int>({
        {6, 8},      // Blocks of 2 KiB by one field and 1 KiB by another.
        {8, 1},      // More blocks than its groups have.
        {15, 10},    // Fewer.
        {87, 0},     // Groups of nothing.
        {91, 9},     // More groups than blocks.
        {102, 3},    // Sectors of 768 bytes.
        {104, 64},   // Inodes of 16 KiB.
        {120, 200},  // Shifts beyond all numbers.
        {122, 200},
        {123, 200},
        {124, 200},
        {192, 200},
        {126, 1},  // mkfs has not ended.
    }));
    const unsigned version = GENERATE(4U, 5U);
    INFO("version " << version << ", byte " << offset);
    XfsForge forge = test::forge_xfs(version);
    set_byte(forge, offset, static_cast<unsigned>(value));
    forge.seal();
    const test::MemorySource disk{forge.bytes(), 512};
    CHECK_THROWS_WITH(guest::open_file_system(disk, guest::VolumeContent::xfs),
                      Catch::Contains("superblock of XFS is damaged"));
    CHECK_THAT(guest::read_volumes(disk).volumes.front().notice,
               Catch::Contains("superblock of XFS is damaged"));
}

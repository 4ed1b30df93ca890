// Files of ext4 in many pieces, and trees of extents that no Linux wrote.
#include "storage/guest/ext_extents.h"

#include "storage/guest/guest_file_system.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/backup/memory_source.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace entrepot;
using guest::FileExtent;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kBlock = 1024;
constexpr std::uint64_t kVolumeBlocks = 100;
constexpr guest::BlockGeometry kGeometry{kBlock, kVolumeBlocks};

// Pieces of 4 KiB with holes of 4 KiB between.
Bytes make_pieces(std::size_t count) {
    constexpr std::size_t kPiece = 4096;
    Bytes content(2 * count * kPiece - 1234);
    for (std::size_t i = 0; i < count; ++i) {
        const Bytes piece = test::random_bytes(kPiece, static_cast<std::uint32_t>(i));
        const std::size_t at = 2 * i * kPiece;
        std::ranges::copy(piece, content.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return content;
}

// As write_whole(), and what is zeros is left out.
void write_sparse(const fs::path& path, ByteView content) {
    constexpr std::size_t kPiece = 4096;
    test::write_whole(path, {});
    fs::resize_file(path, content.size());
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(descriptor >= 0);
    for (std::size_t at = 0; at < content.size(); at += kPiece) {
        const ByteView piece = content.subspan(at, std::min(kPiece, content.size() - at));
        if (is_zero(piece)) continue;
        CHECK(::pwrite(descriptor, piece.data(), piece.size(), static_cast<off_t>(at)) ==
              static_cast<ssize_t>(piece.size()));
    }
    ::close(descriptor);
}

void put_node(Bytes& volume, std::size_t offset, const Bytes& node) {
    std::ranges::copy(node, volume.begin() + static_cast<std::ptrdiff_t>(offset));
}

LittleEndianWriter node_head(std::uint16_t count, std::uint16_t depth, std::uint16_t room = 4) {
    LittleEndianWriter node;
    node.u16(0xF30A).u16(count).u16(room).u16(depth).u32(0);
    return node;
}

void add_extent(LittleEndianWriter& node, std::uint32_t first, std::uint16_t length,
                std::uint32_t block) {
    node.u32(first).u16(length).u16(0).u32(block);
}

void add_child(LittleEndianWriter& node, std::uint32_t first, std::uint32_t block) {
    node.u32(first).u32(block).u16(0).u16(0);
}

Bytes as_root(LittleEndianWriter& node) {
    Bytes root = node.take();
    root.resize(60);
    return root;
}

std::vector<FileExtent> extents_of(const Bytes& root, const Bytes& volume) {
    return guest::read_extents(test::MemorySource{volume, 512}, kGeometry, root);
}

}  // namespace

TEST_CASE("guest extents: a file of two thousand pieces comes out byte for byte", "[guest]") {
    const std::string options = GENERATE("-t ext4 -b 4096", "-t ext4 -b 1024");
    test::TemporaryDirectory directory;
    const fs::path folder = directory.path() / "folder";
    const fs::path image = directory.path() / "image";
    fs::create_directory(folder);
    const Bytes expected = make_pieces(2000);
    write_sparse(folder / "pieces", expected);
    test::make_ext(image, folder, 64 * kMiB, options);
    const test::FileDisk disk{image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ext);
    const auto status = files->status("/pieces");
    CHECK(status.entry.refusal.empty());
    REQUIRE(status.entry.size_bytes == expected.size());
    Bytes content(expected.size(), std::byte{1});
    constexpr std::size_t kPiece = 777'777;
    for (std::size_t done = 0; done < content.size(); done += kPiece) {
        const std::size_t count = std::min(kPiece, content.size() - done);
        files->read("/pieces", "", done, MutableByteView{content}.subspan(done, count));
    }
    CHECK((content == expected));
}

TEST_CASE("guest extents: a tree gives what was written, in order", "[guest]") {
    Bytes volume(kVolumeBlocks * kBlock);
    LittleEndianWriter first = node_head(2, 0, 84);
    add_extent(first, 0, 3, 50);
    add_extent(first, 5, 32768 + 2, 60);  // Promised and not written.
    put_node(volume, 10 * kBlock, first.take());
    LittleEndianWriter second = node_head(1, 0, 84);
    add_extent(second, 9, 1, 99);
    put_node(volume, 11 * kBlock, second.take());
    LittleEndianWriter root = node_head(2, 1);
    add_child(root, 0, 10);
    add_child(root, 9, 11);
    const auto extents = extents_of(as_root(root), volume);
    CHECK(extents == std::vector<FileExtent>{{0, 3, 50}, {9, 1, 99}});

    volume[51 * kBlock] = std::byte{7};
    volume[60 * kBlock] = std::byte{8};
    volume[99 * kBlock] = std::byte{9};
    Bytes content(9 * kBlock, std::byte{1});
    guest::read_through(extents, test::MemorySource{volume, 512}, kGeometry, kBlock, content);
    Bytes expected(content.size());
    expected[0] = std::byte{7};
    expected[8 * kBlock] = std::byte{9};
    CHECK((content == expected));
}

TEST_CASE("guest extents: a damaged tree is an error and no content", "[guest]") {
    Bytes volume(kVolumeBlocks * kBlock);
    LittleEndianWriter root;
    std::string words;
    SECTION("no magic number") {
        words = "something else";
        root.zeros(60);
    }
    SECTION("more entries than room") {
        words = "no room";
        root = node_head(5, 0);
        for (std::uint32_t i = 0; i < 4; ++i)
            add_extent(root, i, 1, 20);
    }
    SECTION("more room than bytes") {
        words = "no room";
        root = node_head(5, 0, 5);
    }
    SECTION("too deep") {
        words = "too deep";
        root = node_head(1, 6);
        add_child(root, 0, 10);
    }
    SECTION("pieces on each other") {
        words = "order";
        root = node_head(2, 0);
        add_extent(root, 0, 2, 20);
        add_extent(root, 1, 2, 30);
    }
    SECTION("a piece of nothing") {
        words = "no blocks";
        root = node_head(1, 0);
        add_extent(root, 0, 0, 20);
    }
    SECTION("blocks beyond the volume") {
        words = "beyond the end";
        root = node_head(1, 0);
        add_extent(root, 0, 2, 99);
    }
    SECTION("blocks beyond what a file can have") {
        words = "order";
        root = node_head(1, 0);
        add_extent(root, 0xFFFFFFFF, 2, 20);
    }
    SECTION("a child beyond the volume") {
        words = "block of it lies beyond";
        root = node_head(1, 1);
        add_child(root, 0, 100);
    }
    SECTION("an index without children") {
        words = "nowhere";
        root = node_head(0, 1);
    }
    SECTION("a block that leads to itself") {
        words = "another depth";
        LittleEndianWriter node = node_head(1, 1);
        add_child(node, 0, 10);
        put_node(volume, 10 * kBlock, node.take());
        root = node_head(1, 2);
        add_child(root, 0, 10);
    }
    SECTION("a leaf that is used twice") {
        words = "order";
        LittleEndianWriter leaf = node_head(1, 0);
        add_extent(leaf, 0, 1, 20);
        put_node(volume, 10 * kBlock, leaf.take());
        root = node_head(2, 1);
        add_child(root, 0, 10);
        add_child(root, 5, 10);
    }
    const Bytes bytes = as_root(root);
    CHECK_THROWS_WITH(extents_of(bytes, volume), Catch::Contains(words));
}

TEST_CASE("guest extents: trees of chance stay in the volume, in order, or fail", "[guest]") {
    std::mt19937 engine{1};
    std::size_t failed = 0;
    for (int round = 0; round < 2000; ++round) {
        Bytes volume(kVolumeBlocks * kBlock);
        for (std::uint32_t leaf = 0; leaf < 3; ++leaf) {
            LittleEndianWriter node = node_head(3, 0, 84);
            for (std::uint32_t i = 0; i < 3; ++i)
                add_extent(node, leaf * 100 + i * 10, static_cast<std::uint16_t>(i + 1), 20 + i);
            put_node(volume, (10 + leaf) * kBlock, node.take());
        }
        LittleEndianWriter head = node_head(3, 1);
        for (std::uint32_t leaf = 0; leaf < 3; ++leaf)
            add_child(head, leaf * 100, 10 + leaf);
        Bytes root = as_root(head);
        root[engine() % 48] = static_cast<std::byte>(engine() % 13);
        volume[(10 + engine() % 3) * kBlock + engine() % 48] =
            static_cast<std::byte>(engine() % 99);
        try {
            std::uint64_t next = 0;
            for (const FileExtent& extent : extents_of(root, volume)) {
                CHECK(extent.first_block >= next);
                CHECK(extent.volume_block + extent.block_count <= kVolumeBlocks);
                next = extent.first_block + extent.block_count;
            }
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::corrupt);
            ++failed;
        }
    }
    CHECK(failed > 100);
    CHECK(failed < 2000);
}

// Fast commits of ext4: those that are whole are done, in their order; what does not fit is
// refused.
#include "storage/guest/ext_extents.h"
#include "storage/guest/ext_fast_replay.h"
#include "storage/guest/ext_volume.h"
#include "storage/guest/sector_overlay.h"
#include "tests/support/ext_fast_forge.h"
#include "tests/support/ext_journal_forge.h"
#include "tests/unit/backup/memory_source.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace entrepot;
using test::ExtFastForge;
using test::ExtJournalForge;

namespace {

constexpr std::uint32_t kSequence = 9;
constexpr std::uint32_t kFile = 12;
constexpr std::uint32_t kBitmapBlock = 4;

/// An inode of a file with extents, or of what the mode says.
Bytes make_record(std::uint32_t generation, std::uint32_t mode = 0100644,
                  std::uint32_t flags = 0x80000) {
    Bytes record(128);
    store_u32(record, 0, mode);
    store_u32(record, 0x4, 5000);
    store_u32(record, 0x18, 1U << 16U);  // Links.
    store_u32(record, 0x20, flags);
    store_u32(record, 0x28, 0x6C6C6C6C);
    store_u32(record, 0x64, generation);
    return record;
}

/// A volume in which a file has blocks 40 to 43.
struct FastLab {
    ExtJournalForge forge{{}};
    std::optional<test::MemorySource> disk;
    std::optional<guest::SectorOverlay> volume;
    guest::ExtGeometry geometry;

    FastLab() {
        store_u32(forge.block_of(2), 0x4, kBitmapBlock);
        Bytes record = make_record(1);
        LittleEndianWriter root;
        root.u16(0xF30A).u16(1).u16(4).zeros(6).u32(0).u16(4).u16(0).u32(40);
        std::ranges::copy(root.data(), record.begin() + 0x28);
        std::ranges::copy(record, MutableByteView{forge.bytes()}.subspan(place()).begin());
        disk.emplace(forge.bytes(), 512);
        volume.emplace(*disk);
        geometry = guest::read_ext_geometry(*disk);
    }
    static std::size_t place() {
        return ExtJournalForge::kTableBlock * ExtJournalForge::kBlock + (kFile - 1) * 128;
    }
    guest::ExtFastChanges run(const ExtFastForge& fast) {
        return guest::replay_fast_commits(*volume, geometry, fast.read());
    }
    Bytes record() const {
        Bytes bytes(128);
        volume->read(place(), bytes);
        return bytes;
    }
    std::vector<guest::FileExtent> extents() const {
        return guest::read_extents(*volume, geometry.blocks(),
                                   ByteView{record()}.subspan(0x28, 60));
    }
};

}  // namespace

TEST_CASE("ext fast commit: those that are whole count, in their order", "[guest][ext]") {
    ExtFastForge fast{kSequence};
    fast.inode(12, make_record(1));
    fast.name(ExtFastForge::kCreate, 2, 12, "one");
    fast.end();
    for (std::uint32_t i = 0; i < 20; ++i)  // More than one block holds.
        fast.inode(13 + i, make_record(1));
    fast.end();
    fast.no_blocks(12, 1, 2);
    fast.end();
    CHECK(fast.read().size() == 23);
    SECTION("the last one is torn") {
        fast.bytes()[fast.bytes().size() - ExtFastForge::kBlock + 5] ^= std::byte{1};
        CHECK(fast.read().size() == 22);
    }
    SECTION("one before is") {
        fast.bytes()[ExtFastForge::kBlock + 50] ^= std::byte{1};
        CHECK(fast.read().size() == 2);
    }
    SECTION("behind them is something that was not ended") {
        fast.inode(12, make_record(1));
        CHECK(fast.read().size() == 23);
    }
    SECTION("they are of another transaction") {
        std::size_t next = 0;
        CHECK(guest::read_fast_commits(
                  [&]() -> std::optional<ByteView> {
                      if (next++ > 0) return std::nullopt;
                      return ByteView{fast.bytes()}.first(ExtFastForge::kBlock);
                  },
                  kSequence + 1)
                  .empty());
    }
    SECTION("there is a head amid them") {
        fast.head(kSequence);
        fast.name(ExtFastForge::kLink, 2, 12, "two");
        fast.end();
        CHECK(fast.read().size() == 23);
    }
}

TEST_CASE("ext fast commit: tags that no kernel writes end them", "[guest][ext]") {
    const auto [kind, length] = GENERATE(table<std::uint16_t, std::size_t>(
        {{1, 15}, {2, 11}, {3, 8}, {4, 264}, {5, 0}, {6, 131}, {8, 7}, {0, 4}, {10, 4}}));
    INFO(kind << " " << length);
    ExtFastForge fast{kSequence};
    fast.name(ExtFastForge::kCreate, 2, 12, "one");
    fast.end();
    fast.name(ExtFastForge::kCreate, 2, 13, "two");
    fast.tag(kind, Bytes(length));
    fast.end();
    CHECK(fast.read().size() == 1);
}

TEST_CASE("ext fast commit: a file's blocks are put, cut and taken away", "[guest][ext]") {
    using Extents = std::vector<guest::FileExtent>;
    FastLab lab;
    ExtFastForge fast{kSequence};
    SECTION("others lie there now, amid the old ones") {
        fast.blocks(kFile, 1, 2, 60);
        fast.end();
        CHECK(lab.run(fast).extents.empty());
        CHECK(lab.extents() == Extents{{0, 1, 40}, {1, 2, 60}, {3, 1, 43}});
    }
    SECTION("a hole, and behind it what was promised") {
        fast.no_blocks(kFile, 2, 0x7FFFFFFF);
        fast.blocks(kFile, 0, 32768 + 1, 90);
        fast.end();
        lab.run(fast);
        CHECK(lab.extents() == Extents{{1, 1, 41}});
    }
    SECTION("more than the inode has room for") {
        for (std::uint32_t i = 0; i < 5; ++i)
            fast.blocks(kFile, 10 + 2 * i, 1, 50 + i);
        fast.end();
        const auto changes = lab.run(fast);
        REQUIRE(changes.extents.contains(kFile));
        CHECK(changes.extents.at(kFile) ==
              Extents{{0, 4, 40}, {10, 1, 50}, {12, 1, 51}, {14, 1, 52}, {16, 1, 53}, {18, 1, 54}});
    }
    SECTION("the inode is written, its blocks stay") {
        fast.inode(kFile, make_record(1));
        fast.end();
        lab.run(fast);
        CHECK(lab.extents() == Extents{{0, 4, 40}});
        CHECK(load_u32(lab.record(), 4) == 5000);
    }
    SECTION("the inode is another file's since") {
        fast.blocks(kFile, 7, 1, 70);
        fast.inode(kFile, make_record(2));
        fast.blocks(kFile, 1, 1, 60);
        fast.end();
        lab.run(fast);
        CHECK(lab.extents() == Extents{{1, 1, 60}});
    }
}

TEST_CASE("ext fast commit: a new inode is used, and a short link is in it", "[guest][ext]") {
    FastLab lab;
    ExtFastForge fast{kSequence};
    fast.inode(kFile, make_record(2, 0120777, 0));
    fast.end();
    lab.run(fast);
    CHECK(load_u32(lab.record(), 0x28) == 0x6C6C6C6C);
    Bytes bitmap(2);
    lab.volume->read(kBitmapBlock * ExtJournalForge::kBlock, bitmap);
    CHECK((bitmap == Bytes{std::byte{0}, std::byte{8}}));
}

TEST_CASE("ext fast commit: a folder's names are followed step by step", "[guest][ext]") {
    FastLab lab;
    ExtFastForge fast{kSequence};
    fast.name(ExtFastForge::kUnlink, 2, 12, "old");
    fast.name(ExtFastForge::kCreate, 2, 13, "old");
    fast.name(ExtFastForge::kLink, 2, 14, "new");
    fast.name(ExtFastForge::kUnlink, 2, 14, "new");
    fast.inode(14, make_record(1, 0040755));
    fast.end();
    const auto changes = lab.run(fast);
    const auto follow = [&](const char* name, std::optional<std::uint32_t> inode) {
        return guest::ExtFastChanges::follow(changes.folders.at(2).at(name), inode);
    };
    CHECK(follow("old", 12) == 13U);
    CHECK(follow("old", 20) == 20U);  // It is another one by now: Linux leaves it, too.
    CHECK(follow("new", std::nullopt) == std::nullopt);
    CHECK(changes.folders.at(14).empty());
}

TEST_CASE("ext fast commit: what no kernel writes is refused", "[guest][ext]") {
    FastLab lab;
    ExtFastForge fast{kSequence};
    SECTION("no such inode") {
        fast.inode(17, make_record(1));
    }
    SECTION("inode 0") {
        fast.blocks(0, 0, 1, 50);
    }
    SECTION("an inode that is too long") {
        fast.inode(kFile, Bytes(200));
    }
    SECTION("blocks beyond the end") {
        fast.blocks(kFile, 0, 2, ExtJournalForge::kBlocks - 1);
    }
    SECTION("blocks of a file that has none as extents") {
        fast.blocks(13, 0, 1, 50);
    }
    fast.end();
    CHECK_THROWS_AS(lab.run(fast), Error);
}

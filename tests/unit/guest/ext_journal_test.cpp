// The journal of ext, replayed in memory: what was ended counts, what was freed later does not, and
// one that is damaged is told and gives nothing behind the damage.
#include "storage/guest/ext_replay.h"
#include "storage/guest/journaled_content.h"
#include "storage/guest/volumes.h"
#include "tests/support/ext_journal_forge.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/backup/memory_source.h"
#include "tests/unit/guest/ext_judge.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <tuple>

using namespace entrepot;
using test::ExtJournalForge;
using Sums = ExtJournalForge::Sums;
namespace fs = std::filesystem;

namespace {

/// A volume as it is with its journal.
class Replayed {
public:
    explicit Replayed(ExtJournalForge& forge)
        : disk_(forge.bytes(), 512), found_(guest::replay_ext_journal(disk_)) {
        REQUIRE(found_ != nullptr);
    }
    Bytes block(std::size_t number) const {
        Bytes bytes(ExtJournalForge::kBlock);
        found_->volume.read(number * bytes.size(), bytes);
        return bytes;
    }
    /// What it is filled with; the original content is its number.
    int value(std::size_t number) const {
        const Bytes bytes = block(number);
        CHECK((bytes == Bytes(bytes.size(), bytes[0])));
        return std::to_integer<int>(bytes[0]);
    }
    const std::string& damage() const { return found_->damage; }

private:
    test::MemorySource disk_;
    std::unique_ptr<guest::ExtReplayed> found_;
};

/// A file whose blocks stand one behind another in the volume, behind a hole of one.
class PlacedContent final : public guest::FileContent {
public:
    PlacedContent(const disk::DiskSource& volume, std::size_t first_block, std::size_t block_count)
        : volume_(volume), begin_(first_block * kBlock), length_(block_count * kBlock) {}
    std::uint64_t size_bytes() const override { return kBlock + length_; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        volume_.read(begin_ + offset - kBlock, target);
    }
    std::vector<guest::ContentPlace> locate(std::uint64_t offset, std::size_t) const override {
        if (offset == 0) return {{kBlock, std::nullopt}, {length_, begin_}};
        const std::uint64_t skip = offset - kBlock;
        return {{length_ - skip, begin_ + skip}};
    }

private:
    static constexpr std::uint64_t kBlock = ExtJournalForge::kBlock;
    const disk::DiskSource& volume_;
    std::uint64_t begin_;
    std::uint64_t length_;
};

void write(ExtJournalForge& forge, std::uint64_t block, std::uint8_t value) {
    forge.write({{block, ExtJournalForge::filled(value)}});
}

std::string notice_with(ExtJournalForge& forge) {
    const test::MemorySource disk{forge.bytes(), 512};
    return guest::read_volumes(disk).volumes.front().notice;
}

}  // namespace

TEST_CASE("ext journal: blocks of each kind of list are read, the last content of each",
          "[guest][ext]") {
    ExtJournalForge::Options options;
    options.sums = GENERATE(Sums::none, Sums::whole, Sums::short_tags, Sums::tags);
    options.has_long_numbers = GENERATE(false, true);
    options.has_extents = GENERATE(false, true);
    ExtJournalForge forge{options};
    forge.write({{20, ExtJournalForge::filled(1)},
                 {21, ExtJournalForge::magic_block()},
                 {22, ExtJournalForge::filled(2)}});
    write(forge, 23, 3);
    forge.commit();
    write(forge, 22, 4);
    forge.revoke({99});
    forge.commit();
    const Bytes before = forge.bytes();
    const Replayed seen{forge};
    CHECK(seen.value(20) == 1);
    CHECK((seen.block(21) == ExtJournalForge::magic_block()));
    CHECK(seen.value(22) == 4);
    CHECK(seen.value(23) == 3);
    CHECK(seen.value(24) == 24);
    CHECK(seen.damage() == "");
    CHECK((forge.bytes() == before));
    CHECK_THAT(notice_with(forge), Catch::Contains("files are as its journal has them"));
}

TEST_CASE("ext journal: any part of the volume is read as its journal has it", "[guest][ext]") {
    ExtJournalForge forge{{}};
    forge.write({{20, ExtJournalForge::magic_block()}, {22, ExtJournalForge::filled(2)}});
    forge.commit();
    const test::MemorySource disk{forge.bytes(), 512};
    const auto replayed = guest::replay_ext_journal(disk);
    Bytes whole(forge.bytes().size());
    replayed->volume.read(0, whole);
    for (const std::size_t length : {std::size_t{1}, std::size_t{3}, std::size_t{1500}}) {
        Bytes part(length);
        for (std::size_t at = 19 * 1024 - 5; at < 23 * 1024 + 5; ++at) {
            replayed->volume.read(at, part);
            REQUIRE(std::equal(part.begin(), part.end(),
                               whole.begin() + static_cast<std::ptrdiff_t>(at)));
        }
    }
    replayed->volume.read(whole.size(), {});
}

TEST_CASE("ext journal: content is located up to what the journal has of it", "[guest][ext]") {
    constexpr std::uint64_t kBlock = ExtJournalForge::kBlock;
    ExtJournalForge forge{{}};
    write(forge, 22, 1);
    forge.commit();
    const test::MemorySource disk{forge.bytes(), 512};
    const auto replayed = guest::replay_ext_journal(disk);
    replayed->volume.write(25 * kBlock + 600, Bytes(10));
    const guest::JournaledContent content{std::make_unique<PlacedContent>(replayed->volume, 20, 10),
                                          *replayed};
    using Places = std::vector<guest::ContentPlace>;
    CHECK(content.locate(0, 9) == Places{{kBlock, std::nullopt}, {2 * kBlock, 20 * kBlock}});
    CHECK(content.locate(3 * kBlock, 9).empty());
    CHECK(content.locate(3 * kBlock + 5, 9).empty());
    CHECK(content.locate(4 * kBlock, 9) == Places{{2 * kBlock + 512, 23 * kBlock}});
    CHECK(content.locate(7 * kBlock, 9) == Places{{4 * kBlock, 26 * kBlock}});
}

TEST_CASE("ext journal: what was freed is as it is in its place, until it is written again",
          "[guest][ext]") {
    const bool is_long = GENERATE(false, true);
    ExtJournalForge::Options options;
    options.has_long_numbers = is_long;
    ExtJournalForge forge{options};
    write(forge, 20, 1);
    write(forge, 21, 1);
    forge.commit();
    forge.revoke({21, 20});
    forge.commit();
    write(forge, 21, 2);
    forge.commit();
    const Replayed seen{forge};
    CHECK(seen.value(20) == 20);
    CHECK(seen.value(21) == 2);
}

TEST_CASE("ext journal: a ring goes on at its beginning", "[guest][ext]") {
    ExtJournalForge::Options options;
    options.start = GENERATE(59U, 60U, 61U, 62U, 63U);
    options.sequence = 0xFFFFFFFF;  // The numbers go round, too.
    ExtJournalForge forge{options};
    write(forge, 20, 1);
    forge.commit();
    write(forge, 21, 2);
    forge.commit();
    const Replayed seen{forge};
    CHECK(seen.value(20) == 1);
    CHECK(seen.value(21) == 2);
}

TEST_CASE("ext journal: what was not ended has never been", "[guest][ext]") {
    ExtJournalForge forge{{}};
    write(forge, 20, 1);
    forge.commit();
    write(forge, 20, 2);
    forge.revoke({20});
    SECTION("the disk has nothing behind it") {}
    SECTION("behind it is a transaction of an earlier round") {
        forge.set_sequence(3);
        forge.commit();
    }
    SECTION("behind it is something else") {
        Bytes other = ExtJournalForge::magic_block();
        ExtJournalForge::put_u32(other, 4, 9);
        ExtJournalForge::put_u32(other, 8, 8);
        forge.put_raw(other);
    }
    const Replayed seen{forge};
    CHECK(seen.value(20) == 1);
    CHECK(seen.damage() == "");
}

TEST_CASE("ext journal: a damaged transaction is the last one, and is told", "[guest][ext]") {
    // Of the second transaction: its list, its block, its list of freed ones, its end.
    const auto [sums, block, words] =
        GENERATE(table<Sums, std::uint32_t, std::string>({{Sums::whole, 0, "its checksum"},
                                                          {Sums::whole, 1, "its checksum"},
                                                          {Sums::short_tags, 0, "of a list"},
                                                          {Sums::short_tags, 1, "of a block"},
                                                          {Sums::tags, 0, "of a list"},
                                                          {Sums::tags, 1, "of a block"},
                                                          {Sums::tags, 2, "of a list"},
                                                          {Sums::tags, 3, "its checksum"}}));
    INFO(block << words);
    ExtJournalForge::Options options;
    options.sums = sums;
    ExtJournalForge forge{options};
    write(forge, 20, 1);
    forge.commit(1000);
    const std::uint32_t begin = forge.at();
    write(forge, 20, 2);
    forge.revoke({21});
    const bool is_older = GENERATE(false, true);
    forge.commit(is_older ? 999 : 1000);
    write(forge, 22, 3);
    forge.commit(1001);
    forge.journal_block(begin + block)[500] ^= std::byte{1};
    const Replayed seen{forge};
    CHECK(seen.value(20) == 1);
    CHECK(seen.value(22) == 22);
    // What is older than the one before it is of an earlier life of the journal, and no damage; but
    // lists and an end that are right are not.
    if (is_older && words != "of a block") {
        CHECK(seen.damage() == "");
        return;
    }
    CHECK_THAT(seen.damage(),
               Catch::Contains("transaction 8 is damaged") && Catch::Contains(words + " is wrong"));
    CHECK_THAT(notice_with(forge),
               Catch::Contains("its journal is replayed in part (transaction 8"));
}

TEST_CASE("ext journal: an end that may be on the disk too early is no damage", "[guest][ext]") {
    ExtJournalForge::Options options;
    options.sums = Sums::whole;
    options.commits_early = GENERATE(true, false);
    ExtJournalForge forge{options};
    write(forge, 20, 1);
    forge.commit();
    const std::uint32_t begin = forge.at();
    write(forge, 20, 2);
    forge.commit();
    forge.journal_block(begin + 1)[500] ^= std::byte{1};
    const Replayed seen{forge};
    CHECK(seen.value(20) == 1);
    CHECK(seen.damage().empty() == options.commits_early);
}

TEST_CASE("ext journal: what no kernel writes ends it or is refused", "[guest][ext]") {
    ExtJournalForge::Options options;
    options.sums = Sums::tags;
    options.has_long_numbers = true;
    ExtJournalForge forge{options};
    write(forge, 20, 1);
    forge.commit();
    SECTION("a block beyond the end of the volume") {
        forge.write({{21, ExtJournalForge::filled(2)},
                     {ExtJournalForge::kBlocks, ExtJournalForge::filled(2)}});
        forge.commit();
        CHECK_THAT(Replayed{forge}.damage(), Catch::Contains("beyond the end of the volume"));
    }
    SECTION("a block so far that its place has no number") {
        forge.write({{~0ULL, ExtJournalForge::filled(2)}});
        forge.commit();
        CHECK_THAT(Replayed{forge}.damage(), Catch::Contains("beyond the end of the volume"));
    }
    SECTION("lists and no end, all around") {
        while (forge.at() != 1)
            write(forge, 20, 2);
        CHECK(Replayed{forge}.damage() == "");
    }
    const Replayed seen{forge};
    CHECK(seen.value(20) == 1);
    CHECK(seen.value(21) == 21);
}

TEST_CASE("ext journal: one that is not understood changes nothing, and is told", "[guest][ext]") {
    ExtJournalForge::Options options;
    options.sums = Sums::tags;
    ExtJournalForge forge{options};
    write(forge, 20, 1);
    forge.commit();
    using Change = std::function<void(ExtJournalForge&)>;
    const auto head = [](std::size_t offset, std::uint32_t value) {
        return [=](ExtJournalForge& changed) {
            changed.change_head(
                [&](MutableByteView bytes) { ExtJournalForge::put_u32(bytes, offset, value); });
        };
    };
    const auto superblock = [](std::size_t offset, std::uint32_t value) {
        return [=](ExtJournalForge& changed) { store_u32(changed.block_of(1), offset, value); };
    };
    const auto inode = [](std::size_t offset, std::uint32_t value) {
        return [=](ExtJournalForge& changed) {
            store_u32(changed.block_of(ExtJournalForge::kTableBlock), 7 * 128 + offset, value);
        };
    };
    const std::vector<std::pair<Change, std::string>> changes{
        {head(0, 1), "it has no beginning"},
        {head(4, 5), "its version is unknown"},
        {head(12, 4096), "its block size is another one"},
        {head(16, 65), "it is shorter than it says"},
        {head(16, 1), "its first block lies nowhere"},
        {head(20, 0), "its first block lies nowhere"},
        {head(28, 64), "its beginning lies nowhere"},
        {head(0x24, 1), "it has checksums of two kinds"},
        {head(0x28, 0x51), "features that are not known here (0x40, 0x0)"},
        {head(0x2C, 1), "features that are not known here (0x0, 0x1)"},
        {head(0x50, 0x01000000), "its checksums are of a kind not known here"},
        {[](ExtJournalForge& changed) { changed.journal_block(0)[900] ^= std::byte{1}; },
         "the checksum of its beginning is wrong"},
        {superblock(0xE0, 0), "it lies on another disk"},
        {superblock(0xE0, 17), "there is no inode 17"},
        {superblock(0x5C, 0), "there is none"},
        {superblock(0x28, 0), "it has no groups"},
        {superblock(0x58, 96), "its inode size"},
        {inode(0, 0040700), "inode 8 is of no file"},
        {inode(0x6C, 1), "it has more than 2 GiB"},
        {inode(4, 1024), "it is too short"},
        {inode(0x34, 1), "blocks of it are missing"},
        {[](ExtJournalForge& changed) { store_u32(changed.block_of(2), 8, 256); },
         "inode 8 lies beyond the end of the volume"},
    };
    for (const auto& [change, words] : changes) {
        INFO(words);
        ExtJournalForge changed{forge};
        change(changed);
        const test::MemorySource disk{changed.bytes(), 512};
        CHECK_THROWS_WITH(guest::replay_ext_journal(disk), Catch::Contains(words));
        CHECK_THAT(notice_with(changed),
                   Catch::Contains("its journal is not replayed here") && Catch::Contains(words));
    }
}

TEST_CASE("ext journal: one that is empty, or not asked for, changes nothing", "[guest][ext]") {
    ExtJournalForge forge{{}};
    write(forge, 20, 1);
    forge.commit();
    SECTION("empty") {
        forge.change_head([](MutableByteView bytes) { ExtJournalForge::put_u32(bytes, 28, 0); });
        CHECK(Replayed{forge}.value(20) == 20);
        CHECK_THAT(notice_with(forge), Catch::Contains("files are as its journal has them"));
    }
    SECTION("unmounted in order") {
        store_u32(forge.block_of(1), 0x60, 0x42);
        const test::MemorySource disk{forge.bytes(), 512};
        CHECK(guest::replay_ext_journal(disk) == nullptr);
        CHECK(notice_with(forge) == "");
    }
}

TEST_CASE("ext journal: what debugfs wrote is replayed as e2fsck does it", "[guest][ext]") {
    const std::string open = GENERATE("jo", "jo -c -v 2", "jo -c -v 3");
    const std::string make =
        GENERATE("-t ext4 -b 1024 -O ^64bit", "-t ext4 -b 4096 -O 64bit", "-t ext3 -b 1024");
    INFO(open << " " << make);
    const test::TemporaryDirectory directory;
    const fs::path folder = directory.path() / "folder";
    const fs::path image = directory.path() / "image";
    fs::create_directory(folder);
    test::make_ext(image, folder, 24 * kMiB, make);
    Bytes content = test::random_bytes(3 * 4096, 1);
    test::write_whole(directory.path() / "random", content);
    ExtJournalForge::put_u32(content, 0, ExtJournalForge::kMagic);
    ExtJournalForge::put_u32(content, 1024, ExtJournalForge::kMagic);
    test::write_whole(directory.path() / "magic", content);
    const std::string commands =
        open + "\njw -b 5000,5001,5002 random\njw -b 5003,5001 magic\n" +
        "jw -r 5002 -b 5004 magic\njw -r 5000,5003\njw -b 5000 magic\njw -b 5005 -c random\njc\n";
    test::write_whole(directory.path() / "commands", as_bytes(commands));
    test::shell(fmt::format("cd {} && debugfs -w -f commands image && cp image checked",
                            test::shell_quoted(directory.path())));
    test::check_as_e2fsck(image, directory.path() / "checked");
}

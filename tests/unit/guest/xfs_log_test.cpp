// The log of XFS, replayed in memory: what was ended counts, what is older than the disk does not,
// and a log that is not understood changes nothing and is told.
#include "storage/guest/guest_file_system.h"
#include "storage/guest/volumes.h"
#include "tests/support/xfs_forge.h"
#include "tests/support/xfs_log_forge.h"
#include "tests/unit/backup/memory_source.h"
#include "tests/unit/guest/guest_tree.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <functional>
#include <string>

using namespace entrepot;
using test::XfsForge;
using test::XfsLogForge;

namespace {

constexpr std::uint64_t kFile = 17;
constexpr unsigned kRegular = 0100644;
constexpr unsigned kFolderBlock = 10;  // As the log calls the buffer of a folder of one block.
constexpr unsigned kCancelled = 2;

struct Seen {
    test::FileTree tree;
    std::string notice;
};

Seen look_at(const XfsForge& forge) {
    XfsForge copy = forge;
    const test::MemorySource disk{copy.bytes(), 512};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
    return {test::collect_files(*files), guest::read_volumes(disk).volumes.front().notice};
}

// "file" is ten bytes of what "many" begins with.
std::vector<Bytes> shorter_file() {
    return XfsLogForge::inode_item(kFile, kRegular, 10, {{0, 44, 1, false}});
}

constexpr std::size_t kOldSize = 3500;

/// The first 128 bytes of the folder "single", with another name in it.
Bytes renamed(XfsForge& forge) {
    const ByteView block = ByteView{forge.bytes()}.subspan(XfsForge::block_offset(50), 256);
    Bytes changed{block.begin(), block.end()};
    const std::string text{as_text(changed)};
    changed[text.find("small") + 2] = std::byte{'e'};
    return changed;
}

}  // namespace

TEST_CASE("xfs log: a file is as the log has it, though its checksum is still the old one",
          "[guest][xfs]") {
    XfsForge forge = test::forge_xfs(5);
    XfsLogForge log;
    log.start(1);
    log.item(1, shorter_file());
    log.end(1);
    log.put(forge);
    const Seen seen = look_at(forge);
    CHECK((seen.tree.at("/file") == Bytes(10, std::byte{'@'})));
    CHECK(seen.tree.size() == 5);
    CHECK_THAT(seen.notice, Catch::Contains("files are as its journal has them"));
}

TEST_CASE("xfs log: what was not ended, and what was being written, has never been",
          "[guest][xfs]") {
    XfsForge forge = test::forge_xfs(5);
    XfsLogForge log;
    log.start(1);
    log.item(1, shorter_file());
    SECTION("not ended") {
        log.put(forge);
    }
    SECTION("a part of the record did not reach the disk") {
        log.end(1);
        log.put(forge);
        forge.bytes()[XfsLogForge::offset() + 700] ^= std::byte{1};
    }
    SECTION("of a transaction that began in a record before the tail") {
        XfsLogForge other;
        other.item(2, shorter_file());
        other.end(2);
        other.put(forge);
    }
    CHECK(look_at(forge).tree.at("/file").size() == kOldSize);
}

TEST_CASE("xfs log: what the disk has already, or newer, stays", "[guest][xfs]") {
    const auto [round, size] = GENERATE(table<std::uint32_t, std::size_t>(
        {{XfsLogForge::kRound - 1, 10}, {XfsLogForge::kRound, kOldSize}, {9, kOldSize}}));
    XfsForge forge = test::forge_xfs(5);
    forge.bytes()[XfsForge::inode_offset(kFile) + 115] = static_cast<std::byte>(round);
    forge.seal();
    XfsLogForge log;
    log.start(1);
    log.item(1, shorter_file());
    log.end(1);
    log.put(forge);
    CHECK(look_at(forge).tree.at("/file").size() == size);
}

TEST_CASE("xfs log: a block of a folder is as the log has it, unless it was freed later",
          "[guest][xfs]") {
    XfsForge forge = test::forge_xfs(5);
    XfsLogForge log;
    log.start(1);
    log.item(1, XfsLogForge::buffer_item(50, kFolderBlock, 0, renamed(forge)));
    log.end(1);
    const bool is_freed = GENERATE(false, true);
    if (is_freed) {
        log.start(2);
        log.item(2, XfsLogForge::buffer_item(50, kFolderBlock, kCancelled, {}));
        log.end(2);
    }
    log.put(forge);
    CHECK(look_at(forge).tree.contains("/single/smell") == !is_freed);
    CHECK(look_at(forge).tree.contains("/single/small") == is_freed);
}

TEST_CASE("xfs log: a file whose change was begun and not ended is refused", "[guest][xfs]") {
    XfsForge forge = test::forge_xfs(5);
    XfsLogForge log;
    log.start(1);
    log.item(1, XfsLogForge::intent_item(77, kFile));
    log.end(1);
    const bool is_done = GENERATE(false, true);
    if (is_done) {
        log.start(2);
        log.item(2, XfsLogForge::done_item(77));
        log.end(2);
    }
    log.put(forge);
    const test::MemorySource disk{forge.bytes(), 512};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
    const std::string refusal = files->status("/file").entry.refusal;
    CHECK(refusal.empty() == is_done);
    if (!is_done) CHECK_THAT(refusal, Catch::Contains("only Linux can end it"));
    CHECK(files->status("/many").entry.refusal.empty());
}

TEST_CASE("xfs log: one that no kernel wrote changes nothing, and is told", "[guest][xfs]") {
    struct Row {
        std::string words;
        std::function<void(XfsLogForge&)> fill;
    };
    const auto item = [](const std::vector<Bytes>& regions) {
        return [regions](XfsLogForge& log) { log.item(1, regions); };
    };
    // Of another file: what is told of one twice in a transaction counts once.
    const std::vector<Bytes> other = XfsLogForge::inode_item(24, kRegular, 10, {{0, 44, 1, false}});
    std::vector<Bytes> no_fork = other;
    no_fork.pop_back();
    no_fork[0][2] = std::byte{2};
    std::vector<Bytes> far = XfsLogForge::inode_item(1ULL << 40U, kRegular, 10, {});
    far.pop_back();
    far[0][2] = std::byte{2};
    std::vector<Bytes> long_fork = other;
    long_fork[2].resize(4000);
    std::vector<Bytes> cut = XfsLogForge::buffer_item(50, kFolderBlock, 0, Bytes(128));
    cut[1].resize(100);
    std::vector<Bytes> nothing = XfsLogForge::buffer_item(50, kFolderBlock, 0, Bytes(128));
    nothing[0][6] = std::byte{0};
    const std::vector<Row> rows{
        {"a buffer is empty", item(nothing)},
        {"an item is not whole", item({Bytes(8)})},
        {"an inode has another form", item({[] {
             LittleEndianWriter format;
             return format.u16(0x123B).u16(1).u64(0).take();
         }()})},
        {"an inode's content is missing", item(no_fork)},
        {"an inode lies beyond the end", item(far)},
        {"an inode's content has no room", item(long_fork)},
        {"a change does not fit its buffer", item(cut)},
        {"a buffer lies beyond the end",
         item(XfsLogForge::buffer_item(1ULL << 50U, kFolderBlock, 0, Bytes(128)))},
    };
    for (const Row& row : rows) {
        INFO(row.words);
        XfsForge forge = test::forge_xfs(5);
        XfsLogForge log;
        // What is right before it does not count either: all or nothing.
        log.start(1);
        log.item(1, shorter_file());
        row.fill(log);
        log.end(1);
        log.put(forge);
        const Seen seen = look_at(forge);
        CHECK_THAT(seen.notice, Catch::Contains("not replayed here") && Catch::Contains(row.words));
        CHECK(seen.tree.at("/file").size() == kOldSize);
    }
}

TEST_CASE("xfs log: version 4 does not tell what is newer: it is read without", "[guest][xfs]") {
    XfsForge forge = test::forge_xfs(4);
    XfsLogForge log;
    log.start(1);
    log.item(1, shorter_file());
    log.end(1);
    log.put(forge);
    const Seen seen = look_at(forge);
    CHECK_THAT(seen.notice, Catch::Contains("not replayed here (version 4"));
    CHECK(seen.tree.at("/file").size() == kOldSize);
}

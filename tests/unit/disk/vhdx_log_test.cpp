// Replay of the log in memory: which entries count, what they change, what is refused.
#include "storage/disk/disk_image.h"

#include "base/error.h"
#include "tests/support/vhdx_image_builder.h"

#include <catch2/catch.hpp>

namespace entrepot::disk {
namespace {

using test::VhdxImageBuilder;
using test::VhdxLogEntry;

const Guid kLog = test::guid_of("33333333-2222-4333-8444-555555555555");
constexpr std::uint64_t kBlock = 2 * kMiB;

Bytes filled(std::size_t length, int value) {
    return Bytes(length, static_cast<std::byte>(value));
}

/// A page of the table that makes one block present.
Bytes table_page(std::uint64_t block, std::uint64_t raw) {
    Bytes page(4096);
    store_u64(page, 8 * block, raw);
    return page;
}

VhdxLogEntry entry_of(std::uint64_t sequence, std::uint32_t tail,
                      std::vector<VhdxLogEntry::Target> targets) {
    VhdxLogEntry entry;
    entry.sequence = sequence;
    entry.tail = tail;
    entry.log_guid = kLog;
    entry.flushed_file_offset = 16 * kMiB;
    entry.last_file_offset = 16 * kMiB;
    entry.targets = std::move(targets);
    return entry;
}

VhdxLogEntry present(std::uint64_t sequence, std::uint32_t tail, std::uint64_t block,
                     std::uint64_t raw) {
    return entry_of(sequence, tail, {{false, 3 * kMiB, 4096, table_page(block, raw)}});
}

VhdxImageBuilder dirty() {
    VhdxImageBuilder builder;
    builder.log_guid = kLog;
    builder.content(8 * kMiB, filled(kBlock, 0x5A)).content(10 * kMiB, filled(kBlock, 0x6B));
    return builder;
}

std::byte byte_at(const DiskSource& disk, std::uint64_t offset) {
    Bytes one(1);
    disk.read(offset, one);
    return one[0];
}

std::string refusal_of(const VhdxImageBuilder& builder) {
    try {
        open_vhdx(builder.build());
    } catch (const Error& error) {
        CHECK(to_string(error.code()) == to_string(ErrorCode::corrupt));
        return error.message();
    }
    return "was not refused";
}

void check_cannot_replay(const VhdxLogEntry& entry) {
    VhdxImageBuilder builder = dirty();
    builder.content(kMiB, entry.build());
    CHECK(refusal_of(builder).find("cannot be replayed") != std::string::npos);
}

}  // namespace

TEST_CASE("vhdx log: an entry changes what is read and leaves the file alone", "[disk][log]") {
    VhdxImageBuilder builder = dirty();
    builder.content(kMiB, present(1, 0, 2, 6 | 8 * kMiB).build());
    auto owned = builder.build();
    const test::MemoryFile* file = owned.get();
    Bytes before(file->size());
    file->read_exactly(0, before);
    const auto image = open_vhdx(std::move(owned));

    CHECK(image->info().is_log_dirty);
    CHECK(byte_at(*image, 2 * kBlock) == std::byte{0x5A});
    CHECK(image->extent_at(2 * kBlock, kBlock).kind == ExtentKind::data);
    Bytes after(file->size());
    file->read_exactly(0, after);
    CHECK(before == after);
}

TEST_CASE("vhdx log: entries are applied in order from the tail that the head names",
          "[disk][log]") {
    VhdxImageBuilder builder = dirty();
    const Bytes first = present(5, 0, 0, 6 | 8 * kMiB).build();
    const auto tail = static_cast<std::uint32_t>(first.size());
    const Bytes second = present(6, 0, 1, 6 | 8 * kMiB).build();
    const Bytes third = present(7, tail, 2, 6 | 10 * kMiB).build();
    builder.content(kMiB, first);
    builder.content(kMiB + first.size(), second);
    builder.content(kMiB + first.size() + second.size(), third);
    // The first entry was checkpointed long ago: its page must not come back.
    const auto image = open_vhdx(builder.build());
    CHECK(byte_at(*image, 0) == std::byte{0});
    CHECK(byte_at(*image, kBlock) == std::byte{0});
    CHECK(byte_at(*image, 2 * kBlock) == std::byte{0x6B});
    REQUIRE(image->info().warnings.size() == 1);
    CHECK(image->info().warnings[0].find("2 entries") != std::string::npos);
}

TEST_CASE("vhdx log: of two sequences the newer one counts", "[disk][log]") {
    VhdxImageBuilder builder = dirty();
    builder.content(kMiB, present(9, 0, 2, 6 | 8 * kMiB).build());
    builder.content(kMiB + 512 * kKiB, present(4, 512 * kKiB, 2, 6 | 10 * kMiB).build());
    CHECK(byte_at(*open_vhdx(builder.build()), 2 * kBlock) == std::byte{0x5A});
    builder.content(kMiB + 512 * kKiB, present(10, 512 * kKiB, 2, 6 | 10 * kMiB).build());
    CHECK(byte_at(*open_vhdx(builder.build()), 2 * kBlock) == std::byte{0x6B});
}

TEST_CASE("vhdx log: an entry may wrap round the end of the log", "[disk][log]") {
    VhdxImageBuilder builder = dirty();
    const auto position = static_cast<std::uint32_t>(kMiB - 4096);
    const Bytes entry = present(3, position, 2, 6 | 8 * kMiB).build();
    REQUIRE(entry.size() == 8192);
    builder.content(2 * kMiB - 4096, Bytes(entry.begin(), entry.begin() + 4096));
    builder.content(kMiB, Bytes(entry.begin() + 4096, entry.end()));
    CHECK(byte_at(*open_vhdx(builder.build()), 2 * kBlock) == std::byte{0x5A});
}

TEST_CASE("vhdx log: entries with many descriptors, zeros and none at all", "[disk][log]") {
    VhdxImageBuilder builder = dirty();
    builder.block(600, 6 | 8 * kMiB);
    builder.size_bytes = 4 * kGiB;
    std::vector<VhdxLogEntry::Target> targets;
    // More than the 126 descriptors of the first sector; the zeros cover block 600's entry.
    for (std::uint64_t page = 0; page < 130; ++page) {
        targets.push_back({false, 4 * kMiB + page * 4096, 4096, filled(4096, 1)});
    }
    targets.push_back({true, 3 * kMiB + 4096, 4096, {}});
    const Bytes first = entry_of(1, 0, targets).build();
    const Bytes second = entry_of(2, 0, {}).build();
    builder.content(kMiB, first).content(kMiB + first.size(), second);
    const auto image = open_vhdx(builder.build());
    CHECK(image->extent_at(0, 4 * kGiB) == DiskExtent{0, 4 * kGiB, ExtentKind::zero});
}

TEST_CASE("vhdx log: targets beyond the end make the image longer", "[disk][log]") {
    VhdxImageBuilder builder = dirty();
    VhdxLogEntry entry = present(1, 0, 2, 6 | 16 * kMiB);
    entry.last_file_offset = 18 * kMiB;
    builder.content(kMiB, entry.build());
    const auto image = open_vhdx(builder.build());
    CHECK(byte_at(*image, 2 * kBlock) == std::byte{0});
    entry.last_file_offset = 17 * kMiB;
    builder.content(kMiB, entry.build());
    const auto shorter = open_vhdx(builder.build());
    CHECK_THROWS_AS(shorter->extent_at(2 * kBlock, kBlock), Error);
}

TEST_CASE("vhdx log: what would be wrong to replay is refused", "[disk][log][malformed]") {
    const VhdxLogEntry sound = present(1, 0, 2, 6 | 8 * kMiB);
    SECTION("truncated") {
        VhdxLogEntry entry = sound;
        entry.flushed_file_offset = 17 * kMiB;
        VhdxImageBuilder builder = dirty();
        builder.content(kMiB, entry.build());
        CHECK(refusal_of(builder).find("truncated") != std::string::npos);
    }
    SECTION("another log's entry") {
        VhdxLogEntry entry = sound;
        entry.log_guid = VhdxImageBuilder::kBat;
        check_cannot_replay(entry);
    }
    SECTION("tail outside of the sequence") {
        VhdxLogEntry entry = sound;
        entry.tail = 8192;
        check_cannot_replay(entry);
    }
    SECTION("sequence number 0") {
        VhdxLogEntry entry = sound;
        entry.sequence = 0;
        check_cannot_replay(entry);
    }
    SECTION("targets that no log may have") {
        const auto [offset, length, is_zero] = GENERATE(
            table<std::uint64_t, std::uint64_t, bool>({{kMiB + 4096, 4096, false},
                                                       {64 * kKiB, 4096, false},
                                                       {3 * kMiB + 512, 4096, false},
                                                       {512 * kKiB, kMiB, true},
                                                       {4 * kMiB, 512, true},
                                                       {4 * kMiB, ~std::uint64_t{4095}, true},
                                                       {~std::uint64_t{4095}, 4096, false}}));
        check_cannot_replay(entry_of(1, 0, {{is_zero, offset, length, filled(4096, 1)}}));
    }
    SECTION("any bit of the entry flipped") {
        const std::size_t at = GENERATE(0u, 5u, 9u, 17u, 24u, 70u, 4096u, 4100u, 5000u, 8191u);
        Bytes bytes = sound.build();
        bytes[at] ^= std::byte{0x10};
        VhdxImageBuilder builder = dirty();
        builder.content(kMiB, bytes);
        CHECK(refusal_of(builder).find("cannot be replayed") != std::string::npos);
    }
    SECTION("a wrong number of descriptors under a right checksum") {
        const std::uint32_t count = GENERATE(0u, 2u, 127u, 0xFFFFFFFFu);
        Bytes bytes = sound.build();
        store_u32(bytes, 24, count);
        VhdxImageBuilder builder = dirty();
        builder.content(kMiB, VhdxImageBuilder::with_checksum(bytes));
        CHECK(refusal_of(builder).find("cannot be replayed") != std::string::npos);
    }
}

}  // namespace entrepot::disk

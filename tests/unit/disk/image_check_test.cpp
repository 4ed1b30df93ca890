// A check lists what is wrong, and goes on behind it.
#include "storage/disk/image_check.h"

#include "base/error.h"
#include "tests/support/vhdx_image_builder.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace entrepot::disk {
namespace {

using test::MemoryFile;
using test::VhdxImageBuilder;
using test::VhdxLogEntry;

constexpr std::uint64_t kBlock = 2 * kMiB;
constexpr std::uint64_t kBat = 3 * kMiB;

ImageCheck check_of(const File& file) {
    NullProgress progress;
    return check_image(file, Work{progress});
}

/// A disk of 64 MiB with two blocks, and no file space to spare.
VhdxImageBuilder sound_builder() {
    VhdxImageBuilder builder;
    builder.file_size_bytes = 8 * kMiB;
    return builder.block(0, 6, 4 * kMiB).block(3, 6, 6 * kMiB);
}

std::string list_of(const ImageCheck& check) {
    std::string text{check.verdict()};
    for (const Finding& finding : check.findings) {
        text += "\n" + std::string{to_string(finding.severity)} + " " +
                std::string{to_string(finding.kind)} + " " + finding.structure + " " +
                finding.field + " " + std::to_string(finding.offset.value_or(0)) + " " +
                finding.message;
    }
    return text;
}

bool has(const ImageCheck& check, const Finding& wanted) {
    return std::any_of(check.findings.begin(), check.findings.end(), [&](const Finding& found) {
        return found.severity == wanted.severity && found.kind == wanted.kind &&
               found.structure == wanted.structure && found.field == wanted.field &&
               found.offset == wanted.offset &&
               found.message.find(wanted.message) != std::string::npos;
    });
}

struct Lie {
    std::function<void(VhdxImageBuilder&)> tell;
    Finding wanted;
};

void flip(MemoryFile& file, std::uint64_t offset) {
    Bytes byte = file.read_exactly(offset, std::size_t{1});
    byte[0] ^= std::byte{1};
    file.write(offset, byte);
}

}  // namespace

TEST_CASE("image check: a sound image has no finding, and its blocks are counted", "[disk]") {
    const ImageCheck check = check_of(*sound_builder().block(5, 2).block(6, 3).build());
    INFO(list_of(check));
    CHECK(check.verdict() == "sound");
    CHECK(check.findings.empty());
    REQUIRE(check.blocks);
    CHECK(check.blocks->present == 2);
    CHECK(check.blocks->zero == 1);
    CHECK(check.blocks->unmapped == 1);
    CHECK(check.blocks->not_present == 28);
}

TEST_CASE("image check: each lie is found with its structure, field and offset", "[disk]") {
    using S = Severity;
    using K = FindingKind;
    const std::vector<Lie> lies{
        {[](auto& b) { b.block(1, 6, 4 * kMiB); },
         {S::damage, K::overlap, "BAT", "FileOffsetMB", kBat + 8, "belongs to entry 0 of block 0"}},
        {[](auto& b) { b.block(1, 6, 5 * kMiB); },
         {S::damage, K::overlap, "BAT", "FileOffsetMB", kBat + 8, "from 5242880 on"}},
        {[](auto& b) { b.block(1, 6, 2 * kMiB); },
         {S::damage, K::overlap, "BAT", "FileOffsetMB", kBat + 8, "into the log or region"}},
        {[](auto& b) { b.block(1, 6, 0); },
         {S::damage, K::overlap, "BAT", "FileOffsetMB", kBat + 8, "into the header section"}},
        {[](auto& b) { b.block(1, 6, 7 * kMiB); },
         {S::damage, K::structure, "BAT", "FileOffsetMB", kBat + 8, "in a file of 8388608 bytes"}},
        {[](auto& b) { b.block(1, 6 | 8, 6 * kMiB); },
         {S::damage, K::structure, "BAT", "Reserved", kBat + 8, "reserved bits"}},
        {[](auto& b) { b.block(1, 4); },
         {S::damage, K::structure, "BAT", "State", kBat + 8, "reserved state 4"}},
        {[](auto& b) { b.block(1, 7, 6 * kMiB); },
         {S::damage, K::structure, "BAT", "State", kBat + 8, "without a parent"}},
        {[](auto& b) {
             b.bitmap(0, 7 * kMiB);
             b.size_bytes = 4096 * kBlock;
         },
         {S::damage, K::structure, "BAT", "State", kBat + 8 * 2048, "without a parent"}},
        {[](auto& b) { b.file_size_bytes = 10 * kMiB; },
         {S::warning, K::leak, "file", "", 8 * kMiB, "2097152 bytes at offset 8388608"}},
        {[](auto& b) { b.block(1, 3, 6 * kMiB); },
         {S::warning, K::overlap, "BAT", "FileOffsetMB", kBat + 8, "belongs to entry 3"}},
        {[](auto& b) {
             b.block(1, 1, 8 * kMiB);
             b.file_size_bytes = 10 * kMiB;
         },
         {S::note, K::soft_anchor, "BAT", "", std::nullopt, "1 blocks without content"}},
        {[](auto& b) {
             b.size_bytes = kBlock * 3 + kMiB;
             b.file_size_bytes = 7 * kMiB;
         },
         {S::warning, K::short_block, "BAT", "FileOffsetMB", kBat + 24, "1048576 bytes of file"}},
        {[](auto& b) {
             b.bat_length = kMiB;
             b.size_bytes = 512 * kGiB;
         },
         {S::damage, K::structure, "BAT", "Length", kBat, "too small"}},
        {[](auto& b) { b.log_version = 3; },
         {S::warning, K::structure, "header", "LogVersion", 128 * kKiB + 64, "log version 3"}},
        {[](auto& b) { b.version = 2; },
         {S::unsupported, K::structure, "header", "Version", 128 * kKiB + 66, "version 2"}},
        {[](auto& b) { b.log_offset = 2 * kMiB; },
         {S::damage, K::overlap, "region table", "FileOffset", 192 * kKiB + 32,
          "overlaps the log"}},
        {[](auto& b) {
             b.more_regions.push_back(
                 {test::guid_of("00000000-0000-0000-0000-0000000000aa"), 8 * kMiB, kMiB, 1});
             b.file_size_bytes = 9 * kMiB;
         },
         {S::unsupported, K::structure, "region table", "Required", 192 * kKiB + 16 + 64 + 28,
          "not known"}},
        {[](auto& b) { b.logical_sector_size = 520; },
         {S::damage, K::structure, "metadata", "Logical Sector Size", 2 * kMiB + 64 * kKiB + 16,
          "520"}},
        {[](auto& b) { b.block_size_bytes = 3 * kMiB; },
         {S::damage, K::structure, "metadata", "BlockSize", 2 * kMiB + 64 * kKiB, "3145728"}},
        {[](auto& b) { b.size_bytes = 65 * kTiB; },
         {S::damage, K::structure, "metadata", "Virtual Disk Size", 2 * kMiB + 64 * kKiB + 8,
          "64 TiB"}},
        {[](auto& b) {
             b.more_items.push_back({VhdxImageBuilder::kIncomplete, 4, {}, {}});
         },
         {S::unsupported, K::structure, "metadata", "", 2 * kMiB, "still being written"}},
        {[](auto& b) { b.file_flags = 2; },
         {S::damage, K::parent, "metadata", "HasParent", 2 * kMiB + 64 * kKiB + 4,
          "no parent locator"}},
        {[](auto& b) { b.child_of(b.data_write_guid, ".\\p.vhdx").locator[0].second = "none"; },
         {S::damage, K::structure, "parent locator", "", 2 * kMiB + 64 * kKiB + 40, "no GUID"}},
    };
    for (const Lie& lie : lies) {
        VhdxImageBuilder builder = sound_builder();
        lie.tell(builder);
        const ImageCheck check = check_of(*builder.build());
        INFO("wanted: " << lie.wanted.message << "\n" << list_of(check));
        CHECK(has(check, lie.wanted));
        CHECK(check.worst == lie.wanted.severity);
    }
}

TEST_CASE("image check: damage in one place hides nothing in another", "[disk]") {
    VhdxImageBuilder builder = sound_builder();
    builder.block(1, 4).block(2, 6, 6 * kMiB).block(8, 6, 100 * kMiB);
    auto file = builder.build();
    flip(*file, 64 * kKiB + 9);
    flip(*file, 192 * kKiB + 9);
    const ImageCheck check = check_of(*file);
    INFO(list_of(check));
    CHECK(check.is_damaged());
    using S = Severity;
    using K = FindingKind;
    CHECK(has(check, {S::warning, K::checksum, "header", "Checksum", 64 * kKiB + 4, "copy 1"}));
    CHECK(has(check,
              {S::warning, K::checksum, "region table", "Checksum", 192 * kKiB + 4, "copy 1"}));
    CHECK(has(check, {S::damage, K::structure, "BAT", "State", kBat + 8, "state 4"}));
    CHECK(has(check, {S::damage, K::overlap, "BAT", "FileOffsetMB", kBat + 24, "entry 2"}));
    CHECK(has(check, {S::damage, K::structure, "BAT", "FileOffsetMB", kBat + 64, "104857600"}));
    CHECK(check.finding_count == 5);
}

TEST_CASE("image check: with both region tables damaged the rest is still looked at", "[disk]") {
    auto file = sound_builder().block(1, 4).build();
    flip(*file, 192 * kKiB + 60'000);
    flip(*file, 256 * kKiB + 60'000);
    const ImageCheck check = check_of(*file);
    INFO(list_of(check));
    CHECK(has(check, {Severity::damage, FindingKind::checksum, "region table", "Checksum",
                      192 * kKiB + 4, "copy 1"}));
    CHECK(has(check, {Severity::damage, FindingKind::structure, "BAT", "State", kBat + 8, "4"}));
}

TEST_CASE("image check: a dirty log is a finding, and what it changes is checked", "[disk]") {
    VhdxImageBuilder builder = sound_builder();
    builder.log_guid = test::guid_of("12345678-2222-4333-8444-555555555555");
    VhdxLogEntry entry;
    entry.log_guid = builder.log_guid;
    entry.flushed_file_offset = entry.last_file_offset = 8 * kMiB;
    Bytes page(4096);
    store_u64(page, 0, 4 * kMiB | 6);
    store_u64(page, 8, 4 * kMiB | 6);  // Both blocks in one place, and block 3 gone.
    entry.targets.push_back({false, kBat, 4096, page});

    SECTION("it can be replayed") {
        builder.content(kMiB, entry.build());
        const ImageCheck check = check_of(*builder.build());
        INFO(list_of(check));
        CHECK(has(check, {Severity::warning, FindingKind::dirty_log, "log", "LogGuid",
                          128 * kKiB + 48, "1 of 1 valid entries are active"}));
        CHECK(has(check, {Severity::damage, FindingKind::overlap, "BAT", "FileOffsetMB", kBat + 8,
                          "entry 0"}));
        CHECK(check.blocks->leaked_bytes == kBlock);
    }
    SECTION("it cannot") {
        Bytes torn = entry.build();
        torn[5000] ^= std::byte{1};
        builder.content(kMiB, torn);
        const ImageCheck check = check_of(*builder.build());
        INFO(list_of(check));
        CHECK(check.is_damaged());
        CHECK(has(check, {Severity::damage, FindingKind::dirty_log, "log", "LogGuid",
                          128 * kKiB + 48, "cannot be"}));
        CHECK(has(check, {Severity::note, FindingKind::checksum, "log", "Checksum", kMiB,
                          "1 of 1 entries"}));
        CHECK(check.blocks->present == 2);
    }
}

TEST_CASE("image check: bitmaps of a child", "[disk]") {
    VhdxImageBuilder builder;
    builder.file_size_bytes = 7 * kMiB;
    builder.size_bytes = 3 * kBlock;
    builder.child_of(test::guid_of("22222222-2222-4333-8444-555555555555"), ".\\parent.vhdx");
    builder.block(1, 7, 5 * kMiB);
    SECTION("a partial block needs one") {
        const ImageCheck check = check_of(*builder.build());
        INFO(list_of(check));
        CHECK(has(check, {Severity::damage, FindingKind::structure, "BAT", "State", kBat + 8,
                          "chunk 0 has no bitmap"}));
    }
    SECTION("bits behind the disk are noted") {
        Bytes bits(kMiB);
        bits[512] = std::byte{1};
        bits[2000] = std::byte{3};  // The disk ends at sector 12288.
        const ImageCheck check =
            check_of(*builder.bitmap(0, 4 * kMiB).content(4 * kMiB, bits).build());
        INFO(list_of(check));
        CHECK(check.verdict() == "sound");
        CHECK(has(check, {Severity::note, FindingKind::stray_bits, "BAT", "bitmap", 4 * kMiB + 1536,
                          "2 bits set behind sector 12288"}));
    }
}

TEST_CASE("image check: findings are bounded, and all are counted", "[disk]") {
    VhdxImageBuilder builder = sound_builder();
    builder.size_bytes = 4000 * kBlock;
    for (std::uint64_t block = 10; block < 4000; ++block)
        builder.block(block, 5);
    const ImageCheck check = check_of(*builder.build());
    CHECK(check.findings.size() == kFindingsMax);
    CHECK(check.finding_count == 3990);
}

TEST_CASE("image check: a parent must be the one that the child names", "[disk]") {
    ImageInfo parent;
    parent.data_write_guid = test::guid_of("22222222-2222-4333-8444-555555555555");
    parent.size_bytes = kGiB;
    ImageInfo child = parent;
    child.parent.emplace();
    child.parent->linkage = parent.data_write_guid;
    ImageCheck fits;
    check_parent(child, parent, fits);
    CHECK(fits.findings.empty());

    parent.data_write_guid = test::guid_of("33333333-2222-4333-8444-555555555555");
    parent.logical_sector_size = 4096;
    parent.size_bytes = kMiB;
    ImageCheck check;
    check_parent(child, parent, check);
    CHECK(check.is_damaged());
    CHECK(check.findings.size() == 3);
}

}  // namespace entrepot::disk

// Odd VHDX: headers, region tables, metadata, and where things lie (vhdx.md sections 1 and 2).
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/odd_rows.h"

namespace entrepot::disk::odd {
namespace {

using namespace entrepot::test;

const Guid kOther = guid_of("77777777-2222-4333-8444-555555555555");
constexpr std::uint64_t kBlock = 2 * kMiB;
constexpr std::uint64_t kTables[] = {192 * kKiB, 256 * kKiB};

/// A disk of four blocks: the second holds text, the third is zero.
VhdxImageBuilder sound() {
    VhdxImageBuilder builder;
    builder.size_bytes = 4 * kBlock;
    builder.block(1, 6, 8 * kMiB).block(2, 2);
    builder.content(8 * kMiB, filled(kBlock, 0x5A));
    return builder;
}

Odd odd_of(std::unique_ptr<MemoryFile> file, std::size_t warning_count = 0) {
    Odd odd;
    odd.files.push_back(std::move(file));
    odd.size_bytes = 4 * kBlock;
    odd.content[kBlock] = filled(kBlock, 0x5A);
    odd.warning_count = warning_count;
    return odd;
}

Odd built(const VhdxImageBuilder& builder, std::size_t warning_count = 0) {
    return odd_of(builder.build(), warning_count);
}

Odd forged(const std::vector<Patch>& patches) {
    return odd_of(forge(sound(), patches));
}

/// Without checksums made right again.
Odd damaged(std::uint64_t offset) {
    auto file = sound().build();
    file->write(offset, filled(1, 0xFF));
    return odd_of(std::move(file), 1);
}

std::vector<Patch> in_both_tables(std::uint64_t offset, const Bytes& bytes) {
    return {{kTables[0] + offset, bytes}, {kTables[1] + offset, bytes}};
}

Odd with_equal_headers() {
    VhdxImageBuilder builder = sound();
    builder.first_sequence = builder.second_sequence = 1;
    return built(builder, 1);
}

Odd with_largest_sequence() {
    VhdxImageBuilder builder = sound();
    builder.first_sequence = ~std::uint64_t{0};
    builder.second_sequence = ~std::uint64_t{0} - 1;
    return built(builder);
}

/// QEMU leaves Required at 0 for both regions.
Odd with_optional_regions() {
    std::vector<Patch> patches = in_both_tables(16 + 28, bytes_u32(0));
    for (Patch& patch : in_both_tables(48 + 28, bytes_u32(0)))
        patches.push_back(std::move(patch));
    return forged(patches);
}

/// Exchanges two entries of 32 bytes that follow each other.
std::vector<Patch> exchange(const File& file, std::uint64_t first_entry) {
    const Bytes first = file.read_exactly(first_entry, 32);
    const Bytes second = file.read_exactly(first_entry + 32, 32);
    return {{first_entry, second}, {first_entry + 32, first}};
}

Odd with_regions_exchanged() {
    const auto plain = sound().build();
    std::vector<Patch> patches = exchange(*plain, kTables[0] + 16);
    for (Patch& patch : exchange(*plain, kTables[1] + 16))
        patches.push_back(std::move(patch));
    return forged(patches);
}

Odd with_items_exchanged() {
    return forged(exchange(*sound().build(), 2 * kMiB + 32));
}

Odd with_stale_table_end() {
    // Four blocks need four entries; what follows are entries of a former, larger table.
    return forged({{3 * kMiB + 32, filled(kMiB - 32, 0xA7)}});
}

Odd with_unknown_region() {
    VhdxImageBuilder builder = sound();
    builder.more_regions.push_back({kOther, 12 * kMiB, 2 * kMiB, 0});
    builder.content(12 * kMiB, filled(4096, 0x77));
    return built(builder);
}

Odd with_unknown_items() {
    VhdxImageBuilder builder = sound();
    builder.more_items.push_back({kOther, 0, filled(24, 0x77), {}});
    // A user may name an item as the format does: it is another.
    builder.more_items.push_back({VhdxImageBuilder::kSize, 1, filled(8, 0x77), {}});
    builder.more_items.push_back(
        {guid_of("da02d7bc-3d3a-423c-ac88-2a36ab21479b"), 6, Bytes(8), {}});
    return built(builder);
}

Odd with_empty_item() {
    VhdxImageBuilder builder = sound();
    builder.more_items.push_back({kOther, 2, {}, {}});
    return built(builder);
}

Odd with_log_version_but_no_log() {
    VhdxImageBuilder builder = sound();
    builder.log_version = 9;
    builder.content(kMiB, filled(kMiB, 0xEE));
    return built(builder);
}

Odd without_log() {
    VhdxImageBuilder builder = sound();
    builder.log_length = 0;
    return built(builder);
}

Odd with_garbage_behind_headers() {
    return forged({{64 * kKiB + 80, filled(4096 - 80, 0x11)},
                   {128 * kKiB + 80, filled(4096 - 80, 0x22)},
                   {64 * kKiB + 4096, filled(4096, 0x33)}});
}

Odd with_locator_of_nobody() {
    VhdxImageBuilder builder = sound();
    builder.child_of(kOther, ".\\base.vhdx");
    builder.file_flags = 0;
    return built(builder, 1);
}

/// Table at the end, metadata behind the blocks, a block before all of them.
Odd with_blocks_before_regions() {
    VhdxImageBuilder builder = sound();
    builder.bat_offset = 14 * kMiB;
    builder.bat.clear();
    builder.block(1, 6, 2 * kMiB).block(2, 2);
    builder.contents.clear();
    builder.content(2 * kMiB, filled(kBlock, 0x5A));
    builder.content(12 * kMiB, builder.metadata_region());
    return odd_of(forge(builder, in_both_tables(16 + 16, bytes_u64(12 * kMiB))));
}

Odd with_odd_creator() {
    // Half a surrogate, a control character, and no end.
    return forged({{8, filled(512, 0xD8)}, {20, bytes_u16(0x1B)}});
}

Odd with_garbage_offsets() {
    VhdxImageBuilder builder = sound();
    // In states 0 and 2 the offset means nothing, wherever it points.
    builder.block(0, 0, 512 * kTiB).block(2, 2, kMiB);
    return built(builder);
}

Odd with_soft_anchors() {
    VhdxImageBuilder builder = sound();
    // Former content, one of it in space that a block has now.
    builder.block(2, 3, 10 * kMiB).block(3, 1, 8 * kMiB);
    builder.content(10 * kMiB, filled(kBlock, 0x66));
    return built(builder);
}

}  // namespace

std::vector<Row> vhdx_structure_rows() {
    return {
        {"two identical headers, as Disk2vhd writes them", with_equal_headers},
        {"the largest sequence numbers", with_largest_sequence},
        {"the older header damaged", [] { return damaged(64 * kKiB + 9); }},
        {"the newer header damaged", [] { return damaged(128 * kKiB + 9); }},
        {"the first region table damaged", [] { return damaged(192 * kKiB + 9); }},
        {"the second region table damaged", [] { return damaged(256 * kKiB + 9); }},
        {"regions that are not required, as QEMU writes them", with_optional_regions},
        {"regions in the other order", with_regions_exchanged},
        {"items in another order than their places", with_items_exchanged},
        {"stale entries behind the table, as QEMU leaves them", with_stale_table_end},
        {"an unknown optional region", with_unknown_region},
        {"unknown optional items, and one of a user", with_unknown_items},
        {"an empty item", with_empty_item},
        {"a log version without a log", with_log_version_but_no_log},
        {"no log at all", without_log},
        {"garbage behind the fields of the headers", with_garbage_behind_headers},
        {"a locator in an image without a parent", with_locator_of_nobody},
        {"blocks before regions", with_blocks_before_regions},
        {"a creator that is no text", with_odd_creator},
        {"offsets without meaning", with_garbage_offsets},
        {"soft anchors", with_soft_anchors},
    };
}

}  // namespace entrepot::disk::odd

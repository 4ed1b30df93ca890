// Odd VHDX: differencing disks and their parents (vhdx.md sections 2 and 4).
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/odd_rows.h"

namespace entrepot::disk::odd {
namespace {

using namespace entrepot::test;

const Guid kParent = guid_of("f88d4d92-6fcc-408d-9bef-9b7c89f15c89");
const Guid kLeaf = guid_of("77777777-2222-4333-8444-555555555555");
constexpr std::uint64_t kBlock = 2 * kMiB;
constexpr std::uint64_t kBitmap = 5 * kMiB;

/// Three blocks of 0x11.
VhdxImageBuilder parent() {
    VhdxImageBuilder builder;
    builder.data_write_guid = kParent;
    builder.size_bytes = 3 * kBlock;
    for (std::uint64_t block = 0; block < 3; ++block)
        builder.block(block, 6, (4 + 2 * block) * kMiB);
    builder.content(4 * kMiB, filled(3 * kBlock, 0x11));
    return builder;
}

VhdxImageBuilder child() {
    VhdxImageBuilder builder;
    builder.data_write_guid = kLeaf;
    builder.size_bytes = 3 * kBlock;
    builder.child_of(kParent, ".\\base.vhdx");
    return builder;
}

Odd odd_of(const VhdxImageBuilder& leaf, const VhdxImageBuilder& base, Content content) {
    Odd odd;
    odd.files.push_back(leaf.build("leaf.avhdx"));
    odd.files.push_back(base.build("base.vhdx"));
    odd.size_bytes = leaf.size_bytes;
    odd.content = std::move(content);
    return odd;
}

Odd with_single_sectors(std::uint32_t sector) {
    VhdxImageBuilder base = parent();
    base.logical_sector_size = sector;
    VhdxImageBuilder leaf = child();
    leaf.logical_sector_size = sector;
    // Sectors 0 and 9 of block 1 are here; the others hold what nobody may see.
    leaf.block(1, 7, 8 * kMiB).bitmap(0, kBitmap);
    leaf.content(8 * kMiB, filled(kBlock, 0x33));
    leaf.content(kBitmap + kBlock / sector / 8, {std::byte{0x01}, std::byte{0x02}});
    return odd_of(leaf, base,
                  {{0, filled(kBlock, 0x11)},
                   {kBlock, filled(sector, 0x33)},
                   {kBlock + sector, filled(8 * sector, 0x11)},
                   {kBlock + 9 * sector, filled(sector, 0x33)},
                   {kBlock + 10 * sector, filled(2 * kBlock - 10 * sector, 0x11)}});
}

/// What is fully present is so whatever the bitmap says.
Odd with_clear_bitmap() {
    VhdxImageBuilder leaf = child();
    leaf.block(0, 6, 8 * kMiB).bitmap(0, kBitmap);
    leaf.content(8 * kMiB, filled(kBlock, 0x33));
    return odd_of(leaf, parent(), {{0, filled(kBlock, 0x33)}, {kBlock, filled(2 * kBlock, 0x11)}});
}

Odd with_states_that_hide() {
    VhdxImageBuilder leaf = child();
    leaf.block(0, 1, 8 * kMiB).block(1, 2).block(2, 3, 8 * kMiB);
    leaf.content(8 * kMiB, filled(kBlock, 0x33));
    return odd_of(leaf, parent(), {});
}

Odd without_any_block() {
    return odd_of(child(), parent(), {{0, filled(3 * kBlock, 0x11)}});
}

/// All five keys as Windows writes them, with one that nobody knows.
Odd with_all_keys() {
    VhdxImageBuilder leaf = child();
    leaf.locator = {{"parent_linkage", "{F88D4D92-6FCC-408D-9BEF-9B7C89F15C89}"},
                    {"absolute_win32_path", "C:\\Disks\\base.vhdx"},
                    {"relative_path", "..\\..\\..\\etc\\base.vhdx"},
                    {"volume_path", "\\\\?\\Volume{00000000-0000-0000-0000-000000000001}\\b.vhdx"},
                    {"parent_linkage2", "{00000000-0000-0000-0000-000000000000}"},
                    {"unknown_key", "value"}};
    return odd_of(leaf, parent(), {{0, filled(3 * kBlock, 0x11)}});
}

Odd with_second_linkage() {
    VhdxImageBuilder leaf = child();
    leaf.locator = {{"parent_linkage", "{" + kLeaf.to_string() + "}"},
                    {"absolute_win32_path", "\\\\host\\share\\other.vhdx"},
                    {"parent_linkage2", "{" + kParent.to_string() + "}"}};
    leaf.data_write_guid = guid_of("88888888-2222-4333-8444-555555555555");
    return odd_of(leaf, parent(), {{0, filled(3 * kBlock, 0x11)}});
}

Odd with_larger_child() {
    VhdxImageBuilder leaf = child();
    leaf.size_bytes = 4 * kBlock;
    leaf.block(3, 7, 8 * kMiB).bitmap(0, kBitmap);
    leaf.content(8 * kMiB, filled(kBlock, 0x33));
    leaf.content(kBitmap + 3 * 512, {std::byte{0x10}});  // Sector 4 of block 3.
    return odd_of(leaf, parent(),
                  {{0, filled(3 * kBlock, 0x11)}, {3 * kBlock + 4 * 512, filled(512, 0x33)}});
}

Odd with_smaller_child() {
    VhdxImageBuilder leaf = child();
    leaf.size_bytes = kBlock + 512;
    return odd_of(leaf, parent(), {{0, filled(kBlock + 512, 0x11)}});
}

Odd with_other_block_size() {
    VhdxImageBuilder leaf = child();
    leaf.block_size_bytes = kMiB;
    leaf.block(1, 6, 8 * kMiB).content(8 * kMiB, filled(kMiB, 0x33));
    return odd_of(
        leaf, parent(),
        {{0, filled(kMiB, 0x11)}, {kMiB, filled(kMiB, 0x33)}, {2 * kMiB, filled(4 * kMiB, 0x11)}});
}

/// Both dirty: each has a log of its own.
Odd with_dirty_logs() {
    const Guid log = guid_of("33333333-2222-4333-8444-555555555555");
    const auto make_dirty = [&](VhdxImageBuilder& builder, std::uint64_t raw) {
        builder.log_guid = log;
        VhdxLogEntry entry;
        entry.log_guid = log;
        entry.flushed_file_offset = entry.last_file_offset = 16 * kMiB;
        Bytes page(4096);
        store_u64(page, 0, raw);
        entry.targets = {{false, 3 * kMiB, 4096, page}};
        builder.content(kMiB, entry.build());
    };
    VhdxImageBuilder base = parent();
    make_dirty(base, 6 | 6 * kMiB);
    base.contents[4 * kMiB] = filled(3 * kBlock, 0x22);
    VhdxImageBuilder leaf = child();
    make_dirty(leaf, 0);
    leaf.block(0, 2);
    Odd odd = odd_of(leaf, base, {{0, filled(kBlock, 0x22)}});
    odd.warning_count = 1;
    return odd;
}

}  // namespace

std::vector<Row> vhdx_child_rows() {
    return {
        {"single sectors of 512 bytes", [] { return with_single_sectors(512); }},
        {"single sectors of 4096 bytes", [] { return with_single_sectors(4096); }},
        {"a full block with a clear bitmap", with_clear_bitmap},
        {"states that hide the parent", with_states_that_hide},
        {"a child that says nothing", without_any_block},
        {"all keys of Windows, and one more", with_all_keys},
        {"a parent by its second linkage", with_second_linkage},
        {"a child larger than its parent", with_larger_child},
        {"a child smaller than its parent", with_smaller_child},
        {"a child with other blocks than its parent", with_other_block_size},
        {"dirty logs in child and parent", with_dirty_logs},
    };
}

}  // namespace entrepot::disk::odd

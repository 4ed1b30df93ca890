// Odd VHD: footers, sizes, places and families that real writers made (vhdx.md section 8).
#include "tests/support/vhd_forge.h"
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/odd_rows.h"

namespace entrepot::disk::odd {
namespace {

using namespace entrepot::test;

const Guid kParent = guid_of("77777777-2222-4333-8444-555555555555");
constexpr std::uint64_t kBlock = 64 * kKiB;  ///< Where the only block's bitmap lies.
constexpr std::uint64_t kData = kBlock + 512;

/// A disk of 4 MiB whose second MiB holds something.
VhdImageBuilder sound() {
    VhdImageBuilder builder = small_vhd();
    builder.block_at(1, kBlock).content(kBlock, filled(512, 0xFF));
    return builder.content(kData, filled(kMiB, 0x5A));
}

Odd odd_of(std::unique_ptr<MemoryFile> file, std::size_t warning_count = 0) {
    Odd odd;
    odd.files.push_back(std::move(file));
    odd.size_bytes = 4 * kMiB;
    odd.content[kMiB] = filled(kMiB, 0x5A);
    odd.warning_count = warning_count;
    return odd;
}

VhdImageBuilder sound_fixed() {
    VhdImageBuilder builder = small_vhd();
    builder.fixed().content(kMiB, filled(kMiB, 0x5A));
    return builder;
}

Odd with_old_footer(VhdImageBuilder builder) {
    builder.footer_bytes = 511;
    return odd_of(builder.build(), 1);
}

/// The footer at the end was being written when the power went.
Odd with_torn_footer() {
    auto file = sound().build();
    file->write(8 * kMiB + 40, Bytes(472));
    return odd_of(std::move(file), 1);
}

Odd without_footer() {
    auto file = sound().build();
    file->truncate(8 * kMiB);
    return odd_of(std::move(file), 1);
}

Odd with_damaged_copy() {
    auto file = sound().build();
    file->write(80, filled(1, 0xFF));
    return odd_of(std::move(file), 1);
}

/// The time of the last opening stands in one of them only.
Odd with_different_times() {
    auto file = sound().build();
    file->write(24, BigEndian{}.u32(2000).take());
    fix_vhd_checksums(*file, 8 * kMiB, 512);
    return odd_of(std::move(file), 1);
}

/// A guest may write a footer of its own to its first sector.
Odd with_footer_of_the_guest() {
    VhdImageBuilder builder = sound_fixed();
    VhdImageBuilder guest = small_vhd();
    guest.size_bytes = 2 * kMiB;
    builder.content(0, guest.footer());
    Odd odd = odd_of(builder.build());
    odd.content[0] = guest.footer();
    return odd;
}

/// What a geometry says is less; the disk has its current size, as in Hyper-V.
Odd with_creator(const std::string& creator, std::size_t warning_count) {
    VhdImageBuilder builder = sound();
    builder.creator = creator;
    return odd_of(builder.build(), warning_count);
}

Odd with_largest_geometry() {
    VhdImageBuilder builder = sound();
    builder.creator = "vpc ";
    builder.cylinders = 65535;
    builder.heads = 16;
    builder.sectors = 255;
    return odd_of(builder.build());
}

Odd with_saved_state() {
    VhdImageBuilder builder = sound();
    builder.saved_state = 1;
    builder.features = 0;
    return odd_of(builder.build(), 2);
}

Odd with_resized_disk() {
    VhdImageBuilder builder = sound();
    builder.original_size_bytes = kMiB;
    return odd_of(builder.build());
}

/// Table behind the blocks, header far behind the copy of the footer, more entries than blocks.
Odd with_other_places() {
    VhdImageBuilder builder = sound();
    builder.header_offset = 4096;
    builder.table_offset = 4 * kMiB;
    builder.table_entries = 512;
    builder.table[300] = 1;  // Of no block of the disk: whatever it says.
    return odd_of(builder.build());
}

/// In a dynamic image the bitmap need not be looked at.
Odd with_clear_bitmap() {
    VhdImageBuilder builder = sound();
    builder.content(kBlock, Bytes(512));
    return odd_of(builder.build());
}

Odd with_blocks_backwards() {
    VhdImageBuilder builder = small_vhd();
    Odd odd;
    for (std::uint64_t block = 0; block < 4; ++block) {
        // Nothing is aligned to a MiB: blocks follow each other with their bitmaps.
        const std::uint64_t place = kBlock + (3 - block) * (kMiB + 512);
        builder.block_at(block, place);
        builder.content(place + 512, filled(kMiB, 0x60 + static_cast<int>(block)));
        odd.content[block * kMiB] = filled(kMiB, 0x60 + static_cast<int>(block));
    }
    odd.files.push_back(builder.build());
    odd.size_bytes = 4 * kMiB;
    return odd;
}

/// Blocks of 512 KiB, and a disk that ends inside of one.
Odd with_small_blocks() {
    VhdImageBuilder builder = small_vhd();
    builder.block_size_bytes = 512 * kKiB;
    builder.size_bytes = kMiB + 512;
    builder.block_at(2, kBlock).content(kBlock, filled(512, 0xFF));
    builder.content(kData, filled(kMiB, 0x71));
    Odd odd;
    odd.files.push_back(builder.build());
    odd.size_bytes = builder.size_bytes;
    odd.content[kMiB] = filled(512, 0x71);
    return odd;
}

/// The file ends where the disk does, inside of the last block.
Odd with_short_last_block() {
    VhdImageBuilder builder = small_vhd();
    builder.size_bytes = kMiB + 1024;
    builder.block_at(1, kBlock).content(kData, filled(1024, 0x72));
    builder.file_size_bytes = kData + 1024;
    Odd odd;
    odd.files.push_back(builder.build());
    odd.size_bytes = builder.size_bytes;
    odd.content[kMiB] = filled(1024, 0x72);
    odd.warning_count = 1;
    return odd;
}

VhdImageBuilder parent() {
    VhdImageBuilder builder = small_vhd();
    builder.unique_id = kParent;
    builder.block_at(0, kBlock).content(kData, filled(kMiB, 0x11));
    return builder;
}

VhdImageBuilder child() {
    VhdImageBuilder builder = small_vhd();
    builder.child_of(kParent, "base.vhd");
    return builder;
}

Odd family_of(const VhdImageBuilder& leaf, const VhdImageBuilder& base, Content content) {
    Odd odd;
    odd.files.push_back(leaf.build("leaf.avhd"));
    odd.files.push_back(base.build("base.vhd"));
    odd.size_bytes = leaf.size_bytes;
    odd.content = std::move(content);
    return odd;
}

/// Sectors 1 and 8 are the child's: the most significant bit comes first, unlike in VHDX.
Odd with_single_sectors() {
    VhdImageBuilder leaf = child();
    leaf.block_at(0, kBlock).content(kBlock, {std::byte{0x40}, std::byte{0x80}});
    leaf.content(kData, filled(kMiB, 0x33));
    return family_of(leaf, parent(),
                     {{0, filled(512, 0x11)},
                      {512, filled(512, 0x33)},
                      {1024, filled(6 * 512, 0x11)},
                      {8 * 512, filled(512, 0x33)},
                      {9 * 512, filled(kMiB - 9 * 512, 0x11)}});
}

/// A child's block of zeros hides what the parent has there.
Odd with_zeros_of_the_child() {
    VhdImageBuilder leaf = child();
    leaf.block_at(0, kBlock).content(kBlock, filled(512, 0xFF));
    return family_of(leaf, parent(), {});
}

/// As Windows writes locators: space in bytes, or as the specification has it, in sectors; and the
/// ones of other systems.
Odd with_all_locators() {
    VhdImageBuilder leaf = child();
    const auto text = [](const std::string& path) { return VhdxImageBuilder::utf16(path); };
    leaf.locator("W2ku", 65536, 4096, text("C:\\Disks\\base.vhd"));
    leaf.locator("W2ru", 1, 8192, text("..\\..\\..\\etc\\base.vhd"));
    leaf.locator("MacX", 512, 12288, filled(20, 'x'));
    leaf.locator("Mac ", 512, 16384, filled(20, 0xFF));
    leaf.locator("\x01\x02\x03\x04", 512, 20480, filled(20, 0xD8));
    leaf.parent_name = "\\\\host\\share\\base.vhd";
    return family_of(leaf, parent(), {{0, filled(kMiB, 0x11)}});
}

/// The name tells nothing: the parent is found by its id.
Odd with_renamed_parent() {
    VhdImageBuilder leaf = child();
    leaf.parent_name = "";
    return family_of(leaf, parent(), {{0, filled(kMiB, 0x11)}});
}

Odd with_fixed_parent() {
    VhdImageBuilder base = small_vhd();
    base.unique_id = kParent;
    base.fixed().content(2 * kMiB, filled(kMiB, 0x22));
    return family_of(child(), base, {{2 * kMiB, filled(kMiB, 0x22)}});
}

}  // namespace

std::vector<Row> vhd_rows() {
    return {
        {"a fixed VHD", [] { return odd_of(sound_fixed().build()); }, open_vhd},
        {"a footer of 511 bytes", [] { return with_old_footer(sound()); }, open_vhd},
        {"a fixed VHD with one", [] { return with_old_footer(sound_fixed()); }, open_vhd},
        {"a torn footer", with_torn_footer, open_vhd},
        {"no footer but the copy", without_footer, open_vhd},
        {"a damaged copy", with_damaged_copy, open_vhd},
        {"footers of different times", with_different_times, open_vhd},
        {"a guest's own footer", with_footer_of_the_guest, open_vhd},
        {"a size of Virtual PC", [] { return with_creator("vpc ", 1); }, open_vhd},
        {"a size of QEMU", [] { return with_creator("qemu", 1); }, open_vhd},
        {"a size of tapdisk",
         [] {
             return with_creator({"tap\0", 4}, 0);
         },
         open_vhd},
        {"a geometry that stands for more", with_largest_geometry, open_vhd},
        {"a saved state, and no features", with_saved_state, open_vhd},
        {"another original size", with_resized_disk, open_vhd},
        {"header and table elsewhere", with_other_places, open_vhd},
        {"a clear bitmap", with_clear_bitmap, open_vhd},
        {"blocks backwards", with_blocks_backwards, open_vhd},
        {"small blocks", with_small_blocks, open_vhd},
        {"a file that ends inside of a block", with_short_last_block, open_vhd},
        {"single sectors of a VHD's child", with_single_sectors, open_vhd},
        {"zeros of a VHD's child", with_zeros_of_the_child, open_vhd},
        {"locators of all systems", with_all_locators, open_vhd},
        {"a parent without a name", with_renamed_parent, open_vhd},
        {"a fixed parent", with_fixed_parent, open_vhd},
    };
}

}  // namespace entrepot::disk::odd

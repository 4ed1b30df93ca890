// The whole path: a sound image, changed by the input, is opened, mapped, read and checked.
// Input: one byte of options, then records of {area u8, offset u16, length u8, bytes}.
#include "storage/disk/disk_image.h"
#include "storage/disk/image_report.h"

#include "tests/fuzz/check_oracle.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/vhdx_forge.h"

#include <array>

namespace entrepot {
namespace {

constexpr std::size_t kExtentsMax = 2000;
constexpr std::uint64_t kReadBytes = 64 * kKiB;
enum Options : unsigned { is_child = 1, is_dirty = 2, keeps_checksums = 4, has_large_sectors = 8 };

struct Area {
    std::uint64_t offset;
    std::uint64_t unit;  ///< What the record's offset counts.
};
constexpr std::array<Area, 9> kAreas{{{64 * kKiB, 1},
                                      {128 * kKiB, 1},
                                      {192 * kKiB, 1},
                                      {256 * kKiB, 1},
                                      {2 * kMiB, 1},
                                      {2 * kMiB + 64 * kKiB, 1},
                                      {3 * kMiB, 8},
                                      {kMiB, 16},
                                      {0, 512}}};

test::VhdxImageBuilder sound_image(unsigned options) {
    test::VhdxImageBuilder builder;
    const Guid id = test::guid_of("33333333-2222-4333-8444-555555555555");
    if ((options & has_large_sectors) != 0) builder.logical_sector_size = 4096;
    if ((options & is_child) != 0) {
        builder.child_of(id, ".\\base.vhdx");
        builder.block(2, 7, 10 * kMiB).bitmap(0, 5 * kMiB);
        builder.content(5 * kMiB + 1024, Bytes(100, std::byte{0xA5}));
    }
    if ((options & is_dirty) != 0) {
        builder.log_guid = id;
        test::VhdxLogEntry entry;
        entry.log_guid = id;
        entry.targets.push_back({false, 3 * kMiB, 4096, Bytes(4096)});
        builder.content(kMiB, entry.build());
    }
    builder.block(0, 6, 8 * kMiB).block(1, 2).block(3, 3);
    return builder;
}

void apply_records(ByteView input, test::MemoryFile& file) {
    LittleEndianReader in{input};
    while (in.remaining() >= 4) {
        const Area& area = kAreas[in.u8() % kAreas.size()];
        const std::uint64_t offset = area.offset + in.u16() * area.unit;
        const std::size_t length = std::min<std::size_t>(in.u8(), in.remaining());
        if (offset + length > file.size()) continue;
        file.write(offset, in.bytes(length));
    }
}

void look_at_everything(const disk::DiskImage& image) {
    disk::check_block_aliasing(image);
    Bytes buffer(kReadBytes);
    for (const disk::DiskExtent& extent : disk::map_extents(image, kExtentsMax)) {
        if (extent.kind == disk::ExtentKind::parent) continue;
        const std::uint64_t length = std::min(extent.length, kReadBytes);
        image.read(extent.offset, MutableByteView{buffer}.first(length));
        image.read(extent.offset + extent.length - length, MutableByteView{buffer}.first(length));
    }
    image.check_unchanged();
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    if (size == 0) return 0;
    const unsigned options = data[0];
    auto file = sound_image(options).build();
    apply_records(std::as_bytes(std::span{data + 1, size - 1}), *file);
    if ((options & keeps_checksums) == 0) test::fix_checksums(*file);
    const test::MemoryFile copy = *file;
    const auto refusal =
        fuzz::allow_refusal([&] { look_at_everything(*disk::open_vhdx(std::move(file))); });
    fuzz::compare_with_reader(copy, refusal);
    return 0;
}

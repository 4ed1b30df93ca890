// Several images from one input, sorted into chains, walked, checked and read: the merged content
// is compared with what each layer says of each sector. Input: count of images, then for each its
// options, size in sectors (u16), the number of its parent, and eight blocks {state u8, place u8};
// then records {image u8, place u16 in 512 bytes, length u8, bytes}.
#include "storage/disk/image_chain.h"
#include "storage/disk/image_report.h"

#include "tests/fuzz/check_oracle.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/vhd_forge.h"
#include "tests/support/vhdx_forge.h"

#include <fmt/format.h>

#include <cstring>
#include <set>

namespace entrepot {
namespace {

enum Options : unsigned {
    is_child = 1,
    has_large_sectors = 2,
    has_large_blocks = 4,
    has_second_linkage = 8,
    is_raw = 16,
    is_vhd = 32,
};
constexpr std::size_t kImagesMax = 5;
constexpr std::uint64_t kBlocks = 8;
constexpr std::uint64_t kFileBytes = 24 * kMiB;
constexpr std::uint64_t kFirstPlace = 5;  ///< In MiB: behind log, metadata, BAT and the bitmap.
constexpr std::size_t kExtentsMax = 64;
constexpr std::uint64_t kReadBytes = 8 * kKiB;
constexpr std::uint64_t kChecksumsEnd = 320 * kKiB;  ///< Nothing behind it has one.

using Files = std::vector<std::unique_ptr<test::MemoryFile>>;
using Images = std::vector<std::shared_ptr<const disk::DiskImage>>;

Guid numbered(std::size_t number) {
    return test::guid_of(fmt::format("00000000-2222-4333-8444-{:012x}", number).c_str());
}

std::unique_ptr<test::MemoryFile> take_vhdx(fuzz::Input& input, std::size_t number,
                                            unsigned options) {
    const std::uint64_t sectors = input.u16();
    const std::size_t parent = input.u8() % kImagesMax;
    test::VhdxImageBuilder builder;
    builder.logical_sector_size = (options & has_large_sectors) != 0 ? 4096 : 512;
    builder.block_size_bytes =
        static_cast<std::uint32_t>((options & has_large_blocks) != 0 ? 2 * kMiB : kMiB);
    const std::uint64_t size_max = kBlocks * builder.block_size_bytes;
    builder.size_bytes = std::min(size_max, (sectors + 1) * builder.logical_sector_size);
    builder.file_size_bytes = kFileBytes;
    builder.data_write_guid = numbered(number);
    if ((options & is_child) != 0) {
        builder.child_of(numbered(parent), fmt::format(".\\{}.vhdx", parent));
        builder.bitmap(0, 4 * kMiB);
    }
    if ((options & has_second_linkage) != 0 && (options & is_child) != 0) {
        builder.locator.emplace_back("parent_linkage2",
                                     "{" + numbered((parent + 1) % kImagesMax).to_string() + "}");
    }
    const std::uint64_t count =
        (builder.size_bytes + builder.block_size_bytes - 1) / builder.block_size_bytes;
    for (std::uint64_t block = 0; block < kBlocks; ++block) {
        const std::uint64_t state = input.u8() % 8;
        const std::uint64_t place = kFirstPlace + input.u8() % 16;
        if (block < count) builder.block(block, state, state < 6 ? 0 : place * kMiB);
    }
    auto file = builder.build(fmt::format("{}.vhdx", number));
    if ((options & is_raw) != 0) file->write(0, Bytes(8));
    return file;
}

/// The same fields, understood as a VHD: blocks of 1 MiB, each behind a bitmap of a sector.
std::unique_ptr<test::MemoryFile> take_vhd(fuzz::Input& input, std::size_t number,
                                           unsigned options) {
    const std::uint64_t sectors = input.u16();
    const std::size_t parent = input.u8() % kImagesMax;
    test::VhdImageBuilder builder = test::small_vhd();
    builder.size_bytes = std::min(kBlocks * kMiB, (sectors + 1) * 512);
    builder.table_entries = kBlocks;
    builder.file_size_bytes = kFileBytes;
    builder.unique_id = numbered(number);
    if ((options & is_child) != 0)
        builder.child_of(numbered(parent), fmt::format("{}.vhd", parent));
    for (std::uint64_t block = 0; block < kBlocks; ++block) {
        const bool is_there = input.u8() % 8 >= 6;
        const std::uint64_t place = kFirstPlace + input.u8() % 16;
        if (is_there) builder.block_at(block, place * (kMiB + 512));
    }
    return builder.build(fmt::format("{}.vhd", number));
}

void apply_records(fuzz::Input& input, const Files& files) {
    std::set<test::MemoryFile*> touched;
    while (!input.empty()) {
        test::MemoryFile& file = *files[input.u8() % files.size()];
        const std::uint64_t offset = input.u16() * std::uint64_t{512};
        const ByteView bytes = input.bytes(input.u8());
        if (offset < kChecksumsEnd) touched.insert(&file);
        if (bytes.size() > file.size() - std::min(offset, file.size())) continue;
        file.write(offset, bytes);
    }
    for (test::MemoryFile* file : touched) {
        if (file->path().extension() == ".vhd") {
            test::fix_vhd_checksums(*file, kFileBytes, 512);
        } else {
            test::fix_checksums(*file);
        }
    }
}

Images open_all(Files files) {
    Images images;
    for (auto& file : files) {
        const bool is_vhd = file->path().extension() == ".vhd";
        const test::MemoryFile copy = *file;
        const bool is_vhdx = load_u32(static_cast<const File&>(*file).read_exactly(0, 8), 0) != 0;
        const auto refusal = fuzz::allow_refusal([&] {
            images.push_back(is_vhd    ? disk::open_vhd(std::move(file))
                             : is_vhdx ? disk::open_vhdx(std::move(file))
                                       : disk::open_raw(std::move(file)));
        });
        if (is_vhd || is_vhdx) fuzz::compare_with_reader(copy, refusal);
    }
    return images;
}

/// What the layers say of one sector, asked one by one.
void read_sector(const disk::ImageChain& chain, std::uint64_t offset, MutableByteView target) {
    std::memset(target.data(), 0, target.size());
    for (const auto& layer : chain.layers()) {
        if (offset >= layer->size_bytes()) return;
        const auto extent = layer->extent_at(offset, target.size());
        if (extent.kind == disk::ExtentKind::parent) continue;
        if (extent.kind == disk::ExtentKind::data) layer->read(offset, target.first(extent.length));
        return;
    }
    throw Error{ErrorCode::parent_missing, "no layer holds the sector"};
}

void compare_range(const disk::ImageChain& chain, std::uint64_t begin, std::uint64_t length,
                   disk::ExtentKind kind) {
    const std::uint64_t sector = chain.logical_sector_size();
    Bytes merged(length);
    chain.read(begin, merged);
    const bool is_zero_kind = kind == disk::ExtentKind::zero || kind == disk::ExtentKind::unmapped;
    fuzz::require(!is_zero_kind || is_zero(merged), "an extent of zeros reads as zeros");
    Bytes one(sector);
    for (std::uint64_t at = 0; at < length; at += sector) {
        read_sector(chain, begin + at, one);
        fuzz::require(std::memcmp(one.data(), merged.data() + at, sector) == 0,
                      "a merged read is what the layers say");
    }
    if (length > 700) {
        Bytes part(300);
        chain.read(begin + 377, part);
        fuzz::require(std::memcmp(part.data(), merged.data() + 377, part.size()) == 0,
                      "a read of a part is a part of the read");
    }
}

void look_at(const disk::ImageChain& chain) {
    std::uint64_t expected = 0;
    const std::uint64_t sector = chain.logical_sector_size();
    for (const disk::DiskExtent& extent : disk::map_extents(chain, kExtentsMax)) {
        fuzz::require(extent.offset == expected && extent.length > 0, "extents leave no gap");
        fuzz::require(
            extent.length % sector == 0 || extent.offset + extent.length == chain.size_bytes(),
            "extents are of whole sectors");
        expected += extent.length;
        if (extent.kind == disk::ExtentKind::parent) {
            fuzz::require(!chain.is_complete(), "a complete chain misses nothing");
            continue;
        }
        const std::uint64_t length = std::min(extent.length, kReadBytes);
        compare_range(chain, extent.offset, length, extent.kind);
        compare_range(chain, extent.offset + extent.length - length, length, extent.kind);
    }
    fuzz::require(expected <= chain.size_bytes(), "extents lie in the disk");
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    Files files;
    const std::size_t count = 1 + input.u8() % kImagesMax;
    for (std::size_t number = 0; number < count; ++number) {
        const unsigned options = input.u8();
        const bool takes_vhd = (options & is_vhd) != 0;
        files.push_back(takes_vhd ? take_vhd(input, number, options)
                                  : take_vhdx(input, number, options));
    }
    apply_records(input, files);
    const Images images = open_all(std::move(files));
    if (images.empty()) return 0;
    NullProgress progress;
    for (const auto& image : images)
        fuzz::allow_refusal([&] { disk::check_block_aliasing(*image); });
    fuzz::allow_refusal([&] {
        for (const disk::ImageChain& chain : disk::build_chains(images)) {
            fuzz::allow_refusal([&] { look_at(chain); });
            fuzz::allow_refusal([&] { disk::image_info_json(chain, Work{progress}).dump(); });
        }
    });
    fuzz::allow_refusal([&] { look_at(disk::build_chain_of(images.front(), images)); });
    return 0;
}

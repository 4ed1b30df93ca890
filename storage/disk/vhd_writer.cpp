// Dynamic and fixed VHD (vhdx.md section 8), laid out as Windows does since version 8: the data of
// each block begins at a multiple of 4 KiB, its bitmap lies in the sector in front of it.
#include "storage/disk/big_endian.h"
#include "storage/disk/content_scan.h"
#include "storage/disk/limits.h"
#include "storage/disk/target_writers.h"
#include "storage/disk/vhd_dynamic_header.h"
#include "storage/disk/vhd_footer.h"
#include "storage/disk/vhd_geometry.h"

#include "base/check.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

namespace entrepot::disk {
namespace {

constexpr std::uint32_t kBlockBytes = 2 * kMiB;
constexpr std::uint64_t kBitmapBytes = 512;
constexpr std::uint64_t kDataAlignment = 4 * kKiB;
constexpr std::uint64_t kHeaderOffset = vhd::kFooterBytes;
constexpr std::uint64_t kTableOffset = kHeaderOffset + vhd::kHeaderBytes;
constexpr std::uint64_t kNoBlock = std::numeric_limits<std::uint64_t>::max();

// QEMU takes the size from the geometry, which cuts off the end of most disks, unless the creator
// is one of the few it knows as using the current size. So we name the one whose rules we follow:
// Windows, and the version of its current format.
constexpr std::array<char, 4> kCreatorApplication{'w', 'i', 'n', ' '};
constexpr std::uint32_t kCreatorVersion = 0x000A0000;
constexpr std::array<char, 4> kCreatorSystem{'W', 'i', '2', 'k'};

static_assert(kBlockBytes % kRunBytesMax == 0);  // No run crosses a block.
static_assert(kBlockBytes / vhd::kSectorBytes <= kBitmapBytes * 8);
static_assert(limits::kVhdSizeBytesMax / kBlockBytes * (kBlockBytes + kDataAlignment) /
                  vhd::kSectorBytes <
              vhd::kAbsent);

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
    return (value + unit - 1) / unit * unit;
}

std::uint32_t time_stamp_of(const WriteOptions& options) {
    constexpr std::chrono::sys_days kEpoch = std::chrono::year{2000} / std::chrono::January / 1;
    if (!options.created) return 0;
    const auto seconds =
        std::chrono::floor<std::chrono::seconds>(*options.created - WallTime{kEpoch}).count();
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(seconds, 0, std::numeric_limits<std::uint32_t>::max()));
}

vhd::Footer footer_of(const DiskSource& source, const WriteOptions& options, Random& random) {
    const std::uint64_t size = source.size_bytes();
    const vhd::Geometry geometry = vhd::geometry_of(size);
    const bool is_fixed = options.format == TargetFormat::vhd_fixed;
    vhd::Footer footer;
    footer.data_offset = is_fixed ? vhd::kNoOffset : kHeaderOffset;
    footer.time_stamp = time_stamp_of(options);
    footer.creator_application = kCreatorApplication;
    footer.creator_version = kCreatorVersion;
    footer.creator_system = kCreatorSystem;
    footer.original_size = size;
    footer.current_size = size;
    footer.cylinders = geometry.cylinders;
    footer.heads = geometry.heads;
    footer.sectors_per_track = geometry.sectors_per_track;
    footer.type = is_fixed ? vhd::kTypeFixed : vhd::kTypeDynamic;
    footer.unique_id =
        options.virtual_disk_id.is_null() ? Guid::make_random(random) : options.virtual_disk_id;
    return footer;
}

/// Puts blocks one behind the other in the order in which they get content.
class DynamicWriter {
public:
    DynamicWriter(File& target, const DiskSource& source)
        : target_(target),
          source_(source),
          block_count_((source.size_bytes() + kBlockBytes - 1) / kBlockBytes),
          // At most 4 MiB: the format ends at 2040 GiB.
          table_(round_up(block_count_ * vhd::kTableEntryBytes, vhd::kSectorBytes),
                 std::byte{0xFF}),
          end_(kTableOffset + table_.size()) {}

    void write(const vhd::Footer& footer, const Work& work) {
        scan_content(source_, work, kRunBytesMax, [&](std::uint64_t offset, ByteView content) {
            const std::uint64_t block = offset / kBlockBytes;
            if (block != current_) begin_block(block);
            target_.write(data_offset_ + offset % kBlockBytes, content);
        });
        const Bytes encoded = vhd::encode_footer(footer);
        target_.write(kTableOffset, table_);
        target_.write(kHeaderOffset,
                      vhd::encode_dynamic_header(
                          kTableOffset, static_cast<std::uint32_t>(block_count_), kBlockBytes));
        target_.write(0, encoded);
        target_.write(end_, encoded);
    }

private:
    /// The last block of the disk takes a whole one, too.
    void begin_block(std::uint64_t block) {
        current_ = block;
        data_offset_ = round_up(end_ + kBitmapBytes, kDataAlignment);
        end_ = data_offset_ + kBlockBytes;
        const std::uint64_t bitmap_offset = data_offset_ - kBitmapBytes;
        // Without a parent every sector of a block is the image's own, as Windows says it, too.
        target_.write(bitmap_offset, Bytes(kBitmapBytes, std::byte{0xFF}));
        const Bytes entry = BigEndianWriter{}
                                .u32(static_cast<std::uint32_t>(bitmap_offset / vhd::kSectorBytes))
                                .take();
        std::copy(entry.begin(), entry.end(),
                  table_.begin() + static_cast<std::ptrdiff_t>(block * vhd::kTableEntryBytes));
    }

    File& target_;
    const DiskSource& source_;
    std::uint64_t block_count_;
    Bytes table_;
    std::uint64_t end_;
    std::uint64_t current_ = kNoBlock;
    std::uint64_t data_offset_ = 0;
};

}  // namespace

void write_vhd(File& target, const WriteOptions& options, Random& random, const DiskSource& source,
               const Work& work) {
    ENTREPOT_CHECK(source.logical_sector_size() == vhd::kSectorBytes);
    ENTREPOT_CHECK(source.size_bytes() <= limits::kVhdSizeBytesMax);
    const vhd::Footer footer = footer_of(source, options, random);
    if (options.format == TargetFormat::vhd_fixed) {
        write_raw(target, source, work);
        target.write(source.size_bytes(), vhd::encode_footer(footer));
    } else {
        DynamicWriter{target, source}.write(footer, work);
    }
}

}  // namespace entrepot::disk

// Dynamic, fixed and differencing VHDX (vhdx.md section 5).
#include "storage/disk/content_scan.h"
#include "storage/disk/target_writers.h"
#include "storage/disk/vhdx_builder.h"
#include "storage/disk/vhdx_format.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace entrepot::disk {
namespace {

constexpr std::uint64_t kNoBlock = std::numeric_limits<std::uint64_t>::max();

/// Bytes of a disk at an offset, zeros beyond its end.
void read_padded(const DiskSource& disk, std::uint64_t offset, MutableByteView target) {
    const std::uint64_t size = disk.size_bytes();
    const std::uint64_t inside =
        offset < size ? std::min<std::uint64_t>(target.size(), size - offset) : 0;
    if (inside > 0) disk.read(offset, target.first(inside));
    std::memset(target.data() + inside, 0, target.size() - inside);
}

/// How far from `offset` on a disk promises zeros, at most length_max. Beyond its end are zeros.
std::uint64_t known_zeros(const DiskSource& disk, std::uint64_t offset, std::uint64_t length_max) {
    const std::uint64_t size = disk.size_bytes();
    if (offset >= size) return length_max;
    const DiskExtent extent = disk.extent_at(offset, std::min(length_max, size - offset));
    const bool is_zero_kind =
        extent.kind == ExtentKind::zero || extent.kind == ExtentKind::unmapped;
    if (!is_zero_kind) return 0;
    return extent.length == size - offset ? length_max : extent.length;
}

/// Builds a child block by block; at the end of each chunk its bitmap follows.
class DifferenceWriter {
public:
    DifferenceWriter(File& target, const vhdx::Metadata& metadata, const DiskSource& source,
                     const DiskSource& base)
        : target_(target),
          builder_(target, metadata),
          source_(source),
          base_(base),
          ours_(metadata.block_size_bytes),
          theirs_(metadata.block_size_bytes),
          bitmap_(vhdx::kBitmapBlockBytes) {}

    void write(Random& random, const Work& work) {
        const vhdx::Geometry& geometry = builder_.geometry();
        // The window doubles while both disks promise zeros, so that neither is asked about a long
        // run again and again.
        std::uint64_t window = 1;
        for (std::uint64_t block = 0; block < geometry.block_count;) {
            work.throw_if_stopped();
            std::uint64_t count = count_zero_blocks(block, window);
            window = count > 0 ? 2 * window : 1;
            if (count == 0) {
                write_block(block);
                count = 1;
            }
            const std::uint64_t next = block + count;
            const bool is_last = next == geometry.block_count;
            if (is_last || next / geometry.chunk_ratio != block / geometry.chunk_ratio) {
                finish_chunk(block);
            }
            work.progress.report("writing",
                                 std::min(next * geometry.block_size_bytes, geometry.size_bytes),
                                 geometry.size_bytes);
            block = next;
        }
        builder_.finish(random);
    }

private:
    std::uint64_t count_zero_blocks(std::uint64_t block, std::uint64_t count_max) const {
        const vhdx::Geometry& geometry = builder_.geometry();
        const std::uint64_t offset = block * geometry.block_size_bytes;
        const std::uint64_t count = std::min(count_max, geometry.block_count - block);
        std::uint64_t length =
            std::min(count * geometry.block_size_bytes, geometry.size_bytes - offset);
        length = known_zeros(source_, offset, length);
        if (length > 0) length = known_zeros(base_, offset, length);
        if (offset + length == geometry.size_bytes) return geometry.block_count - block;
        return length / geometry.block_size_bytes;
    }

    void write_block(std::uint64_t block) {
        const vhdx::Geometry& geometry = builder_.geometry();
        const std::uint64_t offset = block * geometry.block_size_bytes;
        const std::uint64_t length = geometry.bytes_in_block(block);
        const MutableByteView ours = MutableByteView{ours_}.first(length);
        const MutableByteView theirs = MutableByteView{theirs_}.first(length);
        source_.read(offset, ours);
        read_padded(base_, offset, theirs);
        const std::uint64_t sector_count = length / geometry.sector_size;
        const std::uint64_t changed_count = count_changes(sector_count);
        if (changed_count == 0) return;
        if (is_zero(ours)) {
            builder_.set_block(block, vhdx::kZero, 0);
            return;
        }
        const std::uint64_t file_offset = builder_.allocate(geometry.block_size_bytes);
        write_changes(block, file_offset, sector_count);
        const bool is_whole = changed_count == sector_count;
        builder_.set_block(block, is_whole ? vhdx::kFullyPresent : vhdx::kPartiallyPresent,
                           file_offset);
    }

    bool is_changed(std::uint64_t sector) const {
        const std::uint64_t size = builder_.geometry().sector_size;
        return std::memcmp(ours_.data() + sector * size, theirs_.data() + sector * size, size) != 0;
    }

    std::uint64_t count_changes(std::uint64_t sector_count) const {
        std::uint64_t changed_count = 0;
        for (std::uint64_t sector = 0; sector < sector_count; ++sector) {
            if (is_changed(sector)) ++changed_count;
        }
        return changed_count;
    }

    /// Writes the changed sectors and sets their bits; the rest of the block stays a hole.
    void write_changes(std::uint64_t block, std::uint64_t file_offset, std::uint64_t sector_count) {
        const vhdx::Geometry& geometry = builder_.geometry();
        const std::uint64_t size = geometry.sector_size;
        const std::uint64_t first_bit =
            block % geometry.chunk_ratio * (geometry.block_size_bytes / size);
        for (std::uint64_t sector = 0; sector < sector_count;) {
            std::uint64_t end = sector;
            for (; end < sector_count && is_changed(end); ++end) {
                const std::uint64_t bit = first_bit + end;
                bitmap_[bit / 8] |= std::byte{1} << (bit % 8);
            }
            if (end > sector) {
                target_.write(file_offset + sector * size,
                              ByteView{ours_}.subspan(sector * size, (end - sector) * size));
            }
            sector = std::max(end, sector + 1);
        }
        is_bitmap_used_ = true;
    }

    void finish_chunk(std::uint64_t last_block) {
        if (!is_bitmap_used_) return;
        const std::uint64_t file_offset = builder_.allocate(vhdx::kBitmapBlockBytes);
        target_.write(file_offset, bitmap_);
        builder_.set_bitmap(last_block / builder_.geometry().chunk_ratio, file_offset);
        std::fill(bitmap_.begin(), bitmap_.end(), std::byte{0});
        is_bitmap_used_ = false;
    }

    File& target_;
    vhdx::Builder builder_;
    const DiskSource& source_;
    const DiskSource& base_;
    Bytes ours_;
    Bytes theirs_;
    Bytes bitmap_;
    bool is_bitmap_used_ = false;
};

void write_fixed(File& target, vhdx::Builder& builder, const DiskSource& source, const Work& work) {
    const vhdx::Geometry& geometry = builder.geometry();
    const std::uint64_t first = builder.allocate(geometry.block_count * geometry.block_size_bytes);
    for (std::uint64_t block = 0; block < geometry.block_count; ++block) {
        builder.set_block(block, vhdx::kFullyPresent, first + block * geometry.block_size_bytes);
    }
    scan_content(source, work, kRunBytesMax, [&](std::uint64_t offset, ByteView content) {
        target.write(first + offset, content);
    });
}

void write_dynamic(File& target, vhdx::Builder& builder, const DiskSource& source,
                   const Work& work) {
    const std::uint64_t block_size = builder.geometry().block_size_bytes;
    std::uint64_t current = kNoBlock;
    std::uint64_t file_offset = 0;
    // No run crosses a block.
    const std::size_t run_bytes_max = std::min<std::uint64_t>(block_size, kRunBytesMax);
    scan_content(source, work, run_bytes_max, [&](std::uint64_t offset, ByteView content) {
        const std::uint64_t block = offset / block_size;
        if (block != current) {
            current = block;
            file_offset = builder.allocate(block_size);
            builder.set_block(block, vhdx::kFullyPresent, file_offset);
        }
        target.write(file_offset + offset % block_size, content);
    });
}

}  // namespace

void write_vhdx(File& target, const vhdx::Metadata& metadata, Random& random,
                const DiskSource& source, const Work& work) {
    vhdx::Builder builder{target, metadata};
    if (metadata.is_fixed) {
        write_fixed(target, builder, source, work);
    } else {
        write_dynamic(target, builder, source, work);
    }
    builder.finish(random);
}

void write_vhdx_difference(File& target, const vhdx::Metadata& metadata, Random& random,
                           const DiskSource& source, const DiskSource& base, const Work& work) {
    DifferenceWriter{target, metadata, source, base}.write(random, work);
}

}  // namespace entrepot::disk

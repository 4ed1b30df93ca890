// MS-VHDX 2.4, 2.5: states, places and bitmaps.
#include "tests/property/vhdx_rules_parts.h"

#include "base/little_endian.h"

#include <algorithm>
#include <vector>

namespace entrepot::property {
namespace {

/// Who owns each MiB of the file.
class SpaceMap {
public:
    SpaceMap(std::uint64_t file_size, RuleList& rules)
        : rules_(rules), is_taken_(static_cast<std::size_t>((file_size + kMiB - 1) / kMiB)) {}

    void take(std::uint64_t offset, std::uint64_t length, const std::string& owner) {
        const std::uint64_t first = offset / kMiB;
        const std::uint64_t count = (length + kMiB - 1) / kMiB;
        if (first > is_taken_.size() || count > is_taken_.size() - first) {
            rules_.add(fmt::format("{}: {}+{} is not in the file", owner, offset, length));
            return;
        }
        for (std::uint64_t i = first; i < first + count; ++i) {
            if (is_taken_[i]) {
                rules_.add(fmt::format("{}: MiB {} has an owner already", owner, i));
                return;
            }
            is_taken_[i] = true;
        }
    }

private:
    RuleList& rules_;
    std::vector<bool> is_taken_;
};

bool is_payload_state(std::uint64_t state) {
    return state <= kStateUnmapped || state >= kStateFullyPresent;
}

void check_payload(const VhdxLayout& image, std::uint64_t block, SpaceMap& space, RuleList& rules) {
    const std::uint64_t entry = image.block_entry(block);
    const std::uint64_t state = VhdxLayout::state_of(entry);
    const std::uint64_t offset = VhdxLayout::offset_of(entry);
    const std::string name = fmt::format("block {}", block);
    rules.require((entry & (kMiB - 8)) == 0, "{}: reserved bits in {:#x}", name, entry);
    rules.require(is_payload_state(state), "{}: state {}", name, state);
    const bool is_here = state >= kStateFullyPresent;
    rules.require(!is_here || offset >= kMiB, "{}: present at {}", name, offset);
    const bool has_reserved_offset = state == kStateNotPresent || state == kStateZero;
    rules.require(!has_reserved_offset || offset == 0, "{}: state {} with an offset", name, state);
    rules.require(state != kStatePartiallyPresent || image.has_parent(),
                  "{}: partially present without a parent", name);
    rules.require(!image.leaves_blocks_allocated() || state == kStateFullyPresent,
                  "{}: state {} in a fixed image", name, state);
    if (state == kStatePartiallyPresent) {
        const std::uint64_t bitmap = image.bitmap_entry(block / image.chunk_ratio());
        rules.require(VhdxLayout::state_of(bitmap) == kStateFullyPresent,
                      "{}: partially present without a bitmap", name);
    }
    // An unmapped block may keep its space; nobody else may have it.
    if (offset != 0) space.take(offset, image.block_size(), name);
}

}  // namespace

void check_space(const VhdxLayout& image, RuleList& rules) {
    SpaceMap space{image.file().size(), rules};
    space.take(0, kMiB, "the first MiB");
    space.take(image.header().log_offset, image.header().log_length, "the log");
    for (const VhdxRegion& region : image.regions())
        space.take(region.offset, region.length, "region " + region.id.to_string());
    const std::uint64_t entries_bytes = image.entry_count() * 8;
    rules.require(image.bat().length >= entries_bytes, "BAT: {} bytes for {} entries",
                  image.bat().length, image.entry_count());
    if (image.bat().length < entries_bytes) return;
    for (std::uint64_t block = 0; block < image.block_count(); ++block)
        check_payload(image, block, space, rules);
    for (std::uint64_t chunk = 0; chunk < image.chunk_count(); ++chunk) {
        const std::uint64_t entry = image.bitmap_entry(chunk);
        const std::uint64_t state = VhdxLayout::state_of(entry);
        rules.require((entry & (kMiB - 8)) == 0, "bitmap {}: reserved bits", chunk);
        rules.require(state == kStateNotPresent || state == kStateFullyPresent,
                      "bitmap {}: state {}", chunk, state);
        rules.require(image.has_parent() || entry == 0, "bitmap {}: in an image without a parent",
                      chunk);
        if (state == kStateFullyPresent) {
            space.take(VhdxLayout::offset_of(entry), VhdxLayout::kBitmapBytes,
                       fmt::format("bitmap {}", chunk));
        }
    }
    if (image.has_parent()) {
        // The last chunk may have fewer blocks than entries.
        const std::uint64_t last = image.block_count() - 1;
        const std::uint64_t end =
            (image.chunk_count() - 1) * (image.chunk_ratio() + 1) + image.chunk_ratio();
        for (std::uint64_t index = last + last / image.chunk_ratio() + 1; index < end; ++index) {
            rules.require(image.entry(index) == 0, "BAT: entry {} belongs to no block", index);
        }
    }
}

void check_bitmaps(const VhdxLayout& image, RuleList& rules) {
    if (!image.has_parent()) return;
    const std::uint64_t sectors_in_block = image.block_size() / image.sector_size();
    const std::uint64_t sectors_in_chunk = image.chunk_ratio() * sectors_in_block;
    const std::uint64_t sectors_in_disk = image.disk_size() / image.sector_size();
    for (std::uint64_t chunk = 0; chunk < image.chunk_count(); ++chunk) {
        const std::uint64_t entry = image.bitmap_entry(chunk);
        if (VhdxLayout::state_of(entry) != kStateFullyPresent) continue;
        const Bytes bits = image.file().read_exactly(VhdxLayout::offset_of(entry),
                                                     std::size_t{VhdxLayout::kBitmapBytes});
        const std::uint64_t bytes_in_block = sectors_in_block / 8;
        for (std::uint64_t i = 0; i < image.chunk_ratio(); ++i) {
            const ByteView part = ByteView{bits}.subspan(i * bytes_in_block, bytes_in_block);
            const std::uint64_t block = chunk * image.chunk_ratio() + i;
            const std::uint64_t state = block < image.block_count()
                                            ? VhdxLayout::state_of(image.block_entry(block))
                                            : kStateNotPresent;
            rules.require(state >= kStateFullyPresent || is_zero(part),
                          "bitmap {}: bits of block {}, which is not here", chunk, block);
            rules.require(state != kStatePartiallyPresent || !is_zero(part),
                          "bitmap {}: no bit of block {}, which is partially present", chunk,
                          block);
        }
        const std::uint64_t first = chunk * sectors_in_chunk;
        const std::uint64_t used = std::min(sectors_in_disk - first, sectors_in_chunk);
        bool is_rest_clear = is_zero(ByteView{bits}.subspan((used + 7) / 8));
        for (std::uint64_t bit = used; bit % 8 != 0; ++bit) {
            if ((bits[bit / 8] >> (bit % 8) & std::byte{1}) != std::byte{0}) is_rest_clear = false;
        }
        rules.require(is_rest_clear, "bitmap {}: bits beyond the end of the disk", chunk);
    }
}

}  // namespace entrepot::property

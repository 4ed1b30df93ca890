// The block table of one image, and what it says about a place of the disk (MS-VHDX 2.5).
#include "tests/hostsim/disk/vhdx_reader.h"

#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kTableCorrupt = 0xC03A000A;
constexpr std::size_t kBitmapBytes = kMiB;
constexpr std::uint64_t kNotPresent = 0;
constexpr std::uint64_t kUnmapped = 3;
constexpr std::uint64_t kFullyPresent = 6;
constexpr std::uint64_t kPartiallyPresent = 7;

std::uint64_t state_of(std::uint64_t entry) {
    return entry & 7;
}

std::uint64_t offset_of(std::uint64_t entry) {
    return entry >> 20 << 20;
}

[[noreturn]] void fail(const std::string& why) {
    throw TargetFailure{kTableCorrupt, why};
}

bool bit_of(const Bytes& bits, std::uint64_t index) {
    return (bits[static_cast<std::size_t>(index / 8)] >> (index % 8) & std::byte{1}) !=
           std::byte{0};
}

}  // namespace

std::uint64_t VhdxReader::chunk_ratio() const {
    return (std::uint64_t{1} << 23) * facts_.logical_sector_size / facts_.block_size;
}

void VhdxReader::read_bat(const Region& region) {
    const std::uint64_t ratio = chunk_ratio();
    const std::uint64_t blocks = (facts_.size_bytes + facts_.block_size - 1) / facts_.block_size;
    const std::uint64_t chunks = (blocks + ratio - 1) / ratio;
    const std::uint64_t count =
        facts_.has_parent ? chunks * (ratio + 1) : blocks + (blocks - 1) / ratio;
    if (count > region.length / 8) fail("the block table is too short");
    Bytes bytes(static_cast<std::size_t>(count * 8));
    file_->read(region.offset, bytes);
    bat_.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t index = 0; index < count; ++index) {
        const std::uint64_t entry = load_u64(bytes, static_cast<std::size_t>(index * 8));
        check_entry(index, entry);
        bat_.push_back(entry);
    }
}

void VhdxReader::check_entry(std::uint64_t index, std::uint64_t entry) const {
    const std::uint64_t state = state_of(entry);
    const bool is_bitmap = index % (chunk_ratio() + 1) == chunk_ratio();
    const bool is_known = is_bitmap ? state == kNotPresent || state == kFullyPresent
                                    : state <= kUnmapped || state >= kFullyPresent;
    if (!is_known) fail(fmt::format("block table entry {} has state {}", index, state));
    if (state == kPartiallyPresent && !facts_.has_parent) {
        fail(fmt::format("block table entry {} needs a parent", index));
    }
    if (state < kFullyPresent) return;
    const std::uint64_t offset = offset_of(entry);
    const std::uint64_t length = is_bitmap ? kBitmapBytes : facts_.block_size;
    if (offset < kMiB || offset > file_->size() || length > file_->size() - offset) {
        fail(fmt::format("block table entry {} points outside of the file", index));
    }
}

VhdxReader::Run VhdxReader::find_run(std::uint64_t offset) const {
    const std::uint64_t block = offset / facts_.block_size;
    const std::uint64_t within = offset % facts_.block_size;
    const std::uint64_t length =
        std::min<std::uint64_t>(facts_.block_size - within, facts_.size_bytes - offset);
    const std::uint64_t entry = bat_[static_cast<std::size_t>(block + block / chunk_ratio())];
    switch (state_of(entry)) {
        case kNotPresent:
            return {facts_.has_parent ? Run::Kind::parent : Run::Kind::zeros, length, 0};
        case kFullyPresent:
            return {Run::Kind::data, length, offset_of(entry) + within};
        case kPartiallyPresent:
            return find_partial_run(block, within, length, offset_of(entry));
        default:
            return {Run::Kind::zeros, length, 0};
    }
}

VhdxReader::Run VhdxReader::find_partial_run(std::uint64_t block, std::uint64_t within,
                                             std::uint64_t length, std::uint64_t payload) const {
    const std::uint64_t ratio = chunk_ratio();
    const std::uint64_t chunk = block / ratio;
    const std::uint64_t entry = bat_[static_cast<std::size_t>(chunk * (ratio + 1) + ratio)];
    if (state_of(entry) != kFullyPresent) fail("a sector bitmap is missing");
    if (cached_bitmap_ != offset_of(entry)) {
        bitmap_.resize(kBitmapBytes);
        file_->read(offset_of(entry), bitmap_);
        cached_bitmap_ = offset_of(entry);
    }
    const std::uint64_t sector = facts_.logical_sector_size;
    const std::uint64_t first = (block % ratio) * (facts_.block_size / sector) + within / sector;
    const bool is_here = bit_of(bitmap_, first);
    std::uint64_t run = sector - within % sector;
    for (std::uint64_t bit = first + 1; run < length && bit_of(bitmap_, bit) == is_here; ++bit) {
        run += sector;
    }
    run = std::min(run, length);
    if (!is_here) return {Run::Kind::parent, run, 0};
    return {Run::Kind::data, run, payload + within};
}

}  // namespace entrepot::hostsim

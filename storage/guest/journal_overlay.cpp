// What is read of the disk first, and then in part again, is metadata: little of all that is read.
#include "storage/guest/journal_overlay.h"

#include "base/check.h"

#include <algorithm>
#include <array>
#include <utility>

namespace entrepot::guest {
namespace {

// JBD2_MAGIC_NUMBER, big-endian.
constexpr std::array kMagicBytes{std::byte{0xC0}, std::byte{0x3B}, std::byte{0x39},
                                 std::byte{0x98}};

void put_magic(std::uint64_t offset_in_block, MutableByteView target) {
    for (std::uint64_t i = offset_in_block; i < kMagicBytes.size(); ++i) {
        const std::uint64_t at = i - offset_in_block;
        if (at < target.size()) target[at] = kMagicBytes[i];
    }
}

}  // namespace

JournalOverlay::JournalOverlay(const disk::DiskSource& disk, std::uint32_t block_bytes,
                               std::vector<MovedBlock> moved)
    : disk_(disk), block_bytes_(block_bytes), moved_(std::move(moved)) {
    ENTREPOT_CHECK(block_bytes_ > 0);
    const std::uint64_t blocks = disk.size_bytes() / block_bytes_;
    for (std::size_t i = 0; i < moved_.size(); ++i) {
        ENTREPOT_CHECK(moved_[i].block < blocks && moved_[i].source < blocks);
        ENTREPOT_CHECK(i == 0 || moved_[i - 1].block < moved_[i].block);
    }
}

void JournalOverlay::read(std::uint64_t offset, MutableByteView target) const {
    disk_.read(offset, target);
    if (target.empty()) return;
    const std::uint64_t end = offset + target.size();
    auto moved = std::ranges::lower_bound(moved_, offset / block_bytes_, {}, &MovedBlock::block);
    for (; moved != moved_.end() && moved->block * block_bytes_ < end; ++moved) {
        const std::uint64_t begin = moved->block * block_bytes_;
        const std::uint64_t from = std::max(begin, offset);
        const std::uint64_t to = std::min(begin + block_bytes_, end);
        const auto part = target.subspan(static_cast<std::size_t>(from - offset),
                                         static_cast<std::size_t>(to - from));
        disk_.read(moved->source * block_bytes_ + (from - begin), part);
        if (moved->is_escaped) put_magic(from - begin, part);
    }
}

std::uint64_t JournalOverlay::unchanged_length(std::uint64_t offset, std::uint64_t length) const {
    const auto moved =
        std::ranges::lower_bound(moved_, offset / block_bytes_, {}, &MovedBlock::block);
    if (moved == moved_.end()) return length;
    const std::uint64_t begin = std::max(moved->block * block_bytes_, offset);
    return std::min(length, begin - offset);
}

}  // namespace entrepot::guest

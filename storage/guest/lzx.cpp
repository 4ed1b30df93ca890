// A chunk is a row of blocks. Each has its own codes, whose lengths are told as differences to
// those of the block before; three distances that were used last have symbols of their own.
#include "storage/guest/lzx.h"

#include "storage/guest/huffman_code.h"
#include "storage/guest/lz_copy.h"
#include "storage/guest/word_bits.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr unsigned kVerbatim = 1;
constexpr unsigned kAligned = 2;
constexpr unsigned kUncompressed = 3;

constexpr std::size_t kByteSymbols = 256;
constexpr std::size_t kSlotCount = 30;  // For distances within 32 KiB.
constexpr std::size_t kMainSymbols = kByteSymbols + 8 * kSlotCount;
constexpr std::size_t kLengthSymbols = 249;
constexpr std::size_t kAlignedSymbols = 8;
constexpr std::size_t kPreSymbols = 20;
constexpr std::size_t kLengthInSymbol = 7;
constexpr std::size_t kLengthMin = 2;
constexpr unsigned kAlignedBits = 3;
constexpr std::size_t kRecentCount = 3;

// Calls were made absolute before the compression, as of a program of this size.
constexpr std::byte kCallInstruction{0xE8};
constexpr std::int32_t kProgramBytes = 12'000'000;
constexpr std::size_t kUntranslatedBytes = 10;

[[noreturn]] void fail_lzx(const char* what) {
    throw Error{ErrorCode::corrupt, std::string{"its compressed content is damaged: "} + what};
}

/// Bits behind a slot, and the first distance that it has, before the three recent ones are taken
/// off.
constexpr unsigned bits_of_slot(std::size_t slot) {
    return slot < 4 ? 0 : static_cast<unsigned>(slot / 2 - 1);
}
constexpr std::size_t first_of_slot(std::size_t slot) {
    return slot < 4 ? slot : (2 + slot % 2) << bits_of_slot(slot);
}

class Decoder {
public:
    Decoder(ByteView input, MutableByteView target) : in_(input), target_(target) {}

    void run() {
        while (done_ < target_.size())
            read_block();
        undo_calls();
    }

private:
    void read_block() {
        const std::uint32_t type = in_.take(3);
        std::size_t size = kLzxChunkBytes;
        if (in_.take(1) == 0) size = in_.take(16);
        if (size == 0 || size > target_.size() - done_) fail_lzx("a block has no room");
        if (type == kUncompressed) return copy_block(size);
        if (type != kVerbatim && type != kAligned) fail_lzx("a block is of an unknown kind");
        std::array<std::uint8_t, kAlignedSymbols> aligned_lengths{};
        if (type == kAligned) {
            for (std::uint8_t& length : aligned_lengths)
                length = static_cast<std::uint8_t>(in_.take(3));
        }
        const std::span<std::uint8_t> main{main_lengths_};
        read_lengths(main.first(kByteSymbols));
        read_lengths(main.subspan(kByteSymbols));
        read_lengths(length_lengths_);
        read_symbols(size, HuffmanCode{main_lengths_}, HuffmanCode{length_lengths_},
                     HuffmanCode{aligned_lengths}, type == kAligned);
    }

    void copy_block(std::size_t size) {
        for (std::size_t& recent : recent_)
            recent = load_u32(in_.take_bytes(4), 0);
        std::ranges::copy(in_.take_bytes(size),
                          target_.begin() + static_cast<std::ptrdiff_t>(done_));
        done_ += size;
        if (done_ == target_.size()) return;
        if (size % 2 != 0) in_.take_bytes(1);
        in_.resume();
    }

    void read_lengths(std::span<std::uint8_t> lengths) {
        std::array<std::uint8_t, kPreSymbols> pre_lengths{};
        for (std::uint8_t& length : pre_lengths)
            length = static_cast<std::uint8_t>(in_.take(4));
        const HuffmanCode code{pre_lengths};
        for (std::size_t i = 0; i < lengths.size();) {
            const auto [count, length] = read_run(code, lengths[i]);
            // A run that goes on behind the last symbol is cut off there.
            const std::size_t end = std::min(lengths.size(), i + count);
            for (; i < end; ++i)
                lengths[i] = length;
        }
    }

    // A length as a difference to the one of the block before, or a run of one.
    std::pair<std::size_t, std::uint8_t> read_run(const HuffmanCode& code, std::uint8_t before) {
        constexpr std::size_t kShortZeros = 17;
        constexpr std::size_t kLongZeros = 18;
        const auto changed = [before](std::size_t symbol) {
            return static_cast<std::uint8_t>((before + 17 - symbol) % 17);
        };
        const std::size_t symbol = code.decode(in_);
        if (symbol < kShortZeros) return {1, changed(symbol)};
        if (symbol == kShortZeros) return {4 + in_.take(4), std::uint8_t{0}};
        if (symbol == kLongZeros) return {20 + in_.take(5), std::uint8_t{0}};
        const std::size_t count = 4 + in_.take(1);
        const std::size_t same = code.decode(in_);
        if (same >= kShortZeros) fail_lzx("a run of lengths has none");
        return {count, changed(same)};
    }

    void read_symbols(std::size_t size, const HuffmanCode& main, const HuffmanCode& lengths,
                      const HuffmanCode& aligned, bool is_aligned) {
        const std::size_t end = done_ + size;
        while (done_ < end) {
            const std::size_t symbol = main.decode(in_);
            if (symbol < kByteSymbols) {
                target_[done_++] = static_cast<std::byte>(symbol);
                continue;
            }
            std::size_t length = (symbol - kByteSymbols) % 8;
            if (length == kLengthInSymbol) length += lengths.decode(in_);
            const std::size_t distance =
                read_distance((symbol - kByteSymbols) / 8, aligned, is_aligned);
            done_ = copy_earlier(target_.first(end), done_, distance, length + kLengthMin);
        }
    }

    std::size_t read_distance(std::size_t slot, const HuffmanCode& aligned, bool is_aligned) {
        if (slot < kRecentCount) {
            std::swap(recent_[0], recent_[slot]);
            return recent_[0];
        }
        const unsigned bits = bits_of_slot(slot);
        std::size_t distance = first_of_slot(slot) - (kRecentCount - 1);
        if (is_aligned && bits >= kAlignedBits) {
            distance += std::size_t{in_.take(bits - kAlignedBits)} << kAlignedBits;
            distance += aligned.decode(in_);
        } else {
            distance += in_.take(bits);
        }
        recent_ = {distance, recent_[0], recent_[1]};
        return distance;
    }

    // Where a call leads was made a place in the program; it is a distance again.
    void undo_calls() {
        if (target_.size() <= kUntranslatedBytes) return;
        for (std::size_t i = 0; i < target_.size() - kUntranslatedBytes; ++i) {
            if (target_[i] != kCallInstruction) continue;
            const auto place = static_cast<std::int32_t>(load_u32(target_, i + 1));
            const auto here = static_cast<std::int32_t>(i);
            if (place >= -here && place < kProgramBytes) {
                const std::int32_t distance = place >= 0 ? place - here : place + kProgramBytes;
                store_u32(target_, i + 1, static_cast<std::uint32_t>(distance));
            }
            i += 4;
        }
    }

    WordBits in_;
    MutableByteView target_;
    std::size_t done_ = 0;
    std::array<std::uint8_t, kMainSymbols> main_lengths_{};
    std::array<std::uint8_t, kLengthSymbols> length_lengths_{};
    std::array<std::size_t, kRecentCount> recent_{1, 1, 1};
};

}  // namespace

void decompress_lzx(ByteView input, MutableByteView target) {
    ENTREPOT_CHECK(target.size() <= kLzxChunkBytes);
    Decoder{input, target}.run();
}

}  // namespace entrepot::guest

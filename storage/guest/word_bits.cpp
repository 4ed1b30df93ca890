// The rest of a chunk that is shorter than a word is no word: it can only be a byte.
#include "storage/guest/word_bits.h"

#include "base/check.h"
#include "base/error.h"

namespace entrepot::guest {
namespace {

constexpr unsigned kWordBits = 16;
constexpr unsigned kZeroWordsMax = 2;

[[noreturn]] void fail_at_end() {
    throw Error{ErrorCode::corrupt, "its compressed content is damaged: it ends too early"};
}

}  // namespace

void WordBits::restart(std::size_t position) {
    position_ = position;
    zero_words_ = 0;
    bits_ = next_word() << kWordBits;
    bits_ |= next_word();
    count_ = 2 * kWordBits;
}

std::uint32_t WordBits::next_word() {
    if (input_.size() - position_ < 2) {
        if (++zero_words_ > kZeroWordsMax) fail_at_end();
        return 0;
    }
    const auto low = std::to_integer<std::uint32_t>(input_[position_]);
    const auto high = std::to_integer<std::uint32_t>(input_[position_ + 1]);
    position_ += 2;
    return high << 8U | low;
}

void WordBits::skip(unsigned count) {
    ENTREPOT_CHECK(count <= kWordBits && !is_in_bytes_);
    bits_ <<= count;
    count_ -= count;
    if (count_ >= kWordBits) return;
    bits_ |= next_word() << (kWordBits - count_);
    count_ += kWordBits;
}

std::uint32_t WordBits::take(unsigned count) {
    if (count == 0) return 0;
    const std::uint32_t value = peek_16() >> (kWordBits - count);
    skip(count);
    return value;
}

std::uint32_t WordBits::take_byte() {
    if (position_ >= input_.size()) fail_at_end();
    return std::to_integer<std::uint32_t>(input_[position_++]);
}

std::uint32_t WordBits::take_word() {
    const std::uint32_t low = take_byte();
    return take_byte() << 8U | low;
}

ByteView WordBits::take_bytes(std::size_t count) {
    if (!is_in_bytes_) {
        // Of the words ahead, those that have no bit in use yet are bytes again. Where the next
        // bit is the first of a word, that whole word is filling.
        const unsigned words_unused = (count_ - 1) / kWordBits;
        if (zero_words_ > words_unused) fail_at_end();
        position_ -= std::size_t{2} * (words_unused - zero_words_);
        is_in_bytes_ = true;
    }
    if (count > input_.size() - position_) fail_at_end();
    const ByteView taken = input_.subspan(position_, count);
    position_ += count;
    return taken;
}

void WordBits::resume() {
    ENTREPOT_CHECK(is_in_bytes_);
    is_in_bytes_ = false;
    restart(position_);
}

}  // namespace entrepot::guest

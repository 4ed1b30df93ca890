// Without a table for each word: chunks are short, and building one takes longer than using it.
#include "storage/guest/huffman_code.h"

#include "base/check.h"
#include "base/error.h"

namespace entrepot::guest {

HuffmanCode::HuffmanCode(std::span<const std::uint8_t> lengths) {
    std::array<std::uint32_t, kLengthMax + 1> counts{};
    for (const std::uint8_t length : lengths) {
        ENTREPOT_CHECK(length <= kLengthMax);
        ++counts[length];
    }
    counts[0] = 0;
    std::uint32_t word = 0;
    std::uint32_t index = 0;
    for (unsigned length = 1; length <= kLengthMax; ++length) {
        word <<= 1U;
        firsts_[length] = word;
        indexes_[length] = index;
        word += counts[length];
        index += counts[length];
        if (word > 1U << length) {
            throw Error{ErrorCode::corrupt,
                        "its compressed content is damaged: a code has too many words"};
        }
        ends_[length] = word << (kLengthMax - length);
    }
    symbols_.resize(index);
    std::array<std::uint32_t, kLengthMax + 1> next = indexes_;
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
        if (lengths[symbol] == 0) continue;
        symbols_[next[lengths[symbol]]++] = static_cast<std::uint16_t>(symbol);
    }
}

std::size_t HuffmanCode::decode(WordBits& in) const {
    const std::uint32_t bits = in.peek_16();
    for (unsigned length = 1; length <= kLengthMax; ++length) {
        if (bits >= ends_[length]) continue;
        in.skip(length);
        const std::uint32_t word = bits >> (kLengthMax - length);
        return symbols_[indexes_[length] + (word - firsts_[length])];
    }
    throw Error{ErrorCode::corrupt,
                "its compressed content is damaged: it has a word that its code has not"};
}

}  // namespace entrepot::guest

// A Huffman code that is told by the lengths of its words alone: shorter ones first, and those of
// one length in the order of their symbols.
#pragma once

#include "storage/guest/word_bits.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace entrepot::guest {

class HuffmanCode {
public:
    static constexpr unsigned kLengthMax = 16;

    /// The length of each symbol's word, 0 for those that have none. Error{corrupt} for lengths
    /// that no code has. Requires lengths of at most kLengthMax, and less than 2^16 symbols.
    explicit HuffmanCode(std::span<const std::uint8_t> lengths);

    /// Error{corrupt} for a word that no symbol has.
    std::size_t decode(WordBits& in) const;

private:
    /// For each length, words behind its last one, with zeros to 16 bits behind them.
    std::array<std::uint32_t, kLengthMax + 1> ends_{};
    std::array<std::uint32_t, kLengthMax + 1> firsts_{};   ///< The first word of each length.
    std::array<std::uint32_t, kLengthMax + 1> indexes_{};  ///< The place of its symbol.
    std::vector<std::uint16_t> symbols_;                   ///< In the order of their words.
};

}  // namespace entrepot::guest

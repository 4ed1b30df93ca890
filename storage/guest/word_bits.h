// Bits as Microsoft's compressions keep them: in words of 16 bits, little-endian, the highest bit
// first; bytes may stand between the words. Follows MS-XCA 2.2.4 and MS-PATCH 2.3.
#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>

namespace entrepot::guest {

/// Two words are always ahead, as the formats count on: a byte stands behind them. Behind the end
/// there are as many zeros as that takes; Error{corrupt} for more.
class WordBits {
public:
    explicit WordBits(ByteView input) : input_(input) { restart(0); }

    std::uint32_t peek_16() const { return bits_ >> 16U; }
    /// Requires count <= 16.
    void skip(unsigned count);
    std::uint32_t take(unsigned count);

    /// Of the bytes behind the words that are ahead. Error{corrupt} behind the end.
    std::uint32_t take_byte();
    std::uint32_t take_word();

    /// Leaves the bits for the bytes behind the word in which the next bit stands.
    ByteView take_bytes(std::size_t count);
    /// Bits again, from a byte as take_bytes() counts: behind what it gave.
    void resume();

private:
    void restart(std::size_t position);
    std::uint32_t next_word();

    ByteView input_;
    std::size_t position_ = 0;
    std::uint32_t bits_ = 0;
    unsigned count_ = 0;
    unsigned zero_words_ = 0;  ///< That were given behind the end.
    bool is_in_bytes_ = false;
};

}  // namespace entrepot::guest

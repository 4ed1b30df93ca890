// A chunk begins with the lengths of 512 words, four bits each. The first 256 symbols are bytes;
// the others say how long a repetition is, and how many bits tell where it was.
#include "storage/guest/xpress_huffman.h"

#include "storage/guest/huffman_code.h"
#include "storage/guest/lz_copy.h"
#include "storage/guest/word_bits.h"

#include "base/error.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace entrepot::guest {
namespace {

constexpr std::size_t kSymbolCount = 512;
constexpr std::size_t kLengthsBytes = kSymbolCount / 2;
constexpr std::size_t kByteSymbols = 256;
constexpr std::size_t kLengthInSymbol = 15;
constexpr std::size_t kLengthInByte = 255;
constexpr std::size_t kLengthMin = 3;

HuffmanCode read_code(ByteView input) {
    if (input.size() < kLengthsBytes) {
        throw Error{ErrorCode::corrupt, "its compressed content is damaged: it has no code"};
    }
    std::array<std::uint8_t, kSymbolCount> lengths{};
    for (std::size_t i = 0; i < kLengthsBytes; ++i) {
        const auto pair = std::to_integer<std::uint8_t>(input[i]);
        lengths[2 * i] = pair & 0xFU;
        lengths[2 * i + 1] = static_cast<std::uint8_t>(pair >> 4U);
    }
    return HuffmanCode{lengths};
}

// A length that a symbol has no room for stands in a byte, and one that a byte has none for in a
// word.
std::size_t read_long_length(WordBits& in) {
    const std::size_t more = in.take_byte();
    if (more < kLengthInByte) return kLengthInSymbol + more;
    const std::size_t length = in.take_word();
    if (length < kLengthInSymbol) {
        throw Error{ErrorCode::corrupt, "its compressed content is damaged: a length is too short"};
    }
    return length;
}

}  // namespace

void decompress_xpress_huffman(ByteView input, MutableByteView target) {
    const HuffmanCode code = read_code(input);
    WordBits in{input.subspan(kLengthsBytes)};
    std::size_t done = 0;
    while (done < target.size()) {
        const std::size_t symbol = code.decode(in);
        if (symbol < kByteSymbols) {
            target[done++] = static_cast<std::byte>(symbol);
            continue;
        }
        std::size_t length = symbol & kLengthInSymbol;
        if (length == kLengthInSymbol) length = read_long_length(in);
        const auto bits = static_cast<unsigned>((symbol - kByteSymbols) >> 4U);
        const std::size_t distance = (std::size_t{1} << bits) + in.take(bits);
        done = copy_earlier(target, done, distance, length + kLengthMin);
    }
}

}  // namespace entrepot::guest

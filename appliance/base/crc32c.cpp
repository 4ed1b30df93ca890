// CRC-32C by the processor's instruction, by a table elsewhere.
#include "base/crc32c.h"

#include "base/check.h"

#include <array>
#include <cstring>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace entrepot {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit)
            value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
        table[i] = value;
    }
    return table;
}

constexpr auto kTable = make_table();

std::uint32_t update_by_table(std::uint32_t crc, ByteView bytes) {
    for (const std::byte value : bytes)
        crc = (crc >> 8) ^ kTable[(crc ^ std::to_integer<std::uint32_t>(value)) & 255];
    return crc;
}

#if defined(__SSE4_2__)
std::uint32_t update(std::uint32_t crc, ByteView bytes) {
    if (!__builtin_cpu_supports("sse4.2")) return update_by_table(crc, bytes);
    std::uint64_t wide = crc;
    while (bytes.size() >= 8) {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes.data(), sizeof value);
        wide = _mm_crc32_u64(wide, value);
        bytes = bytes.subspan(8);
    }
    return update_by_table(static_cast<std::uint32_t>(wide), bytes);
}
#else
std::uint32_t update(std::uint32_t crc, ByteView bytes) {
    return update_by_table(crc, bytes);
}
#endif

}  // namespace

std::uint32_t crc32c(ByteView bytes, std::uint32_t earlier) {
    return ~update(~earlier, bytes);
}

std::uint32_t crc32c_with_zeroed_field(ByteView bytes, std::size_t field_offset) {
    constexpr std::array<std::byte, 4> kZeros{};
    ENTREPOT_CHECK(bytes.size() >= kZeros.size() && field_offset <= bytes.size() - kZeros.size());
    const std::uint32_t before = crc32c(bytes.first(field_offset));
    return crc32c(bytes.subspan(field_offset + kZeros.size()), crc32c(kZeros, before));
}

}  // namespace entrepot

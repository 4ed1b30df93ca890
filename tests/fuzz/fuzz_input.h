// What the fuzz targets share: reading an input, and judging what came of it.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/json.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>

namespace entrepot::fuzz {

/// What a message may have at most: longer ones quote something of the image without a bound.
inline constexpr std::size_t kMessageBytesMax = 2048;

/// A finding: ends the process, which is what a fuzzer notices.
inline void require(bool is_true, const char* promise) {
    if (is_true) return;
    std::fprintf(stderr, "a promise was broken: %s\n", promise);
    std::abort();
}

/// The input as fields. Behind its end there are zeros, so that no input is too short.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size)
        : rest_(std::as_bytes(std::span{data, size})) {}

    bool empty() const { return rest_.empty(); }
    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    /// At most as many as there are.
    ByteView bytes(std::size_t count_max) {
        const ByteView taken = rest_.first(std::min(count_max, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    ByteView rest() { return bytes(rest_.size()); }

private:
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        unsigned shift = 0;
        for (const std::byte part : bytes(size)) {
            value |= std::to_integer<std::uint64_t>(part) << shift;
            shift += 8;
        }
        return value;
    }
    ByteView rest_;
};

/// Fills a buffer, or a file, with the pieces that follow in the input: {place u16, length u8,
/// bytes}. A place counts in `unit` bytes. Structures of formats lie MiBs apart; inputs should not.
template <typename Put>
void take_pieces(Input& input, std::uint64_t unit, const Put& put) {
    while (!input.empty()) {
        const std::uint64_t offset = input.u16() * unit;
        const std::size_t length = input.u8();
        put(offset, input.bytes(length));
    }
}

inline void fill_with_pieces(Input& input, std::uint64_t unit, MutableByteView target) {
    take_pieces(input, unit, [&](std::uint64_t offset, ByteView piece) {
        if (offset >= target.size()) return;
        const std::size_t length = std::min<std::size_t>(piece.size(), target.size() - offset);
        std::copy_n(piece.begin(), length, target.begin() + static_cast<std::ptrdiff_t>(offset));
    });
}

/// A refusal is right, if it is one of the image, and in words that can be shown.
inline void judge(const Error& error) {
    require(error.code() != ErrorCode::internal, "a hostile image is no internal error");
    require(exit_status(error.code()) != 2, "a hostile image is no error of usage");
    require(!error.message().empty(), "a refusal says why");
    require(error.message().size() <= kMessageBytesMax, "a message is bounded");
    // Throws for what is no UTF-8, as it would in an answer to somebody.
    Json(error.message()).dump();
}

/// With what the body was refused, if it was.
template <typename Body>
std::optional<ErrorCode> allow_refusal(const Body& body) {
    try {
        body();
    } catch (const Error& error) {
        judge(error);
        return error.code();
    }
    return std::nullopt;
}

}  // namespace entrepot::fuzz

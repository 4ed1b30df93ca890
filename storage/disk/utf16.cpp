// Transcoding by hand: the C++ library's converters are deprecated and accept too much.
#include "storage/disk/utf16.h"

#include "base/error.h"

namespace entrepot::disk {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

char32_t unit_at(ByteView text, std::size_t index) {
    return std::to_integer<char32_t>(text[2 * index]) |
           std::to_integer<char32_t>(text[2 * index + 1]) << 8;
}

bool is_high_surrogate(char32_t unit) {
    return unit >= 0xD800 && unit < 0xDC00;
}
bool is_low_surrogate(char32_t unit) {
    return unit >= 0xDC00 && unit < 0xE000;
}

void append_utf8(std::string& out, char32_t point) {
    const auto put = [&](char32_t value) { out.push_back(static_cast<char>(value)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0 | point >> 6);
        put(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3F));
        put(0x80 | (point & 0x3F));
    } else {
        put(0xF0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3F));
        put(0x80 | (point >> 6 & 0x3F));
        put(0x80 | (point & 0x3F));
    }
}

/// Takes one character off the front; nullopt for a lone surrogate, of which one unit is taken.
std::optional<char32_t> take_character(ByteView text, std::size_t& index) {
    const std::size_t count = text.size() / 2;
    const char32_t unit = unit_at(text, index++);
    if (is_low_surrogate(unit)) return std::nullopt;
    if (!is_high_surrogate(unit)) return unit;
    if (index == count || !is_low_surrogate(unit_at(text, index))) return std::nullopt;
    return 0x10000 + ((unit - 0xD800) << 10) + (unit_at(text, index++) - 0xDC00);
}

char32_t take_utf8(std::string_view text, std::size_t& index) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const char32_t lead = byte(index++);
    if (lead < 0x80) return lead;
    const int tail_count = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC2 ? 1 : 0;
    constexpr char32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
    char32_t point = lead & (0x3F >> tail_count);
    bool is_valid = tail_count > 0 && lead < 0xF5;
    for (int i = 0; is_valid && i < tail_count; ++i) {
        is_valid = index < text.size() && (byte(index) & 0xC0) == 0x80;
        if (is_valid) point = point << 6 | (byte(index++) & 0x3F);
    }
    is_valid = is_valid && point >= kSmallest[tail_count] && point < 0x110000 &&
               !is_high_surrogate(point) && !is_low_surrogate(point);
    if (!is_valid) throw Error{ErrorCode::invalid, "a name is not valid UTF-8"};
    return point;
}

}  // namespace

std::optional<std::string> utf16le_to_utf8(ByteView text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string out;
    for (std::size_t index = 0; index < text.size() / 2;) {
        const auto point = take_character(text, index);
        if (!point || *point == 0) return std::nullopt;
        append_utf8(out, *point);
    }
    return out;
}

std::string utf16le_to_utf8_lossy(ByteView text) {
    std::string out;
    for (std::size_t index = 0; index < text.size() / 2;) {
        const char32_t point = take_character(text, index).value_or(kReplacement);
        if (point == 0) break;
        append_utf8(out, point < 0x20 || point == 0x7F ? U' ' : point);
    }
    return out;
}

Bytes utf8_to_utf16le(std::string_view text) {
    Bytes out;
    const auto put = [&](char32_t unit) {
        out.push_back(static_cast<std::byte>(unit & 0xFF));
        out.push_back(static_cast<std::byte>(unit >> 8));
    };
    for (std::size_t index = 0; index < text.size();) {
        const char32_t point = take_utf8(text, index);
        if (point < 0x10000) {
            put(point);
        } else {
            put(0xD800 + ((point - 0x10000) >> 10));
            put(0xDC00 + ((point - 0x10000) & 0x3FF));
        }
    }
    return out;
}

}  // namespace entrepot::disk

// One form for all refusals of fields.
#include "storage/disk/refusal.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::disk {
namespace {

constexpr std::size_t kShownBytesMax = 64;

bool is_utf8_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace

void refuse_field(ErrorCode code, const Field& field, std::string_view why) {
    throw Error{code, fmt::format("{}: {}{}{} at offset {} {}", field.structure, field.name,
                                  field.value.empty() ? "" : " ", field.value, field.offset, why)};
}

std::string shorten_text(std::string_view text) {
    std::size_t length = std::min(text.size(), kShownBytesMax);
    while (length > 0 && length < text.size() && is_utf8_continuation(text[length]))
        --length;
    std::string out{text.substr(0, length)};
    for (char& letter : out) {
        const auto code = static_cast<unsigned char>(letter);
        if (code < 0x20 || code == 0x7F) letter = '?';
    }
    return length < text.size() ? out + "..." : out;
}

std::string quote_text(std::string_view text) {
    return '"' + shorten_text(text) + '"';
}

std::string hex32(std::uint32_t value) {
    return fmt::format("{:#010x}", value);
}

std::string hex64(std::uint64_t value) {
    return fmt::format("{:#018x}", value);
}

}  // namespace entrepot::disk

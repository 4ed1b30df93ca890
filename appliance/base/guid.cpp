// Text form of GUIDs.
#include "base/guid.h"

#include "base/check.h"
#include "base/random.h"

#include <algorithm>
#include <cctype>

namespace entrepot {
namespace {

// Where each pair of digits of the text form lies in the byte form.
constexpr std::array<std::size_t, 16> kByteOfPair{3, 2, 1,  0,  5,  4,  7,  6,
                                                  8, 9, 10, 11, 12, 13, 14, 15};
constexpr std::size_t kTextLength = 36;

bool is_hyphen_position(std::size_t i) {
    return i == 8 || i == 13 || i == 18 || i == 23;
}

}  // namespace

std::string Guid::to_string() const {
    std::string text;
    for (std::size_t pair = 0; pair < kSizeBytes; ++pair) {
        if (is_hyphen_position(text.size())) text.push_back('-');
        text += to_hex(ByteView{bytes}.subspan(kByteOfPair[pair], 1));
    }
    return text;
}

std::string Guid::to_upper_string() const {
    std::string text = to_string();
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

std::optional<Guid> Guid::parse(std::string_view text) {
    if (text.size() == kTextLength + 2 && text.front() == '{' && text.back() == '}') {
        text = text.substr(1, kTextLength);
    }
    if (text.size() != kTextLength) return std::nullopt;
    std::string digits;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_hyphen_position(i)) {
            if (text[i] != '-') return std::nullopt;
        } else {
            if (std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return std::nullopt;
            digits.push_back(text[i]);
        }
    }
    const Bytes in_text_order = from_hex(digits);
    Guid guid;
    for (std::size_t pair = 0; pair < kSizeBytes; ++pair)
        guid.bytes[kByteOfPair[pair]] = in_text_order[pair];
    return guid;
}

Guid Guid::from_bytes(ByteView view) {
    ENTREPOT_CHECK(view.size() == kSizeBytes);
    Guid guid;
    std::copy(view.begin(), view.end(), guid.bytes.begin());
    return guid;
}

Guid Guid::make_random(Random& random) {
    Guid guid;
    random.fill(guid.bytes);
    guid.bytes[7] = (guid.bytes[7] & std::byte{0x0f}) | std::byte{0x40};
    guid.bytes[8] = (guid.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
    return guid;
}

}  // namespace entrepot

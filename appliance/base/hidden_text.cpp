// The same characters as in names of guests' files, by their bytes in UTF-8.
#include "base/hidden_text.h"

namespace entrepot {
namespace {

bool is_within(unsigned byte, unsigned least, unsigned most) {
    return byte >= least && byte <= most;
}

}  // namespace

std::size_t hidden_length(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t offset) -> unsigned {
        return offset < text.size() - at ? static_cast<unsigned char>(text[at + offset]) : 0U;
    };
    switch (byte(0)) {
        case 0x7F:
            return 1;
        case 0xC2:  // U+0080 to U+009F.
            return is_within(byte(1), 0x80, 0x9F) ? 2 : 0;
        case 0xD8:  // U+061C.
            return byte(1) == 0x9C ? 2 : 0;
        case 0xE2:
            if (byte(1) == 0x80) {  // U+200E, U+200F; U+2028 to U+202E.
                return is_within(byte(2), 0x8E, 0x8F) || is_within(byte(2), 0xA8, 0xAE) ? 3 : 0;
            }
            // U+2066 to U+2069.
            return byte(1) == 0x81 && is_within(byte(2), 0xA6, 0xA9) ? 3 : 0;
        case 0xEF:  // U+FEFF.
            return byte(1) == 0xBB && byte(2) == 0xBF ? 3 : 0;
        default:
            return byte(0) < 0x20 ? 1 : 0;
    }
}

}  // namespace entrepot

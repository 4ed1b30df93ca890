// Names are UTF-8 that was checked; of the letters with two bytes the small one has two as well.
#include "appliance/search/name_pattern.h"

#include "storage/guest_model/name.h"

#include "base/error.h"

#include <cstdint>

namespace entrepot::search {
namespace {

constexpr std::size_t kPatternBytesMax = 1024;

bool is_in(std::uint32_t code, std::uint32_t first, std::uint32_t last) {
    return code >= first && code <= last;
}

// Unicode's simple case folding of what fits two bytes, but for a handful of exceptions.
std::uint32_t small_letter(std::uint32_t code) {
    if (is_in(code, 0xC0, 0xDE) && code != 0xD7) return code + 0x20;
    const bool is_even_large = is_in(code, 0x100, 0x137) || is_in(code, 0x14A, 0x177) ||
                               is_in(code, 0x1DE, 0x1EF) || is_in(code, 0x1F8, 0x21F) ||
                               is_in(code, 0x222, 0x233) || is_in(code, 0x460, 0x481) ||
                               is_in(code, 0x48A, 0x4BF) || is_in(code, 0x4D0, 0x52F);
    if (is_even_large && code != 0x130 && code != 0x131) return code | 1U;
    const bool is_odd_large = is_in(code, 0x139, 0x148) || is_in(code, 0x179, 0x17E) ||
                              is_in(code, 0x1CD, 0x1DC) || is_in(code, 0x4C1, 0x4CE);
    if (is_odd_large) return (code & 1U) != 0 ? code + 1 : code;
    if (code == 0x178) return 0xFF;
    if (code == 0x386) return 0x3AC;
    if (is_in(code, 0x388, 0x38A)) return code + 37;
    if (code == 0x38C) return 0x3CC;
    if (is_in(code, 0x38E, 0x38F)) return code + 63;
    if (is_in(code, 0x391, 0x3AB) && code != 0x3A2) return code + 0x20;
    if (code == 0x3C2) return 0x3C3;  // The sigma at the end of a word.
    if (is_in(code, 0x400, 0x40F)) return code + 0x50;
    if (is_in(code, 0x410, 0x42F)) return code + 0x20;
    if (is_in(code, 0x531, 0x556)) return code + 0x30;
    return code;
}

// One character may be several bytes.
std::size_t character_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    return length < text.size() ? length : text.size();
}

// Where a star did not take enough, it takes one character more: no recursion, and at worst the
// product of both lengths.
bool fits_glob(std::string_view name, std::string_view glob) {
    std::string_view glob_behind_star;
    std::string_view name_at_star;
    bool has_star = false;
    while (!name.empty()) {
        if (!glob.empty() && glob.front() == '*') {
            glob.remove_prefix(1);
            glob_behind_star = glob;
            name_at_star = name;
            has_star = true;
        } else if (!glob.empty() && glob.front() == '?') {
            glob.remove_prefix(1);
            name.remove_prefix(character_length(name));
        } else if (!glob.empty() && glob.front() == name.front()) {
            glob.remove_prefix(1);
            name.remove_prefix(1);
        } else if (has_star) {
            name_at_star.remove_prefix(character_length(name_at_star));
            name = name_at_star;
            glob = glob_behind_star;
        } else {
            return false;
        }
    }
    return glob.find_first_not_of('*') == std::string_view::npos;
}

}  // namespace

void fold_case(std::string_view text, std::string& folded) {
    folded.resize(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        folded[i] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        if (c < 0xC3 || c > 0xD5 || i + 1 == text.size()) continue;
        const auto next = static_cast<unsigned char>(text[++i]);
        const std::uint32_t code = small_letter((c & 0x1FU) << 6U | (next & 0x3FU));
        folded[i - 1] = static_cast<char>(0xC0U | code >> 6U);
        folded[i] = static_cast<char>(0x80U | (code & 0x3FU));
    }
}

NamePattern::NamePattern(std::string_view text) {
    if (text.empty() || text.size() > kPatternBytesMax || !guest::is_shown_text(text)) {
        throw Error{ErrorCode::invalid,
                    "this is no part of a name: it is empty, too long, or has characters that are "
                    "not shown",
                    "write it as entrepot files list shows it; * and ? stand for any characters"};
    }
    fold_case(text, folded_);
    is_glob_ = text.find_first_of("*?") != std::string_view::npos;
}

bool NamePattern::fits(std::string_view name) const {
    fold_case(name, name_);
    if (is_glob_) return fits_glob(name_, folded_);
    return name_.find(folded_) != std::string::npos;
}

}  // namespace entrepot::search

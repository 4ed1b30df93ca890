// UTF-8 is decoded strictly: an overlong form or a surrogate is no character.
#include "storage/guest_model/name.h"

#include "storage/guest_model/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace entrepot::guest {
namespace {

struct Character {
    std::uint32_t code = 0;
    std::size_t length = 0;  ///< 0: no character begins here.
};

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

Character character_at(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
    std::uint32_t code = first & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(text[i])) return {};
        code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (is_overlong || is_surrogate || code > 0x10FFFF) return {};
    return {code, length};
}

// What a terminal or a page would obey instead of showing it.
bool is_hidden(std::uint32_t code) {
    const bool is_control = code < 0x20 || (code >= 0x7F && code <= 0x9F);
    const bool is_direction = code == 0x61C || code == 0x200E || code == 0x200F ||
                              (code >= 0x202A && code <= 0x202E) ||
                              (code >= 0x2066 && code <= 0x2069);
    const bool is_line_end = code == 0x2028 || code == 0x2029;
    return is_control || is_direction || is_line_end || code == 0xFEFF;
}

bool is_separator(std::uint32_t code) {
    return code == '/' || code == '\\';
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// An escape stands for a byte that had to be escaped; only whole names can tell for UTF-8.
bool is_escape(std::string_view text) {
    return text.size() >= 4 && text[0] == '\\' && text[1] == 'x' && hex_digit(text[2]) >= 0 &&
           hex_digit(text[3]) >= 0 && (text[2] != '0' || text[3] != '0');
}

}  // namespace

std::string escape_name(std::string_view raw) {
    std::string name;
    while (!raw.empty()) {
        const Character character = character_at(raw);
        const std::size_t length = character.length == 0 ? 1 : character.length;
        if (character.length > 0 && !is_hidden(character.code) && !is_separator(character.code)) {
            name += raw.substr(0, length);
        } else {
            for (const char c : raw.substr(0, length))
                name += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
        raw.remove_prefix(length);
    }
    return name;
}

bool is_shown_text(std::string_view text) {
    while (!text.empty()) {
        const Character character = character_at(text);
        if (character.length == 0 || is_hidden(character.code)) return false;
        text.remove_prefix(character.length);
    }
    return true;
}

bool is_shown_name(std::string_view name) {
    if (name.empty() || name == "." || name == ".." || name.size() > limits::kNameBytesMax) {
        return false;
    }
    if (!is_shown_text(name) || name.find('/') != std::string_view::npos) return false;
    for (std::size_t i = name.find('\\'); i != std::string_view::npos; i = name.find('\\', i + 1)) {
        if (!is_escape(name.substr(i))) return false;
    }
    return true;
}

std::vector<std::string> split_path(std::string_view path) {
    if (path.size() > limits::kPathBytesMax) {
        throw Error{ErrorCode::limit,
                    fmt::format("the path has more than {} bytes", limits::kPathBytesMax)};
    }
    std::vector<std::string> parts;
    while (!path.empty()) {
        const std::string_view part = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), part.size() + 1));
        if (part.empty()) continue;
        if (!is_shown_name(part)) {
            throw Error{ErrorCode::invalid,
                        fmt::format("\"{}\" is no name of a file", escape_name(part)),
                        "write names as entrepot files list shows them: \\xHH for a byte that is "
                        "not shown, \\x5c for a backslash, and / between folders"};
        }
        if (parts.size() == limits::kPathDepthMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("the path has more than {} folders", limits::kPathDepthMax)};
        }
        parts.emplace_back(part);
    }
    return parts;
}

std::string join_path(const std::vector<std::string>& parts) {
    std::string path;
    for (const std::string& part : parts)
        path += "/" + part;
    return path.empty() ? "/" : path;
}

}  // namespace entrepot::guest

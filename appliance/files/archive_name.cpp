// Escapes are made so that they can be undone: what looks like one already is escaped itself.
#include "appliance/files/archive_name.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace entrepot::files {
namespace {

constexpr std::string_view kWindowsCharacters = "<>:\"|?*";
constexpr std::array<std::string_view, 4> kDevices{"CON", "PRN", "AUX", "NUL"};
constexpr std::array<std::string_view, 2> kNumberedDevices{"COM", "LPT"};
// Windows takes the three superscript digits for digits.
constexpr std::array<std::string_view, 13> kDeviceNumbers{
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "\u00b9", "\u00b2", "\u00b3"};

bool is_hex(char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

bool looks_escaped(std::string_view rest) {
    return rest.size() >= 4 && rest[0] == '%' && rest[1] == 'x' && is_hex(rest[2]) &&
           is_hex(rest[3]);
}

std::string escaped(char c) {
    return fmt::format("%x{:02x}", static_cast<unsigned char>(c));
}

// "nul", "Com1.txt": with an extension or without, in any case, with spaces before the dot.
bool is_device(std::string_view name) {
    std::string stem{name.substr(0, name.find('.'))};
    while (stem.ends_with(' '))
        stem.pop_back();
    std::ranges::transform(stem, stem.begin(), [](unsigned char c) {
        return c < 0x80 ? static_cast<char>(std::toupper(c)) : static_cast<char>(c);
    });
    if (std::ranges::find(kDevices, stem) != kDevices.end()) return true;
    const auto has_number = [&](std::string_view device) {
        return stem.starts_with(device) &&
               std::ranges::find(kDeviceNumbers, std::string_view{stem}.substr(device.size())) !=
                   kDeviceNumbers.end();
    };
    return std::ranges::any_of(kNumberedDevices, has_number);
}

}  // namespace

std::string_view to_string(ArchiveFormat format) {
    switch (format) {
        case ArchiveFormat::tar:
            return "tar";
        case ArchiveFormat::zip:
            return "zip";
    }
    return "tar";
}

ArchiveFormat archive_format_from(std::string_view word) {
    for (const ArchiveFormat format : {ArchiveFormat::tar, ArchiveFormat::zip}) {
        if (word == to_string(format)) return format;
    }
    throw Error{ErrorCode::invalid, "the format of an archive is tar or zip"};
}

std::string archive_name(std::string_view shown, ArchiveFormat format) {
    const bool is_for_windows = format == ArchiveFormat::zip;
    const bool begins_device = is_for_windows && is_device(shown);
    std::string name;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        const char c = shown[i];
        const bool is_last = i + 1 == shown.size();
        const bool is_for_escape =
            looks_escaped(shown.substr(i)) ||
            (is_for_windows && (kWindowsCharacters.find(c) != std::string_view::npos ||
                                (is_last && (c == '.' || c == ' ')))) ||
            (begins_device && i == 0);
        if (c == '\\') {
            name += '%';
        } else if (is_for_escape) {
            name += escaped(c);
        } else {
            name += c;
        }
    }
    return name;
}

}  // namespace entrepot::files

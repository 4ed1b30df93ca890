// Parses and writes WMI object paths.
#include "tests/hostsim/cim/object_path.h"

#include <algorithm>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kPathLengthMax = 4096;

bool is_identifier(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

/// Takes \\SERVER\name\space: off the front, if it is there.
bool take_prefix(std::string_view& text, std::string_view host_name, ObjectRef& ref) {
    const std::size_t quote = text.find_first_of("\"'");
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon > quote) return !text.starts_with("\\");
    std::string_view prefix = text.substr(0, colon);
    text.remove_prefix(colon + 1);
    if (prefix.starts_with("\\\\")) {
        prefix.remove_prefix(2);
        const std::size_t end = prefix.find('\\');
        if (end == std::string_view::npos) return false;
        const std::string_view server = prefix.substr(0, end);
        if (server != "." && !same_name(server, host_name)) return false;
        prefix.remove_prefix(end + 1);
    }
    ref.name_space = std::string{prefix};
    std::replace(ref.name_space.begin(), ref.name_space.end(), '\\', '/');
    std::transform(ref.name_space.begin(), ref.name_space.end(), ref.name_space.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return true;
}

/// Takes one quoted value, with \\ and \" as escapes.
std::optional<std::string> take_value(std::string_view& text) {
    if (text.empty() || (text.front() != '"' && text.front() != '\'')) return std::nullopt;
    const char quote = text.front();
    text.remove_prefix(1);
    std::string value;
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == quote) return value;
        if (c != '\\') {
            value += c;
            continue;
        }
        if (text.empty()) return std::nullopt;
        const char escaped = text.front();
        if (escaped != '\\' && escaped != '"' && escaped != '\'') return std::nullopt;
        value += escaped;
        text.remove_prefix(1);
    }
    return std::nullopt;
}

}  // namespace

std::optional<ObjectRef> parse_object_path(std::string_view text, std::string_view host_name) {
    if (text.size() > kPathLengthMax) return std::nullopt;
    ObjectRef ref;
    if (!take_prefix(text, host_name, ref)) return std::nullopt;
    const std::size_t dot = text.find('.');
    ref.class_name = std::string{text.substr(0, dot)};
    if (!is_identifier(ref.class_name)) return std::nullopt;
    if (dot == std::string_view::npos) return ref;
    text.remove_prefix(dot + 1);
    for (;;) {
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        const std::string name{text.substr(0, equals)};
        if (!is_identifier(name)) return std::nullopt;
        text.remove_prefix(equals + 1);
        auto value = take_value(text);
        if (!value || !ref.keys.emplace(name, *value).second) return std::nullopt;
        if (text.empty()) return ref;
        if (text.front() != ',') return std::nullopt;
        text.remove_prefix(1);
    }
}

std::string format_object_path(const ObjectRef& ref, std::string_view host_name) {
    std::string name_space = ref.name_space;
    std::replace(name_space.begin(), name_space.end(), '/', '\\');
    std::string text = "\\\\" + std::string{host_name} + "\\" + name_space + ":" + ref.class_name;
    char separator = '.';
    for (const auto& [name, value] : ref.keys) {
        text += separator;
        text += name + "=\"";
        for (const char c : value) {
            if (c == '\\' || c == '"') text += '\\';
            text += c;
        }
        text += '"';
        separator = ',';
    }
    return text;
}

}  // namespace entrepot::hostsim

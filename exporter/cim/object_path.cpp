// Writing and reading object paths; the escaping is WMI's: \ and " with a backslash before.
#include "exporter/cim/object_path.h"

#include "exporter/wsman/namespaces.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::cim {
namespace {

constexpr std::size_t kKeysMax = 32;

std::string quote(std::string_view text, char mark) {
    std::string out{mark};
    for (const char c : text) {
        if (c == '\\' || c == mark) out += '\\';
        out += c;
    }
    return out + mark;
}

std::string with_slashes(std::string_view text) {
    std::string out{text};
    std::replace(out.begin(), out.end(), '\\', '/');
    return out;
}

// Takes one quoted or bare value off the front; nullopt if a quote stays open.
std::optional<std::string> take_value(std::string_view& rest) {
    std::string value;
    const bool is_quoted = !rest.empty() && (rest.front() == '"' || rest.front() == '\'');
    if (!is_quoted) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        value = rest.substr(0, end);
        rest.remove_prefix(end);
        return value;
    }
    const char mark = rest.front();
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == mark) {
            rest.remove_prefix(i + 1);
            return value;
        }
        if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
        value += rest[i];
    }
    return std::nullopt;
}

bool take_keys(std::string_view rest, ObjectPath& path) {
    while (path.keys.size() < kKeysMax) {
        const std::size_t equals = rest.find('=');
        if (equals == std::string_view::npos || equals == 0) return false;
        const std::string name{rest.substr(0, equals)};
        rest.remove_prefix(equals + 1);
        auto value = take_value(rest);
        if (!value) return false;
        path.keys.emplace_back(name, std::move(*value));
        if (rest.empty()) return true;
        if (rest.front() != ',') return false;
        rest.remove_prefix(1);
    }
    return false;
}

}  // namespace

std::string ObjectPath::to_string() const {
    std::string out;
    if (!server.empty()) {
        std::string back = name_space;
        std::replace(back.begin(), back.end(), '/', '\\');
        out = fmt::format("\\\\{}\\{}:", server, back);
    } else if (!name_space.empty()) {
        out = name_space + ":";
    }
    out += class_name;
    char separator = '.';
    for (const auto& [name, value] : keys) {
        out += fmt::format("{}{}={}", separator, name, quote(value, '"'));
        separator = ',';
    }
    return out;
}

std::string ObjectPath::to_wql() const {
    std::string out = class_name;
    char separator = '.';
    for (const auto& [name, value] : keys) {
        out += fmt::format("{}{}={}", separator, name, quote(value, '\''));
        separator = ',';
    }
    return out;
}

std::optional<std::string> ObjectPath::key(std::string_view name) const {
    for (const auto& [known, value] : keys) {
        if (known == name) return value;
    }
    return std::nullopt;
}

std::optional<ObjectPath> parse_object_path(std::string_view text) {
    ObjectPath path;
    std::string_view rest = text;
    const std::size_t quote_at = std::min(rest.find_first_of("\"'"), rest.size());
    const std::size_t colon = rest.substr(0, quote_at).find(':');
    if (colon != std::string_view::npos) {
        std::string_view scope = rest.substr(0, colon);
        rest.remove_prefix(colon + 1);
        if (scope.starts_with("\\\\") || scope.starts_with("//")) {
            scope.remove_prefix(2);
            const std::size_t end = scope.find_first_of("\\/");
            if (end == std::string_view::npos) return std::nullopt;
            path.server = scope.substr(0, end);
            scope.remove_prefix(end + 1);
        }
        path.name_space = with_slashes(scope);
    }
    const std::size_t dot = rest.find('.');
    path.class_name = rest.substr(0, dot);
    const bool is_name =
        !path.class_name.empty() && path.class_name.find_first_of("\\/\"' =") == std::string::npos;
    if (!is_name) return std::nullopt;
    if (dot == std::string_view::npos) return path;
    if (!take_keys(rest.substr(dot + 1), path)) return std::nullopt;
    return path;
}

std::string resource_uri(std::string_view name_space, std::string_view class_name) {
    return fmt::format("{}{}/{}", wsman::ns::kWmi, name_space, class_name);
}

wsman::EndpointReference to_endpoint_reference(const ObjectPath& path) {
    return {resource_uri(path.name_space, path.class_name), path.keys};
}

std::optional<ObjectPath> to_object_path(const wsman::EndpointReference& reference) {
    std::string_view rest = reference.resource_uri;
    if (!rest.starts_with(wsman::ns::kWmi)) return std::nullopt;
    rest.remove_prefix(wsman::ns::kWmi.size());
    const std::size_t slash = rest.rfind('/');
    if (slash == std::string_view::npos) return std::nullopt;
    ObjectPath path;
    path.name_space = rest.substr(0, slash);
    path.class_name = rest.substr(slash + 1);
    for (const auto& [name, value] : reference.selectors) {
        // Some hosts add the namespace, which the URI tells already.
        if (name != "__cimnamespace") path.keys.emplace_back(name, value);
    }
    return path;
}

std::string quote_wql(std::string_view text) {
    return quote(text, '\'');
}

}  // namespace entrepot::cim

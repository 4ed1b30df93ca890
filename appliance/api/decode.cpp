// Field readers with bounds.
#include "appliance/api/decode.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {

ObjectReader::ObjectReader(const Json& object, std::string what)
    : object_(object), what_(std::move(what)) {
    if (!object_.is_object()) {
        throw Error{ErrorCode::invalid, fmt::format("{} is not a JSON object", what_)};
    }
}

void ObjectReader::refuse(const std::string& name, const std::string& why) const {
    throw Error{ErrorCode::invalid, fmt::format("field \"{}\" of {} {}", name, what_, why)};
}

const Json* ObjectReader::find(const std::string& name) {
    asked_.insert(name);
    const auto found = object_.find(name);
    if (found == object_.end() || found->is_null()) return nullptr;
    return &*found;
}

std::optional<std::string> ObjectReader::find_text(const std::string& name) {
    return find_long_text(name, kTextBytesMax);
}

std::optional<std::string> ObjectReader::find_long_text(const std::string& name,
                                                        std::size_t size_bytes_max) {
    const Json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) refuse(name, "is not a text");
    std::string text = value->get<std::string>();
    if (text.size() > size_bytes_max) {
        refuse(name, fmt::format("has more than {} bytes", size_bytes_max));
    }
    if (text.find('\0') != std::string::npos) refuse(name, "contains a NUL character");
    return text;
}

std::string ObjectReader::text(const std::string& name) {
    auto value = find_text(name);
    if (!value || value->empty()) refuse(name, "is missing");
    return *value;
}

std::string ObjectReader::text_or(const std::string& name, std::string fallback) {
    auto value = find_text(name);
    return value ? *value : std::move(fallback);
}

bool ObjectReader::flag_or(const std::string& name, bool fallback) {
    const Json* value = find(name);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) refuse(name, "is not true or false");
    return value->get<bool>();
}

std::uint64_t ObjectReader::count_or(const std::string& name, std::uint64_t fallback,
                                     std::uint64_t max) {
    const Json* value = find(name);
    if (value == nullptr) return fallback;
    if (!value->is_number_unsigned()) refuse(name, "is not a whole number from 0");
    const auto number = value->get<std::uint64_t>();
    if (number > max) refuse(name, fmt::format("is {}, more than {}", number, max));
    return number;
}

std::vector<std::string> ObjectReader::texts(const std::string& name) {
    const Json* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_array()) refuse(name, "is not a list");
    if (value->size() > kListEntriesMax) {
        refuse(name, fmt::format("has more than {} entries", kListEntriesMax));
    }
    std::vector<std::string> entries;
    for (const Json& entry : *value) {
        if (!entry.is_string() || entry.get_ref<const std::string&>().size() > kTextBytesMax) {
            refuse(name, "has an entry that is no text, or too long");
        }
        entries.push_back(entry.get<std::string>());
    }
    return entries;
}

std::optional<WallTime> ObjectReader::find_time(const std::string& name) {
    const auto text = find_text(name);
    if (!text) return std::nullopt;
    const auto time = parse_time(*text);
    if (!time) refuse(name, fmt::format("is \"{}\", not a time of RFC 3339", *text));
    return time;
}

Json ObjectReader::object_or_empty(const std::string& name) {
    const Json* value = find(name);
    if (value == nullptr) return Json::object();
    if (!value->is_object()) refuse(name, "is not an object");
    return *value;
}

void ObjectReader::finish() const {
    for (const auto& [name, value] : object_.items()) {
        if (!asked_.contains(name)) refuse(name, "is not known");
    }
}

}  // namespace entrepot::api

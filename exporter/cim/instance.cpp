// Decoding instances and asking them for typed values.
#include "exporter/cim/instance.h"

#include "base/clock.h"
#include "base/error.h"
#include "exporter/wsman/namespaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace entrepot::cim {
namespace {

using wsman::XmlElement;

bool is_nil(const XmlElement& element) {
    const auto nil = element.attribute(wsman::ns::kXsi, "nil");
    return nil == "true" || nil == "1";
}

Value decode_value(const XmlElement& element) {
    if (const XmlElement* time = element.find(wsman::ns::kCim, "Datetime")) {
        return {Value::Kind::datetime, time->trimmed_text(), {}};
    }
    if (const XmlElement* interval = element.find(wsman::ns::kCim, "Interval")) {
        return {Value::Kind::interval, interval->trimmed_text(), {}};
    }
    if (auto reference = wsman::decode_endpoint_reference(element)) {
        return {Value::Kind::reference, {}, std::move(*reference)};
    }
    return {Value::Kind::text, element.text, {}};
}

std::uint64_t parse_number(const std::string& text, const std::string& where) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) {
        throw Error{ErrorCode::protocol, fmt::format("{} is '{}', not a number", where, text)};
    }
    return number;
}

template <typename Number>
Number narrow(std::uint64_t number, const std::string& where) {
    if (number > std::numeric_limits<Number>::max()) {
        throw Error{ErrorCode::protocol, fmt::format("{} is {}, out of range", where, number)};
    }
    return static_cast<Number>(number);
}

// An object inside a property, as failover clusters have them: its properties become ours, named
// OUTER.INNER. False if the property holds something else.
bool add_embedded_object(const XmlElement& property, Instance& instance) {
    bool is_object = false;
    for (const XmlElement& inner : property.children) {
        const bool is_other =
            inner.name_space == wsman::ns::kCim || inner.name_space == wsman::ns::kAddressing;
        if (is_other) return false;
        is_object = true;
        const std::string name = property.name + "." + inner.name;
        if (is_nil(inner)) {
            instance.add_null(name);
        } else {
            instance.add(name, decode_value(inner));
        }
    }
    return is_object;
}

}  // namespace

Instance decode_instance(const XmlElement& element) {
    Instance instance{element.name};
    for (const XmlElement& child : element.children) {
        if (child.name_space != element.name_space) continue;
        if (is_nil(child)) {
            instance.add_null(child.name);
        } else if (!add_embedded_object(child, instance)) {
            instance.add(child.name, decode_value(child));
        }
    }
    return instance;
}

void Instance::keep_only(std::initializer_list<std::string_view> names) {
    std::erase_if(properties_, [&](const auto& property) {
        return std::find(names.begin(), names.end(), property.first) == names.end();
    });
}

const std::vector<Value>* Instance::find(std::string_view name) const {
    const auto found = properties_.find(name);
    return found == properties_.end() ? nullptr : &found->second;
}

const std::vector<Value>& Instance::values(std::string_view name) const {
    static const std::vector<Value> kNone;
    const auto* found = find(name);
    return found == nullptr ? kNone : *found;
}

std::vector<std::string> Instance::texts(std::string_view name) const {
    std::vector<std::string> all;
    for (const Value& value : values(name))
        all.push_back(value.text);
    return all;
}

std::optional<std::string> Instance::find_text(std::string_view name) const {
    const auto& all = values(name);
    if (all.empty()) return std::nullopt;
    return all.front().text;
}

std::optional<std::uint64_t> Instance::find_number(std::string_view name) const {
    const auto text = find_text(name);
    if (!text || text->empty()) return std::nullopt;
    return parse_number(*text, fmt::format("{}.{}", class_name_, name));
}

std::uint16_t Instance::u16(std::string_view name) const {
    return narrow<std::uint16_t>(number(name), fmt::format("{}.{}", class_name_, name));
}

std::uint32_t Instance::u32(std::string_view name) const {
    return narrow<std::uint32_t>(number(name), fmt::format("{}.{}", class_name_, name));
}

std::vector<std::uint16_t> Instance::u16s(std::string_view name) const {
    const std::string where = fmt::format("{}.{}", class_name_, name);
    std::vector<std::uint16_t> all;
    for (const Value& value : values(name)) {
        all.push_back(narrow<std::uint16_t>(parse_number(value.text, where), where));
    }
    return all;
}

bool Instance::flag(std::string_view name) const {
    const auto text = find_text(name);
    if (!text || text->empty()) return false;
    if (*text == "true" || *text == "TRUE" || *text == "True" || *text == "1") return true;
    if (*text == "false" || *text == "FALSE" || *text == "False" || *text == "0") return false;
    throw Error{ErrorCode::protocol,
                fmt::format("{}.{} is '{}', neither true nor false", class_name_, name, *text)};
}

std::string Instance::time(std::string_view name) const {
    const auto text = find_text(name);
    if (!text || text->starts_with("1601-01-01")) return {};
    const auto parsed = parse_time(*text);
    return parsed ? format_time(*parsed) : std::string{};
}

std::optional<wsman::EndpointReference> Instance::reference(std::string_view name) const {
    const auto& all = values(name);
    if (all.empty() || all.front().kind != Value::Kind::reference) return std::nullopt;
    return all.front().reference;
}

}  // namespace entrepot::cim

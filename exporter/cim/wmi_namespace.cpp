// Operations on a namespace (wsman 4, 6 to 8).
#include "exporter/cim/wmi_namespace.h"

#include "base/error.h"
#include "exporter/wsman/fault.h"
#include "exporter/wsman/namespaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::cim {
namespace {

using wsman::escape_xml;

constexpr std::uint32_t kObjectNotFound = 0x80041002;  // WBEM_E_NOT_FOUND

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    });
}

std::vector<Instance> decode_all(const std::vector<wsman::XmlElement>& items) {
    std::vector<Instance> instances;
    instances.reserve(items.size());
    for (const wsman::XmlElement& item : items)
        instances.push_back(decode_instance(item));
    return instances;
}

}  // namespace

MethodInput& MethodInput::text(std::string_view name, std::string_view value) {
    xml_ += fmt::format("<p:{0}>{1}</p:{0}>", name, escape_xml(value));
    return *this;
}

MethodInput& MethodInput::number(std::string_view name, std::uint64_t value) {
    return text(name, fmt::format("{}", value));
}

MethodInput& MethodInput::boolean(std::string_view name, bool value) {
    return text(name, value ? "true" : "false");
}

MethodInput& MethodInput::texts(std::string_view name, const std::vector<std::string>& values) {
    for (const std::string& value : values)
        text(name, value);
    return *this;
}

MethodInput& MethodInput::reference(std::string_view name, const ObjectPath& path) {
    xml_ += fmt::format("<p:{0}>{1}</p:{0}>", name,
                        wsman::encode_endpoint_reference(to_endpoint_reference(path)));
    return *this;
}

MethodInput& MethodInput::references(std::string_view name, const std::vector<ObjectPath>& paths) {
    for (const ObjectPath& path : paths)
        reference(name, path);
    return *this;
}

MethodInput& MethodInput::null(std::string_view name) {
    xml_ += fmt::format("<p:{} xmlns:xsi=\"{}\" xsi:nil=\"true\"/>", name, wsman::ns::kXsi);
    return *this;
}

MethodInput& MethodInput::datetime(std::string_view name, WallTime time) {
    xml_ += fmt::format("<p:{0}><c:Datetime xmlns:c=\"{1}\">{2}</c:Datetime></p:{0}>", name,
                        wsman::ns::kCim, format_time(time));
    return *this;
}

MethodInput& MethodInput::interval(std::string_view name, std::chrono::seconds duration) {
    const auto days = std::chrono::duration_cast<std::chrono::days>(duration);
    const std::chrono::hh_mm_ss rest{duration - days};
    xml_ +=
        fmt::format("<p:{0}><c:Interval xmlns:c=\"{1}\">P{2}DT{3}H{4}M{5}S</c:Interval></p:{0}>",
                    name, wsman::ns::kCim, days.count(), rest.hours().count(),
                    rest.minutes().count(), rest.seconds().count());
    return *this;
}

MethodInput& MethodInput::embedded(std::string_view name, const EmbeddedInstance& instance) {
    return text(name, instance.to_xml());
}

ObjectPath WmiNamespace::path(std::string_view class_name,
                              std::vector<std::pair<std::string, std::string>> keys) const {
    return {"", name_, std::string{class_name}, std::move(keys)};
}

Instance WmiNamespace::get(const ObjectPath& path) {
    return decode_instance(client_.get(to_endpoint_reference(path), stop_));
}

std::optional<Instance> WmiNamespace::find(const ObjectPath& path) {
    try {
        return get(path);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::not_found) return std::nullopt;
        throw;
    }
}

std::vector<Instance> WmiNamespace::list(std::string_view class_name) {
    return list(class_name, [](Instance&) { return true; });
}

std::vector<Instance> WmiNamespace::list(std::string_view class_name, const Keep& keep,
                                         const std::function<void()>& start_over) {
    std::vector<Instance> kept;
    const auto begin = [&] {
        kept.clear();
        if (start_over) start_over();
    };
    const auto take = [&](wsman::XmlElement&& item) {
        Instance instance = decode_instance(item);
        if (keep(instance)) kept.push_back(std::move(instance));
    };
    client_.enumerate({.resource_uri = resource_uri(name_, class_name)}, begin, take, stop_);
    return kept;
}

std::optional<Instance> WmiNamespace::find_any(std::string_view class_name) {
    const auto item =
        client_.enumerate_first({.resource_uri = resource_uri(name_, class_name)}, stop_);
    if (!item) return std::nullopt;
    return decode_instance(*item);
}

std::optional<std::vector<Instance>> WmiNamespace::query(const std::string& wql) {
    if (!takes_queries_) return std::nullopt;
    try {
        return decode_all(client_.enumerate(resource_uri(name_, "*"), wql, stop_));
    } catch (const wsman::Fault& fault) {
        if (!fault.is_filter_refused()) throw;
        // The object that an association begins at is gone; the query as such was fine.
        if (fault.fault().has(kObjectNotFound)) return std::vector<Instance>{};
        takes_queries_ = false;
        return std::nullopt;
    }
}

std::vector<Instance> WmiNamespace::select(std::string_view class_name, std::string_view property,
                                           std::string_view value) {
    auto found = query(
        fmt::format("SELECT * FROM {} WHERE {} = {}", class_name, property, quote_wql(value)));
    if (!found) found = list(class_name);
    std::erase_if(*found, [&](const Instance& one) {
        return !equals_ignoring_case(one.text(property), value);
    });
    return std::move(*found);
}

std::optional<std::vector<Instance>> WmiNamespace::find_associated(const ObjectPath& from,
                                                                   std::string_view association,
                                                                   std::string_view result_class) {
    return query(fmt::format("ASSOCIATORS OF {{{}}} WHERE AssocClass = {} ResultClass = {}",
                             from.to_wql(), association, result_class));
}

MethodOutput WmiNamespace::invoke(const ObjectPath& target, std::string_view method,
                                  const MethodInput& input, wsman::Repeat repeat) {
    const wsman::XmlElement output = client_.invoke(
        to_endpoint_reference(target), std::string{method}, input.xml(), repeat, stop_);
    MethodOutput result{0, decode_instance(output)};
    if (!result.parameters.find_number("ReturnValue")) {
        throw Error{ErrorCode::protocol,
                    fmt::format("the answer to {} has no ReturnValue", method)};
    }
    result.return_value = result.parameters.u32("ReturnValue");
    return result;
}

}  // namespace entrepot::cim

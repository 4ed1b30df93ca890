// CIM values and instances as plain data (DMTF DSP0004; hyperv-wmi.md section 1).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace entrepot::hostsim {

inline constexpr const char* kVirtualizationNamespace = "root/virtualization/v2";
inline constexpr const char* kCimv2Namespace = "root/cimv2";
inline constexpr const char* kClusterNamespace = "root/mscluster";

using DateTime = std::chrono::sys_time<std::chrono::microseconds>;
using Interval = std::chrono::microseconds;

/// WMI orders and compares names without regard to case.
struct NameLess {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
};
bool same_name(std::string_view a, std::string_view b);

/// Names an object by class and keys.
struct ObjectRef {
    std::string name_space = kVirtualizationNamespace;
    std::string class_name = {};
    std::map<std::string, std::string> keys = {};

    bool operator==(const ObjectRef&) const = default;
    auto operator<=>(const ObjectRef&) const = default;
};

/// A whole object as a value: the attributes and the content of its element.
struct ObjectXml {
    std::string attributes;
    std::string content;
};

using Scalar = std::variant<bool, std::uint64_t, std::int64_t, std::string, DateTime, Interval,
                            ObjectRef, ObjectXml>;

/// A property's value. No item means NULL, of a scalar and of an array.
struct Value {
    std::vector<Scalar> items;

    Value() = default;
    Value(Scalar item) { items.push_back(std::move(item)); }
    Value(const char* text) { items.emplace_back(std::string{text}); }
    Value(std::string text) { items.emplace_back(std::move(text)); }
    Value(bool flag) { items.emplace_back(flag); }
    Value(std::uint64_t number) { items.emplace_back(number); }
    Value(std::uint32_t number) { items.emplace_back(std::uint64_t{number}); }
    Value(int number) { items.emplace_back(static_cast<std::uint64_t>(number)); }
    Value(DateTime time) { items.emplace_back(time); }
    Value(Interval interval) { items.emplace_back(interval); }
    Value(ObjectRef ref) { items.emplace_back(std::move(ref)); }
    template <typename T>
    Value(const std::vector<T>& list) {
        for (const T& item : list)
            items.push_back(Value{item}.items.at(0));
    }

    bool is_null() const { return items.empty(); }
    /// The first item's text; empty if there is none or it is no string.
    std::string text() const;
    /// The first item as a number; 0 if there is none.
    std::uint64_t number() const;
    bool flag() const;
};

/// An object, or an embedded one. A property that is not in the map is NULL.
struct Instance {
    std::string name_space = kVirtualizationNamespace;
    std::string class_name = {};
    std::map<std::string, Value, NameLess> properties = {};

    const Value& at(std::string_view name) const;
    Value& operator[](const std::string& name) { return properties[name]; }
};

/// The scalar as it stands in a WQL comparison or a selector.
std::string to_text(const Scalar& scalar);

/// "2026-01-31T08:15:00.5Z", fraction without trailing zeros, as Windows writes it.
std::string format_datetime(DateTime time);
/// "P0DT0H5M0S", as Windows writes it.
std::string format_interval(Interval interval);
/// The 25 character form "yyyymmddHHMMSS.mmmmmm+000" of embedded instances.
std::string format_dmtf_datetime(DateTime time);

}  // namespace entrepot::hostsim

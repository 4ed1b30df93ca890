// An instance of a CIM class as it comes over WS-Management (DSP0230, wsman 5).
#pragma once

#include "exporter/wsman/endpoint_reference.h"
#include "exporter/wsman/xml.h"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::cim {

/// One value of a property. What is not typed on the wire stays text until somebody asks.
struct Value {
    enum class Kind { text, datetime, interval, reference };
    Kind kind = Kind::text;
    std::string text;
    wsman::EndpointReference reference;
};

/// A scalar is an array of one: the wire does not tell them apart. A property that is null is known
/// and has no value; an array that is null is not there at all.
class Instance {
public:
    explicit Instance(std::string class_name) : class_name_(std::move(class_name)) {}

    const std::string& class_name() const { return class_name_; }
    void add_null(const std::string& name) { properties_[name]; }
    void add(const std::string& name, Value value) {
        properties_[name].push_back(std::move(value));
    }

    /// Forgets all properties but these.
    void keep_only(std::initializer_list<std::string_view> names);

    bool has_property(std::string_view name) const { return find(name) != nullptr; }
    /// Values; empty for null and absent.
    const std::vector<Value>& values(std::string_view name) const;
    std::vector<std::string> texts(std::string_view name) const;
    std::optional<std::string> find_text(std::string_view name) const;
    /// Empty where there is none.
    std::string text(std::string_view name) const { return find_text(name).value_or(""); }
    /// nullopt where there is none. Throws Error{protocol} for what is not such a number.
    std::optional<std::uint64_t> find_number(std::string_view name) const;
    std::uint64_t number(std::string_view name) const { return find_number(name).value_or(0); }
    std::uint16_t u16(std::string_view name) const;
    std::uint32_t u32(std::string_view name) const;
    std::vector<std::uint16_t> u16s(std::string_view name) const;
    /// False where there is none. Both cases of true and false are read.
    bool flag(std::string_view name) const;
    /// RFC 3339 in UTC; empty where there is none or the host wrote its "never" (1601).
    std::string time(std::string_view name) const;
    std::optional<wsman::EndpointReference> reference(std::string_view name) const;

private:
    const std::vector<Value>* find(std::string_view name) const;

    std::string class_name_;
    std::map<std::string, std::vector<Value>, std::less<>> properties_;
};

/// Reads the element of an instance; properties stand in the instance's own namespace. Those of an
/// object inside a property are named OUTER.INNER.
Instance decode_instance(const wsman::XmlElement& element);

}  // namespace entrepot::cim

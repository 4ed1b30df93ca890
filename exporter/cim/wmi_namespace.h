// One WMI namespace at one host: reading instances, following associations, calling methods.
#pragma once

#include "base/clock.h"
#include "exporter/cim/embedded_instance.h"
#include "exporter/cim/instance.h"
#include "exporter/cim/object_path.h"
#include "exporter/wsman/client.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::cim {

/// Parameters of a method call, in the order in which they are added.
class MethodInput {
public:
    MethodInput& text(std::string_view name, std::string_view value);
    MethodInput& number(std::string_view name, std::uint64_t value);
    MethodInput& boolean(std::string_view name, bool value);
    /// An array is the parameter, repeated.
    MethodInput& texts(std::string_view name, const std::vector<std::string>& values);
    MethodInput& reference(std::string_view name, const ObjectPath& path);
    MethodInput& references(std::string_view name, const std::vector<ObjectPath>& paths);
    MethodInput& embedded(std::string_view name, const EmbeddedInstance& instance);
    /// xsi:nil; an optional parameter is better left out.
    MethodInput& null(std::string_view name);
    /// As Windows writes a point in time itself.
    MethodInput& datetime(std::string_view name, WallTime time);
    MethodInput& interval(std::string_view name, std::chrono::seconds duration);
    const std::string& xml() const { return xml_; }

private:
    std::string xml_;
};

struct MethodOutput {
    std::uint32_t return_value = 0;
    Instance parameters{""};  ///< The out parameters as properties.
};

/// Throws what wsman::Client throws.
class WmiNamespace {
public:
    WmiNamespace(wsman::Client& client, std::string name, std::stop_token stop)
        : client_(client), name_(std::move(name)), stop_(std::move(stop)) {}

    const std::string& name() const { return name_; }
    ObjectPath path(std::string_view class_name,
                    std::vector<std::pair<std::string, std::string>> keys) const;

    Instance get(const ObjectPath& path);
    /// nullopt if the host says that there is no such object.
    std::optional<Instance> find(const ObjectPath& path);
    std::vector<Instance> list(std::string_view class_name);
    /// Those that `keep` returns true for, as it left them. It sees each instance once while the
    /// list is read, so that a long list need not be held whole.
    using Keep = std::function<bool(Instance&)>;
    /// `start_over` (may be empty) is told to forget what `keep` saw, whenever the list begins.
    std::vector<Instance> list(std::string_view class_name, const Keep& keep,
                               const std::function<void()>& start_over = {});
    /// Any one instance: whether there are some, and which properties they have.
    std::optional<Instance> find_any(std::string_view class_name);
    /// Instances whose property has that text, without regard to case. Asked as a query; a host
    /// that takes no queries is asked for all, and they are chosen here.
    std::vector<Instance> select(std::string_view class_name, std::string_view property,
                                 std::string_view value);
    /// nullopt if the host takes no queries.
    std::optional<std::vector<Instance>> find_associated(const ObjectPath& from,
                                                         std::string_view association,
                                                         std::string_view result_class);
    /// False once the host has refused a query.
    bool takes_queries() const { return takes_queries_; }
    MethodOutput invoke(const ObjectPath& target, std::string_view method, const MethodInput& input,
                        wsman::Repeat repeat);

private:
    std::optional<std::vector<Instance>> query(const std::string& wql);

    wsman::Client& client_;
    std::string name_;
    std::stop_token stop_;
    bool takes_queries_ = true;
};

}  // namespace entrepot::cim

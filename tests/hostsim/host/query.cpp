// SELECT filters instances; ASSOCIATORS OF and REFERENCES OF walk the association objects.
#include "tests/hostsim/host/query.h"

#include "tests/hostsim/cim/instance_xml.h"
#include "tests/hostsim/cim/object_path.h"
#include "tests/hostsim/cim/wql.h"
#include "tests/hostsim/wire/fault.h"

#include <fmt/format.h>

namespace entrepot::hostsim {
namespace {

constexpr const char* kInvalidClass = "The specified class does not exist in the given namespace.";
constexpr const char* kInvalidQuery = "The specified query is invalid. (0x80041017)";

[[noreturn]] void refuse(const std::string& why) {
    throw SoapFault{FaultKind::cannot_process_filter, why};
}

const Class& need_class(Host& host, const std::string& name_space, const std::string& name) {
    const Class* declared = host.schema().find(name_space, name);
    if (declared == nullptr) refuse(kInvalidClass);
    return *declared;
}

QueryResult run_select(Host& host, const Viewer& viewer, const std::string& name_space,
                       const SelectQuery& query) {
    const Class& declared = need_class(host, name_space, query.class_name);
    if (find_unknown_property(query, declared)) refuse(kInvalidQuery);
    QueryResult result;
    result.properties = query.properties;
    for (Instance& instance : list_instances(host, viewer, name_space, declared.name)) {
        if (query.where && !matches(*query.where, instance, host.schema())) continue;
        result.instances.push_back(std::move(instance));
    }
    return result;
}

/// The object that the query starts from. It must exist, and all its keys must be named.
ObjectRef need_source(Host& host, const Viewer& viewer, const std::string& name_space,
                      const std::string& path) {
    auto source = parse_object_path(path, host.config().host_name);
    if (!source) refuse("The object path is invalid. (0x8004103A)");
    source->name_space = name_space;
    const Class& declared = need_class(host, name_space, source->class_name);
    for (const std::string& key : declared.keys) {
        if (!source->keys.contains(key)) refuse("The object path is invalid. (0x8004103A)");
    }
    const auto instance = find_instance(host, viewer, *source);
    if (!instance) refuse("Not found. (0x80041002)");
    const Class* real = host.schema().find(name_space, instance->class_name);
    return reference_of(*instance, *real);
}

/// The other ends of a link that has the source at one end.
std::vector<ObjectRef> other_ends(const Instance& link, const ObjectRef& source,
                                  const AssociationQuery& query) {
    std::vector<ObjectRef> result;
    bool is_involved = false;
    for (const auto& [role, value] : link.properties) {
        const auto* ref = value.is_null() ? nullptr : std::get_if<ObjectRef>(&value.items.front());
        if (ref == nullptr) continue;
        const bool is_source = same_object(*ref, source);
        const bool is_allowed_role = query.role.empty() || same_name(query.role, role);
        if (is_source && is_allowed_role && !is_involved) {
            is_involved = true;
        } else if (query.result_role.empty() || same_name(query.result_role, role)) {
            result.push_back(*ref);
        }
    }
    if (!is_involved) result.clear();
    return result;
}

bool involves(const Instance& link, const ObjectRef& source, const AssociationQuery& query) {
    for (const auto& [role, value] : link.properties) {
        const auto* ref = value.is_null() ? nullptr : std::get_if<ObjectRef>(&value.items.front());
        if (ref == nullptr || !same_object(*ref, source)) continue;
        if (query.role.empty() || same_name(query.role, role)) return true;
    }
    return false;
}

constexpr const char* kLinkBases[] = {"CIM_Dependency", "CIM_Component", "CIM_SettingsDefineState",
                                      "CIM_ElementSettingData", "CIM_AffectedJobElement"};

std::vector<Instance> list_links(Host& host, const Viewer& viewer, const std::string& name_space,
                                 const std::string& association_class) {
    if (!association_class.empty()) {
        need_class(host, name_space, association_class);
        return list_instances(host, viewer, name_space, association_class);
    }
    std::vector<Instance> links;
    for (const char* base : kLinkBases) {
        for (Instance& link : list_instances(host, viewer, name_space, base)) {
            links.push_back(std::move(link));
        }
    }
    return links;
}

QueryResult run_association(Host& host, const Viewer& viewer, const std::string& name_space,
                            const AssociationQuery& query) {
    const ObjectRef source = need_source(host, viewer, name_space, query.path);
    if (!query.result_class.empty()) need_class(host, name_space, query.result_class);
    QueryResult result;
    const std::string& filter =
        query.wants_references ? query.result_class : query.association_class;
    for (Instance& link : list_links(host, viewer, name_space, filter)) {
        if (query.wants_references) {
            if (involves(link, source, query)) result.instances.push_back(std::move(link));
            continue;
        }
        for (const ObjectRef& end : other_ends(link, source, query)) {
            const bool is_wanted =
                query.result_class.empty() ||
                host.schema().is_a(name_space, end.class_name, query.result_class);
            if (!is_wanted) continue;
            if (auto instance = find_instance(host, viewer, end)) {
                result.instances.push_back(std::move(*instance));
            }
        }
    }
    return result;
}

}  // namespace

QueryResult run_query(Host& host, const Viewer& viewer, const std::string& name_space,
                      const std::string& text) {
    std::string why;
    const auto query = parse_wql(text, why);
    if (!query) refuse(fmt::format("{} {}", kInvalidQuery, why));
    if (query->select) return run_select(host, viewer, name_space, *query->select);
    return run_association(host, viewer, name_space, *query->association);
}

}  // namespace entrepot::hostsim

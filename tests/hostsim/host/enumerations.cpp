// One item per Pull unless more are asked for; a new context name with every answer.
#include "tests/hostsim/host/enumerations.h"

#include "tests/hostsim/cim/instance_xml.h"
#include "tests/hostsim/cim/xml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kEnvelopeOverheadBytes = 2048;
constexpr std::size_t kBatchItemsMax = 32000;  // MaxBatchItems.
constexpr std::string_view kWqlDialect = "http://schemas.microsoft.com/wbem/wsman/1/WQL";

enum class Mode { objects, references, objects_and_references };

Mode read_mode(const pugi::xml_node& enumerate) {
    const auto node = child_of(enumerate, ns::kWsman, "EnumerationMode");
    if (!node) return Mode::objects;
    const std::string text = trimmed_text_of(node);
    if (text == "EnumerateEPR") return Mode::references;
    if (text == "EnumerateObjectAndEPR") return Mode::objects_and_references;
    throw SoapFault{FaultKind::unsupported_feature, text};
}

std::size_t read_count(const pugi::xml_node& node) {
    if (!node) return 1;
    const std::string text = trimmed_text_of(node);
    const bool is_number = !text.empty() && text.size() < 10 &&
                           text.find_first_not_of("0123456789") == std::string::npos;
    const std::size_t count = is_number ? std::stoul(text) : 0;
    if (count == 0) throw SoapFault{FaultKind::schema_validation, "MaxElements"};
    return std::min(count, kBatchItemsMax);
}

std::string item_xml(const Instance& instance, const Class& declared, Mode mode,
                     const std::vector<std::string>& properties) {
    const std::string reference = mode == Mode::objects
                                      ? std::string{}
                                      : endpoint_reference_xml(reference_of(instance, declared));
    if (mode == Mode::references) return reference;
    const std::string object = properties.empty() ? instance_xml(instance, declared)
                                                  : fragment_xml(instance, declared, properties);
    if (mode == Mode::objects) return object;
    return fmt::format("<w:Item>{}{}</w:Item>", object, reference);
}

}  // namespace

Enumerations::Context Enumerations::make_context(const SoapRequest& request, const Viewer& viewer,
                                                 const pugi::xml_node& enumerate) {
    QueryResult result;
    if (const auto filter = child_of(enumerate, ns::kWsman, "Filter")) {
        if (std::string_view{filter.attribute("Dialect").value()} != kWqlDialect) {
            throw SoapFault{FaultKind::filter_dialect, {}};
        }
        if (request.class_name != "*") throw SoapFault{FaultKind::wql_needs_any_class, {}};
        const bool is_refused = request.name_space == kVirtualizationNamespace &&
                                host_.faults().take("refuse-wql", "Enumerate");
        if (is_refused) throw SoapFault{FaultKind::cannot_process_filter, {}};
        result = run_query(host_, viewer, request.name_space, trimmed_text_of(filter));
    } else {
        if (request.class_name == "*") throw SoapFault{FaultKind::cannot_process_filter, {}};
        result.instances = list_instances(host_, viewer, request.name_space, request.class_name);
    }
    Context context;
    context.name_space = request.name_space;
    const Mode mode = read_mode(enumerate);
    for (const Instance& instance : result.instances) {
        const Class* declared = host_.schema().find(instance.name_space, instance.class_name);
        context.items.push_back(item_xml(instance, *declared, mode, result.properties));
    }
    return context;
}

std::string Enumerations::enumerate(const SoapRequest& request, const Viewer& viewer,
                                    const std::string& user) {
    const auto node = child_of(request.body, ns::kEnumeration, "Enumerate");
    if (!node) throw SoapFault{FaultKind::schema_validation, "no Enumerate"};
    if (!request.selectors.empty()) throw SoapFault{FaultKind::selectors_unexpected, {}};
    const DateTime now = host_.now();
    std::erase_if(contexts_, [&](const auto& entry) { return entry.second.expires <= now; });
    Context context = make_context(request, viewer, node);
    context.user = user;
    if (!child_of(node, ns::kWsman, "OptimizeEnumeration")) {
        return fmt::format(
            "<n:EnumerateResponse><n:EnumerationContext>{}</n:EnumerationContext>"
            "</n:EnumerateResponse>",
            store(std::move(context)));
    }
    const std::size_t count = read_count(child_of(node, ns::kWsman, "MaxElements"));
    const std::string items = take_items(context, count, request.envelope_bytes_max);
    const bool is_last = context.next == context.items.size();
    const std::string name = is_last ? std::string{} : store(std::move(context));
    return fmt::format(
        "<n:EnumerateResponse><n:EnumerationContext>{}</n:EnumerationContext><w:Items>{}</w:Items>"
        "{}</n:EnumerateResponse>",
        name, items, is_last ? "<w:EndOfSequence/>" : "");
}

Enumerations::Context Enumerations::take_context(const SoapRequest& request,
                                                 const pugi::xml_node& body,
                                                 const std::string& user) {
    const auto found =
        contexts_.find(trimmed_text_of(child_of(body, ns::kEnumeration, "EnumerationContext")));
    const bool is_alive = found != contexts_.end() && found->second.user == user &&
                          found->second.expires > host_.now();
    if (!is_alive) throw SoapFault{FaultKind::invalid_context, {}};
    if (!same_name(found->second.name_space, request.name_space)) {
        throw SoapFault{FaultKind::pull_parameters_differ, {}};
    }
    Context context = std::move(found->second);
    contexts_.erase(found);
    return context;
}

std::string Enumerations::pull(const SoapRequest& request, const std::string& user) {
    const auto node = child_of(request.body, ns::kEnumeration, "Pull");
    if (!node) throw SoapFault{FaultKind::schema_validation, "no Pull"};
    const std::size_t count = read_count(child_of(node, ns::kEnumeration, "MaxElements"));
    Context context = take_context(request, node, user);
    if (host_.faults().take("expire-context", "Pull")) {
        throw SoapFault{FaultKind::invalid_context, {}};
    }
    const std::string items = take_items(context, count, request.envelope_bytes_max);
    if (context.next == context.items.size()) {
        return fmt::format(
            "<n:PullResponse><n:Items>{}</n:Items><n:EndOfSequence/></n:PullResponse>", items);
    }
    return fmt::format(
        "<n:PullResponse><n:EnumerationContext>{}</n:EnumerationContext><n:Items>{}</n:Items>"
        "</n:PullResponse>",
        store(std::move(context)), items);
}

std::string Enumerations::release(const SoapRequest& request, const std::string& user) {
    const auto node = child_of(request.body, ns::kEnumeration, "Release");
    if (!node) throw SoapFault{FaultKind::schema_validation, "no Release"};
    take_context(request, node, user);
    return {};
}

std::size_t Enumerations::count(const std::string& user) const {
    return static_cast<std::size_t>(
        std::count_if(contexts_.begin(), contexts_.end(),
                      [&](const auto& entry) { return entry.second.user == user; }));
}

std::string Enumerations::store(Context context) {
    context.expires = host_.now() + host_.config().speed.enumeration_timeout;
    const std::string name = "uuid:" + host_.make_id();
    contexts_[name] = std::move(context);
    return name;
}

std::string Enumerations::take_items(Context& context, std::size_t count_max,
                                     std::size_t bytes_max) const {
    std::string text;
    const std::size_t room = bytes_max - kEnvelopeOverheadBytes;
    for (std::size_t count = 0; count < count_max && context.next < context.items.size(); ++count) {
        const std::string& item = context.items[context.next];
        if (text.size() + item.size() > room) {
            if (count == 0) throw SoapFault{FaultKind::envelope_limit, {}};
            break;
        }
        text += item;
        ++context.next;
    }
    return text;
}

}  // namespace entrepot::hostsim

// Checks a call as WMI does, then hands it to the method.
#include "tests/hostsim/host/methods.h"

#include "tests/hostsim/cim/instance_xml.h"
#include "tests/hostsim/cim/xml.h"
#include "tests/hostsim/host/host_events.h"
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kParameterCountMax = 4096;

bool fits(const std::string& text, const CimType& type) {
    if (type.base == "boolean") {
        return same_name(text, "true") || same_name(text, "false") || text == "0" || text == "1";
    }
    if (!type.is_integer()) return true;
    const int bits = std::atoi(type.base.c_str() + 4);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() &&
           (bits == 64 || value < (std::uint64_t{1} << bits));
}

/// A datetime parameter is a child element; anything else is text.
std::string scalar_of(const pugi::xml_node& node, const CimType& type) {
    const auto children = child_elements(node);
    if (type.base == "datetime") {
        if (children.empty()) return trimmed_text_of(node);
        const bool is_sound = children.size() == 1 && namespace_of(children[0]) == ns::kCim;
        if (!is_sound) throw SoapFault{FaultKind::schema_validation, {}};
        return trimmed_text_of(children[0]);
    }
    // An embedded instance as markup instead of text is what a real host refuses here.
    if (!children.empty()) throw SoapFault{FaultKind::schema_validation, {}};
    const std::string text = text_of(node);
    if (!fits(text, type)) throw SoapFault{FaultKind::invalid_parameter_type, {}};
    return text;
}

void check_reference(const ObjectRef& ref, const CimType& type, const Schema& schema) {
    if (schema.find(ref.name_space, ref.class_name) == nullptr ||
        !schema.is_a(ref.name_space, ref.class_name, type.target)) {
        throw SoapFault{FaultKind::invalid_parameter_type, {}};
    }
}

/// The out parameter that names an object which a call made.
const char* result_name(const ObjectRef& element) {
    if (element.class_name == "Msvm_VirtualSystemReferencePoint") return "ResultingReferencePoint";
    if (element.class_name == "Msvm_PlannedComputerSystem") return "ImportedSystem";
    if (element.class_name == "Msvm_ComputerSystem") return "ResultingSystem";
    if (element.class_name == "Msvm_VirtualSystemSettingData") return "ResultingSnapshot";
    return "ResultingResourceSettings";
}

void add_results(const Job& job, std::vector<std::pair<std::string, Value>>& outputs) {
    constexpr std::uint32_t kCreated = 5;
    for (const AffectedElement& affected : job.affected) {
        if (affected.effect != kCreated) continue;
        outputs.emplace_back(result_name(affected.element), affected.element);
    }
}

}  // namespace

std::string MethodCall::text(const std::string& name) const {
    const auto found = texts.find(name);
    return found == texts.end() ? std::string{} : found->second.front();
}

const ObjectRef* MethodCall::ref(const std::string& name) const {
    const auto found = refs.find(name);
    return found == refs.end() ? nullptr : &found->second.front();
}

std::uint32_t MethodCall::start(JobPlan plan) {
    plan.method = method;
    if (host.faults().take("synchronous", method)) {
        const Job job = jobs.run_at_once(std::move(plan));
        if (job.error_code != 0) return job.error_code;
        add_results(job, outputs);
        return kCompleted;
    }
    outputs.emplace_back("Job", jobs.start(std::move(plan)));
    return kJobStarted;
}

Methods::Methods(Host& host, JobRunner& jobs) : host_(host), jobs_(jobs) {
    const char* snapshots = "Msvm_VirtualSystemSnapshotService";
    add(snapshots, "CreateSnapshot", create_snapshot);
    add(snapshots, "DestroySnapshot", destroy_snapshot);
    add(snapshots, "ConvertToReferencePoint", convert_to_reference_point);
    add("Msvm_VirtualSystemReferencePointService", "DestroyReferencePoint",
        destroy_reference_point);
    const char* management = "Msvm_VirtualSystemManagementService";
    add(management, "ExportSystemDefinition", export_system_definition);
    add(management, "ModifySystemSettings", modify_system_settings);
    add(management, "ModifyDiskMergeSettings", modify_disk_merge_settings);
    add(management, "FormatError", format_error);
    add(management, "ImportSystemDefinition", import_system_definition);
    add(management, "ImportSnapshotDefinitions", import_snapshot_definitions);
    add(management, "ValidatePlannedSystem", validate_planned_system);
    add(management, "RealizePlannedSystem", realize_planned_system);
    add(management, "DestroySystem", destroy_system);
    add(management, "AddResourceSettings", add_resource_settings);
    add(management, "ModifyResourceSettings", modify_resource_settings);
    add(management, "RemoveResourceSettings", remove_resource_settings);
    add(management, "GetDefinitionFileSummaryInformation", get_definition_file_summary_information);
    add(management, "GetSizeOfSystemFiles", get_size_of_system_files);
    add("Msvm_ComputerSystem", "RequestStateChange", request_vm_state_change);
    const char* images = "Msvm_ImageManagementService";
    add(images, "GetVirtualHardDiskSettingData", get_virtual_hard_disk_setting_data);
    add(images, "GetVirtualHardDiskState", get_virtual_hard_disk_state);
    for (const char* job : {"Msvm_ConcreteJob", "Msvm_StorageJob"}) {
        add(job, "RequestStateChange", request_job_state_change);
        add(job, "GetError", get_error);
        add(job, "GetErrorEx", get_error_ex);
    }
}

void Methods::lose_to_another(const MethodCall& call) {
    std::string vm_id;
    for (const auto& [name, refs] : call.refs) {
        for (const auto& [key, value] : refs.front().keys) {
            if (const Vm* vm = host_.model().find_owner(value)) vm_id = vm->id;
            const Snapshot* snapshot = host_.model().find_snapshot(guid_of_settings_id(value));
            if (snapshot != nullptr) vm_id = snapshot->vm_id;
        }
    }
    host_.mutex().unlock();
    add_foreign_object(host_, call.method, vm_id);
    host_.mutex().lock();
    throw RequestLost{};
}

void Methods::add(const char* class_name, const char* method, Handler handler) {
    handlers_[fmt::format("{}/{}", class_name, method)] = std::move(handler);
}

std::string Methods::invoke(const SoapRequest& request, const Viewer& viewer,
                            std::string& verdict) {
    const Class* declared = host_.schema().find(request.name_space, request.class_name);
    const auto method = declared->methods.find(request.method());
    if (method == declared->methods.end()) {
        throw SoapFault{FaultKind::action_not_supported, "Invalid method (0x8004102E)"};
    }
    const ObjectRef target = need_target(request, viewer, *declared);
    MethodCall call = read_call(request, viewer, method->second);
    call.target = target;
    if (host_.faults().take("foreign-instead", call.method)) lose_to_another(call);
    std::uint32_t code = kNotSupported;
    const auto planned = host_.faults().take_number("return", call.method);
    const auto handler = handlers_.find(fmt::format("{}/{}", declared->name, method->first));
    if (planned) {
        code = *planned;
    } else if (handler != handlers_.end()) {
        code = handler->second(call);
    }
    verdict = fmt::format("return {}", code);
    std::string text = fmt::format("<p:{}_OUTPUT xmlns:p=\"{}\">", method->first,
                                   resource_uri(declared->name_space, declared->name));
    for (const auto& [name, value] : call.outputs)
        text += parameter_xml(name, value);
    return text +
           fmt::format("<p:ReturnValue>{}</p:ReturnValue></p:{}_OUTPUT>", code, method->first);
}

ObjectRef Methods::need_target(const SoapRequest& request, const Viewer& viewer,
                               const Class& declared) {
    ObjectRef ref{.name_space = request.name_space, .class_name = declared.name};
    for (const auto& [name, value] : request.selectors) {
        const bool is_key =
            std::any_of(declared.keys.begin(), declared.keys.end(),
                        [&](const std::string& key) { return same_name(key, name); });
        if (!is_key) throw SoapFault{FaultKind::selectors_unexpected, {}};
        ref.keys[name] = value;
    }
    // A method without an instance: the WMI provider says 0x8004102F.
    if (ref.keys.empty()) {
        throw SoapFault{FaultKind::invalid_method_parameters,
                        "Invalid method Parameter(s) (0x8004102F)"};
    }
    const bool is_service = host_.schema().is_a(request.name_space, declared.name, "CIM_Service");
    // For a singleton service CreationClassName alone is enough.
    if (ref.keys.size() < declared.keys.size() && !is_service) {
        throw SoapFault{FaultKind::selectors_insufficient, {}};
    }
    const auto instance = find_instance(host_, viewer, ref);
    if (!instance) throw SoapFault{FaultKind::destination_unreachable, {}};
    return reference_of(*instance, declared);
}

MethodCall Methods::read_call(const SoapRequest& request, const Viewer& viewer,
                              const Parameters& parameters) {
    MethodCall call{.host = host_, .jobs = jobs_, .viewer = viewer, .method = request.method()};
    const auto roots = child_elements(request.body);
    const bool is_input = roots.size() == 1 && local_name(roots[0]) == call.method + "_INPUT" &&
                          namespace_of(roots[0]) == request.resource_uri;
    if (!is_input) throw SoapFault{FaultKind::schema_validation, {}};
    const auto nodes = child_elements(roots[0]);
    if (nodes.size() > kParameterCountMax) throw SoapFault{FaultKind::schema_validation, {}};
    for (const pugi::xml_node& node : nodes) {
        const std::string name{local_name(node)};
        const auto parameter = parameters.find(name);
        const bool is_known = parameter != parameters.end() &&
                              parameter->second.direction != Direction::out &&
                              namespace_of(node) == request.resource_uri;
        if (!is_known) throw SoapFault{FaultKind::invalid_parameter_name, name};
        const CimType& type = parameter->second.type;
        if (call.has(name) && !type.is_array) throw SoapFault{FaultKind::schema_validation, {}};
        if (attribute_of(node, ns::kXsi, "nil") == "true") continue;
        if (!type.is_reference()) {
            call.texts[name].push_back(scalar_of(node, type));
            continue;
        }
        const auto ref = parse_reference(node);
        if (!ref) throw SoapFault{FaultKind::schema_validation, {}};
        check_reference(*ref, type, host_.schema());
        call.refs[name].push_back(*ref);
    }
    return call;
}

}  // namespace entrepot::hostsim

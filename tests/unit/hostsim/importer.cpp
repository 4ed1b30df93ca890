// Import, planned VMs and their settings as plain SOAP.
#include "importer.h"

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

namespace entrepot::test {
namespace {

constexpr const char* kManagement = "Msvm_VirtualSystemManagementService";

}  // namespace

Json import_config() {
    return {{"volumes", {{{"path", "D:\\VMs"}, {"directory", "volume"}}}},
            {"switches", {"External"}},
            {"virtual_machines",
             {{{"name", "web01"},
               {"network_adapters",
                {{{"name", "Front"}, {"switch", "External"}, {"mac", "00:15:5D:01:02:03"}}}},
               {"disks",
                {{{"raw", "a.raw"}},
                 {{"raw", "b.raw"}, {"location", 1}, {"logical_sector_size", 4096}}}}}}}};
}

std::string place_export(const Simulator& simulator, Soap& soap, const std::string& name) {
    const std::string vm = vm_id(soap);
    const std::string snapshot = take_snapshot(soap, vm, 2);
    if (soap.wait(start_export(soap, vm, snapshot, name)).text("JobState") != "7") {
        throw std::runtime_error{"the export failed"};
    }
    convert(soap, snapshot);
    std::filesystem::create_directories(simulator.path("volume"));
    std::filesystem::rename(simulator.path("exports/" + name), simulator.path("volume/" + name));
    return fmt::format("D:\\VMs\\{}\\Virtual Machines\\{}.vmcx", name, vm);
}

std::string planned_reference(const char* parameter, const std::string& id) {
    return reference(parameter, "Msvm_PlannedComputerSystem",
                     {{"CreationClassName", "Msvm_PlannedComputerSystem"}, {"Name", id}});
}

Answer Importer::call(const std::string& method, const std::string& parameters) {
    return soap_.invoke(kManagement, method, parameters);
}

Answer Importer::import(const std::string& definition, bool has_new_id) {
    return call("ImportSystemDefinition",
                fmt::format("<p:SystemDefinitionFile>{}</p:SystemDefinitionFile>"
                            "<p:GenerateNewSystemIdentifier>{}</p:GenerateNewSystemIdentifier>",
                            escape(definition), has_new_id));
}

std::string Importer::import_planned(const std::string& definition, bool has_new_id) {
    const Answer ended = soap_.wait(import(definition, has_new_id));
    if (ended.text("JobState") != "7") throw std::runtime_error{ended.body};
    const auto items = soap_.query(
        fmt::format("ASSOCIATORS OF {{Msvm_ConcreteJob.InstanceID='{}'}} WHERE "
                    "AssocClass=Msvm_AffectedJobElement ResultClass=Msvm_PlannedComputerSystem",
                    ended.text("InstanceID")));
    return element_text(items.at(0), "Name");
}

Answer Importer::start(const std::string& method, const std::string& planned_id) {
    return call(method, planned_reference("PlannedSystem", planned_id));
}

std::string Importer::run(const std::string& method, const std::string& planned_id) {
    return soap_.wait(start(method, planned_id)).text("JobState");
}

std::vector<std::string> Importer::errors(const Answer& ended) {
    const Answer answer = soap_.invoke("Msvm_ConcreteJob", "GetErrorEx", "",
                                       {{"InstanceID", ended.text("InstanceID")}});
    std::vector<std::string> result;
    const std::string open = "<p:Errors>";
    for (std::size_t at = answer.body.find(open); at != std::string::npos;
         at = answer.body.find(open, at + 1)) {
        result.push_back(answer.body.substr(at, answer.body.find("</p:Errors>", at) - at));
    }
    return result;
}

Answer Importer::modify_system(const std::string& id, const std::string& properties) {
    const std::string text =
        embedded("Msvm_VirtualSystemSettingData",
                 embedded_property("InstanceID", "string", "Microsoft:" + id) + properties);
    return call("ModifySystemSettings",
                "<p:SystemSettings>" + escape(text) + "</p:SystemSettings>");
}

Answer Importer::modify_resource(const std::string& instance) {
    return call("ModifyResourceSettings",
                "<p:ResourceSettings>" + escape(instance) + "</p:ResourceSettings>");
}

Answer Importer::destroy(const std::string& id, const char* class_name) {
    return call("DestroySystem", reference("AffectedSystem", class_name,
                                           {{"CreationClassName", class_name}, {"Name", id}}));
}

Answer Importer::change_state(const std::string& id, int state) {
    return soap_.invoke("Msvm_ComputerSystem", "RequestStateChange",
                        fmt::format("<p:RequestedState>{}</p:RequestedState>", state),
                        {{"CreationClassName", "Msvm_ComputerSystem"}, {"Name", id}});
}

std::vector<std::string> Importer::parts(const std::string& id, const char* class_name) {
    const auto items = soap_.query(fmt::format(
        "ASSOCIATORS OF {{Msvm_VirtualSystemSettingData.InstanceID='Microsoft:{}'}} WHERE "
        "AssocClass=Msvm_VirtualSystemSettingDataComponent ResultClass={}",
        id, class_name));
    std::vector<std::string> ids;
    for (const std::string& item : items)
        ids.push_back(element_text(item, "InstanceID"));
    return ids;
}

}  // namespace entrepot::test

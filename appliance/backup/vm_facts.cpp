// See vm_facts.h.
#include "appliance/backup/vm_facts.h"

#include "base/error.h"

namespace entrepot::backup {
namespace {

std::string text_of(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool flag_of(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace

VmFacts read_vm_facts(HostRun& run, const hyperv::Vm& vm) {
    VmFacts facts;
    facts.version = vm.version;
    facts.generation = vm.generation;
    try {
        const auto hardware = run.host().read_hardware(vm.configuration_instance_id);
        facts.has_tpm = hardware.has_tpm;
        for (const auto& adapter : hardware.adapters) {
            facts.adapters.push_back({adapter.name, adapter.mac_address, adapter.is_mac_static,
                                      adapter.is_connected ? adapter.switch_name : std::string{}});
        }
        facts.are_known = true;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        run.services().log.warning("the host does not describe a VM's hardware",
                                   {{"vm", vm.id}, {"error", error.what()}});
    }
    return facts;
}

Json to_json(const VmFacts& facts) {
    Json adapters = Json::array();
    for (const AdapterFacts& adapter : facts.adapters) {
        adapters.push_back({{"name", adapter.name},
                            {"mac", adapter.mac_address},
                            {"is_mac_static", adapter.is_mac_static},
                            {"switch", adapter.switch_name}});
    }
    Json json{{"are_known", facts.are_known},
              {"version", facts.version},
              {"generation", facts.generation},
              {"adapters", adapters}};
    if (facts.has_tpm) json["has_tpm"] = *facts.has_tpm;
    return json;
}

VmFacts vm_facts_from(const Json& host_facts) {
    VmFacts facts;
    const auto found = host_facts.find("vm");
    if (found == host_facts.end() || !found->is_object()) return facts;
    const Json& json = *found;
    facts.are_known = flag_of(json, "are_known");
    facts.version = text_of(json, "version");
    facts.generation = json.value("generation", Json{}).is_number_unsigned()
                           ? json.at("generation").get<std::uint32_t>()
                           : 0;
    if (json.contains("has_tpm")) facts.has_tpm = flag_of(json, "has_tpm");
    const Json adapters = json.value("adapters", Json::array());
    for (const Json& adapter : adapters) {
        if (!adapter.is_object()) continue;
        facts.adapters.push_back({text_of(adapter, "name"), text_of(adapter, "mac"),
                                  flag_of(adapter, "is_mac_static"), text_of(adapter, "switch")});
    }
    return facts;
}

}  // namespace entrepot::backup

// The calls of a restore, spoken by hand, for the simulator's own tests (hyperv-wmi.md 6.1).
#pragma once

#include "simulator.h"

#include <string>
#include <vector>

namespace entrepot::test {

/// Volume D:\VMs of the host, the switch that its VMs know, and an adapter on it.
Json import_config();

/// Exports web01 in full and puts the tree where the host has D:\VMs\NAME. Returns the .vmcx.
std::string place_export(const Simulator& simulator, Soap& soap, const std::string& name);

class Importer {
public:
    explicit Importer(Soap& soap) : soap_(soap) {}

    Answer call(const std::string& method, const std::string& parameters);
    Answer import(const std::string& definition, bool has_new_id);
    /// Waits for the import, which must end well; the id of the planned VM.
    std::string import_planned(const std::string& definition, bool has_new_id = true);
    Answer start(const std::string& method, const std::string& planned_id);
    /// Waits; the state in which the job ended.
    std::string run(const std::string& method, const std::string& planned_id);
    /// The texts of GetErrorEx of a job that ended.
    std::vector<std::string> errors(const Answer& ended);
    Answer modify_system(const std::string& id, const std::string& properties);
    Answer modify_resource(const std::string& instance);
    Answer destroy(const std::string& id, const char* class_name);
    Answer change_state(const std::string& id, int state);
    /// The InstanceIDs of a VM's settings of a class.
    std::vector<std::string> parts(const std::string& id, const char* class_name);

private:
    Soap& soap_;
};

std::string planned_reference(const char* parameter, const std::string& id);

}  // namespace entrepot::test

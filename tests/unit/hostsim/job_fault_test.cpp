// Jobs that show nonsense, hosts that reboot, other products' objects (F-WM-15 to F-WM-22).
#include "importer.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::test;

namespace {

std::string job_of(const Answer& started) {
    const std::size_t at = started.body.find("Name=\"InstanceID\">") + 18;
    return started.body.substr(at, 36);
}

Answer read_job(Soap& soap, const Answer& started) {
    return soap.get(std::string{kV2} + "Msvm_ConcreteJob", {{"InstanceID", job_of(started)}});
}

std::size_t count_foreign(const Json& list) {
    std::size_t count = 0;
    for (const Json& item : list)
        count += item.at("foreign").get<bool>() ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("hostsim job: states that no page knows, and progress that falls", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    simulator.plan_fault("CreateSnapshot", "odd-job-state:4711");
    const Answer odd = start_snapshot(soap, vm, 2);
    for (int i = 0; i < 3; ++i)
        CHECK(read_job(soap, odd).text("JobState") == "4711");
    const Answer ended = soap.wait(odd);
    CHECK(ended.text("JobState") == "7");

    simulator.plan_fault("ConvertToReferencePoint", "job-goes-back");
    const auto snapshots = simulator.control({"audit"}).at("snapshots");
    const Answer falling =
        start_convert(soap, "Microsoft:" + snapshots.at(0).at("id").get<std::string>());
    CHECK(read_job(soap, falling).text("PercentComplete") == "80");
    CHECK(read_job(soap, falling).text("PercentComplete") == "40");
    CHECK(read_job(soap, falling).text("JobState") == "3");
    CHECK(soap.wait(falling).text("JobState") == "7");

    simulator.plan_fault("CreateSnapshot", "complete-with-warning");
    simulator.plan_fault("CreateSnapshot", "job-full-but-running");
    const Answer full = start_snapshot(soap, vm, 2);
    const Answer first = read_job(soap, full);
    CHECK(first.text("PercentComplete") == "100");
    CHECK(first.text("JobState") == "4");
    CHECK(soap.wait(full).text("JobState") == "32768");
}

TEST_CASE("hostsim job: a reboot forgets the job and keeps what was done", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    const std::string snapshot = take_snapshot(soap, vm, 2);
    simulator.plan_fault("ExportSystemDefinition", "reboot");
    const Answer started = start_export(soap, vm, snapshot, "run");
    Answer answer = read_job(soap, started);
    while (!answer.has("a:DestinationUnreachable"))
        answer = read_job(soap, started);
    const Json audit = simulator.control({"audit"});
    CHECK(audit.at("snapshots").size() == 1);
    CHECK(audit.at("jobs").empty());
}

TEST_CASE("hostsim foreign objects: another product's appear at the same moment", "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string vm = vm_id(soap);
    simulator.plan_fault("CreateSnapshot", "foreign-object");
    const Answer made = soap.wait(start_snapshot(soap, vm, 2));
    CHECK(made.text("JobState") == "7");
    Json audit = simulator.control({"audit"});
    CHECK(audit.at("snapshots").size() == 2);
    CHECK(count_foreign(audit.at("snapshots")) == 1);
    for (const Json& snapshot : audit.at("snapshots")) {
        if (!snapshot.at("foreign").get<bool>()) continue;
        simulator.control({"checkpoint", "delete", "web01", snapshot.at("id")});
    }
    audit = simulator.control({"audit"});
    simulator.plan_fault("ConvertToReferencePoint", "foreign-object");
    convert(soap, "Microsoft:" + audit.at("snapshots").at(0).at("id").get<std::string>());
    CHECK(count_foreign(simulator.control({"audit"}).at("reference_points")) == 1);

    const std::string definition = place_export(simulator, soap, "copy");
    simulator.plan_fault("ImportSystemDefinition", "foreign-object");
    const std::string planned = importer.import_planned(definition);
    audit = simulator.control({"audit"});
    CHECK(audit.at("planned_vms").size() == 2);
    CHECK(count_foreign(audit.at("planned_vms")) == 1);
    simulator.plan_fault("RealizePlannedSystem", "foreign-object");
    CHECK(importer.run("RealizePlannedSystem", planned) == "7");
    CHECK(soap.query("SELECT * FROM Msvm_ComputerSystem").size() == 4);
    CHECK(simulator.control({"audit"}).at("imported_vms").size() == 1);
}

TEST_CASE("hostsim foreign objects: a planned VM of another product comes and goes", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string id = simulator.control({"planned", "create", "theirs"}).at("id");
    const auto shown = soap.query("SELECT * FROM Msvm_PlannedComputerSystem");
    REQUIRE(shown.size() == 1);
    CHECK(element_text(shown[0], "Name") == id);
    CHECK(element_text(shown[0], "ElementName") == "theirs");
    const Json audit = simulator.control({"audit"});
    CHECK(count_foreign(audit.at("planned_vms")) == 1);
    CHECK(count_foreign(audit.at("virtual_machines")) == 0);
    simulator.control({"planned", "remove", id});
    CHECK(simulator.control({"audit"}).at("planned_vms").empty());
}

TEST_CASE("hostsim events: a VM changes while its snapshot is made", "[hostsim]") {
    const auto kind = GENERATE(as<std::string>{}, "moved", "deleted", "renamed", "resized",
                               "disk-added", "disk-removed", "checkpointed");
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    simulator.plan_fault("CreateSnapshot", "vm-event:" + kind);
    const Answer ended = soap.wait(start_snapshot(soap, vm, 2));
    const bool is_gone = kind == "moved" || kind == "deleted";
    INFO(kind);
    CHECK(ended.text("JobState") == (is_gone ? "10" : "7"));
    CHECK(soap.query("SELECT * FROM Msvm_ComputerSystem").size() == (is_gone ? 1 : 2));
    const std::size_t snapshots = is_gone ? 0 : kind == "checkpointed" ? 2 : 1;
    CHECK(simulator.control({"audit"}).at("snapshots").size() == snapshots);
}

TEST_CASE("hostsim base: a point that is no good any more ends in each way that is known",
          "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    const std::string point = convert(soap, take_snapshot(soap, vm, 2));
    const std::string snapshot = take_snapshot(soap, vm, 2);
    simulator.plan_fault("ExportSystemDefinition", "stale-base:32773");
    CHECK(start_export(soap, vm, snapshot, "a", point).text("ReturnValue") == "32773");
    simulator.plan_fault("ExportSystemDefinition", "stale-base:0xC03A0030");
    CHECK(soap.wait(start_export(soap, vm, snapshot, "b", point))
              .text("ErrorDescription")
              .ends_with("(0xC03A0030)."));
    simulator.plan_fault("ExportSystemDefinition", "stale-base:full");
    CHECK(soap.wait(start_export(soap, vm, snapshot, "c", point)).text("JobState") == "7");
    CHECK(simulator.exports().back().at("complete") == true);

    simulator.control({"reference-point", "invalidate", "web01", "*", "0xC03A0022"});
    CHECK(soap.wait(start_export(soap, vm, snapshot, "d", point))
              .text("ErrorDescription")
              .ends_with("(0xC03A0022)."));
}

TEST_CASE("hostsim import faults: a twin appears, the planned VM vanishes, a problem is odd",
          "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string planned = importer.import_planned(place_export(simulator, soap, "copy"));
    simulator.plan_fault("ValidatePlannedSystem", "problem:12345");
    const auto odd = importer.errors(soap.wait(importer.start("ValidatePlannedSystem", planned)));
    REQUIRE(odd.size() == 1);
    CHECK(odd[0].find("12345") != std::string::npos);

    simulator.plan_fault("ValidatePlannedSystem", "planned-vanishes");
    CHECK(importer.run("ValidatePlannedSystem", planned) == "10");
    CHECK(importer.start("RealizePlannedSystem", planned).text("ReturnValue") == "32773");

    const std::string second =
        importer.import_planned("D:\\VMs\\copy\\Virtual Machines\\" + vm_id(soap) + ".vmcx");
    simulator.plan_fault("RealizePlannedSystem", "same-id-appears");
    const Answer refused = soap.wait(importer.start("RealizePlannedSystem", second));
    CHECK(refused.text("JobState") == "10");
    CHECK(importer.errors(refused).at(0).find("0x800700B7") != std::string::npos);
    CHECK(simulator.control({"audit"}).at("planned_vms").size() == 1);
    CHECK(simulator.control({"audit"}).at("imported_vms").empty());
    CHECK(std::filesystem::is_empty(simulator.path("state/disks")));
}

// Import, planned VMs, validation and realising, seen from outside (hyperv-wmi.md 2.8, 6.1).
#include "importer.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <fstream>

using namespace entrepot;
using namespace entrepot::test;

namespace {

const Json& imported_vm(const Json& audit) {
    return audit.at("imported_vms").at(0);
}

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::ofstream{path, std::ios::trunc | std::ios::binary} << text;
}

std::filesystem::path find_image(const std::filesystem::path& folder, const std::string& prefix) {
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        if (entry.path().filename().string().starts_with(prefix)) return entry.path();
    }
    return {};
}

}  // namespace

TEST_CASE("hostsim import: an export becomes a planned VM, then a VM with its disks", "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string source = vm_id(soap);
    simulator.guest_writes("a.raw", 3 * kMiB, 5 * kMiB, 'a');
    simulator.guest_writes("b.raw", kMiB, 4096, 'b');
    const std::string definition = place_export(simulator, soap, "copy");
    const auto exported = simulator.exports();

    const std::string planned = importer.import_planned(definition);
    CHECK(planned != source);
    const auto settings = soap.query(
        "SELECT * FROM Msvm_VirtualSystemSettingData WHERE VirtualSystemType="
        "'Microsoft:Hyper-V:System:Planned'");
    REQUIRE(settings.size() == 1);
    CHECK(element_text(settings[0], "InstanceID") == "Microsoft:" + planned);
    CHECK(element_text(settings[0], "ElementName").starts_with("web01 - ("));
    CHECK(element_text(settings[0], "ConfigurationDataRoot") == "D:\\VMs\\copy");
    CHECK(importer.parts(planned, "Msvm_StorageAllocationSettingData").size() == 2);
    CHECK(importer.parts(planned, "Msvm_SyntheticEthernetPortSettingData").size() == 1);
    CHECK(importer.parts(planned, "Msvm_EthernetPortAllocationSettingData").size() == 1);
    CHECK(importer.parts(planned, "Msvm_SecuritySettingData").size() == 1);

    const Answer renamed = soap.wait(importer.modify_system(
        planned, embedded_property("ElementName", "string", "web01 & <copy>")));
    CHECK(renamed.text("JobState") == "7");
    CHECK(importer.run("ValidatePlannedSystem", planned) == "7");
    const Answer realized = soap.wait(importer.start("RealizePlannedSystem", planned));
    REQUIRE(realized.text("JobState") == "7");

    const Json audit = simulator.control({"audit"});
    CHECK(audit.at("planned_vms").empty());
    const Json& vm = imported_vm(audit);
    CHECK(vm.at("id") == planned);
    CHECK(vm.at("name") == "web01 & <copy>");
    REQUIRE(vm.at("disks").size() == 2);
    CHECK(vm.at("disks").at(0).at("sha256") == exported.at(0).at("sha256"));
    CHECK(vm.at("disks").at(1).at("sha256") == exported.at(1).at("sha256"));
    CHECK(vm.at("adapters").at(0).at("mac") == "00155D010203");
    CHECK(std::filesystem::exists(
        simulator.path("volume/copy/Virtual Machines/" + planned + ".vmcx")));

    REQUIRE(soap.wait(importer.change_state(planned, 2)).text("JobState") == "7");
    CHECK(importer.change_state(planned, 2).text("ReturnValue") == "32775");
    const std::string snapshot = take_snapshot(soap, planned, 2);
    const std::string run = "again";
    REQUIRE(soap.wait(start_export(soap, planned, snapshot, run)).text("JobState") == "7");
    CHECK(simulator.exports().back().at("sha256") == exported.at(1).at("sha256"));
}

TEST_CASE("hostsim import: a VM of the same id stands in the way until it is gone", "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string source = vm_id(soap);
    const std::string definition = place_export(simulator, soap, "copy");

    const Answer refused = soap.wait(importer.import(definition, false));
    CHECK(refused.text("JobState") == "10");
    CHECK(refused.text("ErrorDescription").ends_with("(0x800700B7)."));
    CHECK(importer.destroy(source, "Msvm_ComputerSystem").text("ReturnValue") == "32775");
    soap.wait(importer.change_state(source, 3));
    CHECK(soap.wait(importer.destroy(source, "Msvm_ComputerSystem")).text("JobState") == "7");

    CHECK(importer.import_planned(definition, false) == source);
    CHECK(importer.import(definition, true).text("ReturnValue") == "32779");
    CHECK(importer.run("RealizePlannedSystem", source) == "7");
    CHECK(soap.query("SELECT * FROM Msvm_VirtualSystemReferencePoint").empty());
    const Answer used = importer.import(definition, true);
    CHECK(used.text("ReturnValue") == "32779");
}

TEST_CASE("hostsim import: what is no definition of this host's kind is refused", "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string definition = place_export(simulator, soap, "copy");
    const auto ended = [&](const std::string& path) {
        return soap.wait(importer.import(path, true)).text("ErrorDescription");
    };
    CHECK(ended("D:\\VMs\\copy\\Virtual Machines\\x.vmcx").ends_with("(0x80070002)."));
    CHECK(ended("D:\\VMs\\none\\x.vmcx").ends_with("(0x80070003)."));
    CHECK(ended("E:\\VMs\\x.vmcx").ends_with("(0x80070003)."));
    CHECK(ended("\\\\nowhere\\share\\x.vmcx").ends_with("(0x80070035)."));
    CHECK(importer.import("x.vmcx", true).text("ReturnValue") == "32773");

    write_text(simulator.path("volume/other.vmcx"), std::string(81920, 'x'));
    CHECK(ended("D:\\VMs\\other.vmcx").ends_with("(0x8007000D)."));
    CHECK(simulator.control({"audit"}).at("planned_vms").empty());
    // Windows does not tell the letters' case apart.
    CHECK_FALSE(importer.import_planned("d:\\vms\\COPY" + definition.substr(11)).empty());
}

TEST_CASE("hostsim import: an older host does not read a newer version", "[hostsim]") {
    Json config = import_config();
    config["host"] = {{"profile", "2019"}};
    config["virtual_machines"][0]["version"] = "10.0";
    const Simulator simulator{0, config};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string definition = place_export(simulator, soap, "copy");
    const Answer refused = soap.wait(importer.import(definition, true));
    CHECK(refused.text("ErrorDescription").ends_with("(0x80070032)."));

    simulator.plan_fault("ImportSystemDefinition", "late-version-check");
    const std::string planned = importer.import_planned(definition);
    const Answer found = soap.wait(importer.start("ValidatePlannedSystem", planned));
    CHECK(found.text("JobState") == "10");
    REQUIRE(importer.errors(found).size() == 1);
    CHECK(importer.errors(found)[0].find("0x80070032") != std::string::npos);
}

TEST_CASE("hostsim import: validation lists every problem at once", "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string planned = importer.import_planned(place_export(simulator, soap, "copy"));
    const auto disks = simulator.path("volume/copy/Virtual Hard Disks");
    std::filesystem::remove(disks / "web01.vhdx");
    write_text(disks / "web01-1.vhdx", std::string(2 * kMiB, 'x'));
    const std::string nowhere =
        "\\\\HV01\\root\\virtualization\\v2:Msvm_VirtualEthernetSwitch.CreationClassName="
        "\"Msvm_VirtualEthernetSwitch\",Name=\"11111111-2222-3333-4444-555555555555\"";
    const std::string connection =
        importer.parts(planned, "Msvm_EthernetPortAllocationSettingData").at(0);
    CHECK(soap.wait(importer.modify_resource(
                        embedded("Msvm_EthernetPortAllocationSettingData",
                                 embedded_property("InstanceID", "string", connection) +
                                     embedded_array("HostResource", {nowhere}))))
              .text("JobState") == "7");

    const Answer ended = soap.wait(importer.start("ValidatePlannedSystem", planned));
    CHECK(ended.text("JobState") == "10");
    CHECK(ended.text("ErrorCode") == "32768");
    const auto errors = importer.errors(ended);
    REQUIRE(errors.size() == 3);
    CHECK(errors[0].find("0x80070002") != std::string::npos);
    CHECK(errors[1].find("0xC03A0004") != std::string::npos);
    CHECK(errors[2].find("33012") != std::string::npos);
    CHECK(importer.run("RealizePlannedSystem", planned) == "10");
    CHECK(simulator.control({"audit"}).at("planned_vms").size() == 1);
    CHECK(simulator.control({"audit"}).at("imported_vms").empty());
}

TEST_CASE("hostsim import: a damaged image, a full volume, missing state files", "[hostsim]") {
    Json config = import_config();
    config["volumes"][0]["free_bytes"] = 1000;
    const Simulator simulator{0, config};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string source = vm_id(soap);
    const std::string planned = importer.import_planned(place_export(simulator, soap, "copy"));
    // The first entry of the block table points beyond the file.
    std::fstream image{simulator.path("volume/copy/Virtual Hard Disks/web01.vhdx"),
                       std::ios::in | std::ios::out | std::ios::binary};
    image.seekp(3 * kMiB);
    const char entry[8] = {6, 0, 0, 0, 0, 1, 0, 0};
    image.write(entry, sizeof entry);
    image.close();
    std::filesystem::remove(simulator.path("volume/copy/Virtual Machines/" + source + ".vmgs"));

    const auto errors =
        importer.errors(soap.wait(importer.start("ValidatePlannedSystem", planned)));
    REQUIRE(errors.size() == 3);
    CHECK(errors[0].find(".vmgs") != std::string::npos);
    CHECK(errors[1].find("0x80070070") != std::string::npos);
    CHECK(errors[2].find("0xC03A000A") != std::string::npos);
}

TEST_CASE("hostsim import: a missing switch can be a warning, the adapter is cut off",
          "[hostsim]") {
    Json config = import_config();
    config["host"] = {{"missing_switch", "warning"}};
    const Simulator simulator{0, config};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string planned = importer.import_planned(place_export(simulator, soap, "copy"));
    const std::string connection =
        importer.parts(planned, "Msvm_EthernetPortAllocationSettingData").at(0);
    const std::string gone =
        "Msvm_VirtualEthernetSwitch.CreationClassName=\"Msvm_VirtualEthernetSwitch\",Name=\"x\"";
    soap.wait(
        importer.modify_resource(embedded("Msvm_EthernetPortAllocationSettingData",
                                          embedded_property("InstanceID", "string", connection) +
                                              embedded_array("HostResource", {gone}))));
    const Answer warned = soap.wait(importer.start("ValidatePlannedSystem", planned));
    CHECK(warned.text("JobState") == "32768");
    CHECK(warned.text("ErrorCode") == "0");
    CHECK(importer.errors(warned).size() == 1);
    CHECK(importer.run("RealizePlannedSystem", planned) == "7");
    const Json audit = simulator.control({"audit"});
    CHECK(imported_vm(audit).at("adapters").at(0).at("connected") == false);
}

TEST_CASE("hostsim import: a planned VM outlives a restart and can be destroyed", "[hostsim]") {
    Simulator simulator{0, import_config()};
    std::string planned;
    {
        Soap soap{simulator};
        Importer importer{soap};
        planned = importer.import_planned(place_export(simulator, soap, "copy"));
    }
    simulator.stop();
    simulator.start();
    Soap soap{simulator};
    Importer importer{soap};
    CHECK(simulator.control({"audit"}).at("planned_vms").at(0).at("id") == planned);
    CHECK(importer.destroy(planned, "Msvm_ComputerSystem").text("ReturnValue") == "32773");
    CHECK(soap.wait(importer.destroy(planned, "Msvm_PlannedComputerSystem")).text("JobState") ==
          "7");
    CHECK(simulator.control({"audit"}).at("planned_vms").empty());
    CHECK(std::filesystem::exists(simulator.path("volume/copy/Virtual Hard Disks/web01.vhdx")));
}

TEST_CASE("hostsim import: a differential lies on its parent in the same folder", "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string vm = vm_id(soap);
    simulator.guest_writes("a.raw", 0, 3 * kMiB, 'a');
    const std::string first = take_snapshot(soap, vm, 2);
    REQUIRE(soap.wait(start_export(soap, vm, first, "run1")).text("JobState") == "7");
    const std::string point = convert(soap, first);
    simulator.guest_writes("a.raw", 2 * kMiB, 9 * kMiB, 'b');
    const std::string second = take_snapshot(soap, vm, 2);
    REQUIRE(soap.wait(start_export(soap, vm, second, "run2", point)).text("JobState") == "7");
    const auto exported = simulator.exports();
    std::filesystem::create_directories(simulator.path("volume"));
    std::filesystem::rename(simulator.path("exports/run2"), simulator.path("volume/run2"));
    const std::string definition = fmt::format("D:\\VMs\\run2\\Virtual Machines\\{}.vmcx", vm);
    const std::string planned = importer.import_planned(definition);
    const auto errors =
        importer.errors(soap.wait(importer.start("ValidatePlannedSystem", planned)));
    REQUIRE(errors.size() == 2);
    CHECK(errors[0].find("0xC03A000D") != std::string::npos);

    const auto target = simulator.path("volume/run2/Virtual Hard Disks");
    for (const char* name : {"web01.vhdx", "web01-1.vhdx"}) {
        std::filesystem::copy(simulator.path("exports/run1/Virtual Hard Disks") / name, target);
    }
    REQUIRE(importer.run("RealizePlannedSystem", planned) == "7");
    const Json audit = simulator.control({"audit"});
    CHECK(imported_vm(audit).at("disks").at(0).at("sha256") == exported.at(2).at("sha256"));
    CHECK(imported_vm(audit).at("disks").at(0).at("images").size() == 2);

    // A VM does not start without its disk.
    std::filesystem::remove(find_image(target, "web01.vhdx"));
    const Answer failed = soap.wait(importer.change_state(planned, 2));
    CHECK(failed.text("ErrorDescription").ends_with("(0xC03A000D)."));
}

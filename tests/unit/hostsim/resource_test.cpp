// Devices of planned VMs: media, drives, controllers, adapters (hyperv-wmi.md 2.3, 2.8).
#include "importer.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>

using namespace entrepot;
using namespace entrepot::test;

namespace {

constexpr const char* kDiskSettings = "Msvm_StorageAllocationSettingData";
constexpr const char* kSlotSettings = "Msvm_ResourceAllocationSettingData";

std::string path_of(const char* class_name, const std::string& id) {
    std::string doubled;
    for (const char c : id)
        doubled += c == '\\' ? std::string{"\\\\"} : std::string{c};
    return fmt::format("\\\\HV01\\root\\virtualization\\v2:{}.InstanceID=\"{}\"", class_name,
                       doubled);
}

std::string key(const std::string& id) {
    return embedded_property("InstanceID", "string", id);
}

std::string settings_reference(const std::string& vm) {
    return reference("AffectedConfiguration", "Msvm_VirtualSystemSettingData",
                     {{"InstanceID", "Microsoft:" + vm}});
}

std::string resource_of(Soap& soap, const std::string& class_name, const std::string& id) {
    const Answer answer = soap.get(std::string{kV2} + class_name, {{"InstanceID", id}});
    return answer.body;
}

}  // namespace

TEST_CASE("hostsim devices: a disk gets another path, and nothing else can be changed",
          "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string planned = importer.import_planned(place_export(simulator, soap, "copy"));
    const std::string disk = importer.parts(planned, kDiskSettings).at(0);
    CHECK(element_text(resource_of(soap, kDiskSettings, disk), "HostResource") ==
          "D:\\VMs\\copy\\Virtual Hard Disks\\web01.vhdx");

    const auto modify = [&](const std::string& properties) {
        return importer.modify_resource(embedded(kDiskSettings, key(disk) + properties));
    };
    const std::string path = "D:\\VMs\\elsewhere\\web01.vhdx";
    CHECK(soap.wait(modify(embedded_array("HostResource", {path}))).text("JobState") == "7");
    CHECK(element_text(resource_of(soap, kDiskSettings, disk), "HostResource") == path);
    CHECK(modify(embedded_property("HostResource", "string", path)).text("ReturnValue") == "32773");
    CHECK(modify(embedded_property("Nothing", "string", path)).text("ReturnValue") == "32773");
    CHECK(soap.wait(modify(embedded_array("HostResource", {"web01.vhdx"}))).text("ErrorCode") ==
          "32773");
    CHECK(soap.wait(modify(embedded_property("Parent", "string", "x"))).text("JobState") == "10");
    CHECK(importer
              .modify_resource(embedded(kDiskSettings, key("Microsoft:none\\0\\0\\L") +
                                                           embedded_array("HostResource", {path})))
              .text("ReturnValue") == "32773");
    CHECK(element_text(resource_of(soap, kDiskSettings, disk), "HostResource") == path);
}

TEST_CASE("hostsim devices: an adapter is cut off and gets another address", "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string planned = importer.import_planned(place_export(simulator, soap, "copy"));
    const char* kPort = "Msvm_SyntheticEthernetPortSettingData";
    const char* kConnection = "Msvm_EthernetPortAllocationSettingData";
    const std::string adapter = importer.parts(planned, kPort).at(0);
    const std::string connection = importer.parts(planned, kConnection).at(0);
    CHECK(element_text(resource_of(soap, kConnection, connection), "HostResource")
              .find("Msvm_VirtualEthernetSwitch") != std::string::npos);

    CHECK(soap.wait(importer.modify_resource(embedded(
                        kConnection, key(connection) + embedded_array("HostResource", {}))))
              .text("JobState") == "7");
    CHECK(element_text(resource_of(soap, kConnection, connection), "HostResource").empty());
    CHECK(element_text(resource_of(soap, kConnection, connection), "LastKnownSwitchName") ==
          "External");
    CHECK(
        soap.wait(importer.modify_resource(embedded(
                      kPort, key(adapter) + embedded_property("Address", "string", "00155DAABBCC") +
                                 embedded_property("StaticMacAddress", "boolean", "true"))))
            .text("JobState") == "7");
    CHECK(element_text(resource_of(soap, kPort, adapter), "Address") == "00155DAABBCC");

    const auto switches = soap.query("SELECT * FROM Msvm_VirtualEthernetSwitch");
    REQUIRE(switches.size() == 1);
    CHECK(element_text(switches[0], "ElementName") == "External");
    const std::string path = fmt::format(
        "\\\\HV01\\root\\virtualization\\v2:Msvm_VirtualEthernetSwitch.CreationClassName="
        "\"Msvm_VirtualEthernetSwitch\",Name=\"{}\"",
        element_text(switches[0], "Name"));
    soap.wait(importer.modify_resource(
        embedded(kConnection, key(connection) + embedded_array("HostResource", {path}))));
    CHECK(element_text(resource_of(soap, kConnection, connection), "EnabledState") == "2");
}

TEST_CASE("hostsim devices: drives and media are removed and added", "[hostsim]") {
    Json config = import_config();
    config["virtual_machines"][0]["dvd"] = "D:\\iso\\setup.iso";
    const Simulator simulator{0, config};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string planned = importer.import_planned(place_export(simulator, soap, "copy"));
    const auto media = importer.parts(planned, kDiskSettings);
    REQUIRE(media.size() == 3);
    CHECK(resource_of(soap, kDiskSettings, media[2]).find("Virtual CD/DVD Disk") !=
          std::string::npos);
    const auto removed =
        importer.call("RemoveResourceSettings",
                      reference("ResourceSettings", kDiskSettings, {{"InstanceID", media[2]}}));
    CHECK(soap.wait(removed).text("JobState") == "7");
    CHECK(importer.parts(planned, kDiskSettings).size() == 2);

    const auto slots = importer.parts(planned, kSlotSettings);
    const auto controller = std::find_if(
        slots.begin(), slots.end(), [](const std::string& id) { return !id.ends_with("\\D"); });
    REQUIRE(controller != slots.end());
    const auto add = [&](const std::string& instance) {
        return soap.wait(importer.call("AddResourceSettings",
                                       settings_reference(planned) + "<p:ResourceSettings>" +
                                           escape(instance) + "</p:ResourceSettings>"));
    };
    const std::string drive =
        embedded_property("ResourceType", "uint16", "17") +
        embedded_property("ResourceSubType", "string", "Microsoft:Hyper-V:Synthetic Disk Drive") +
        embedded_property("Parent", "string", path_of(kSlotSettings, *controller));
    const Answer added =
        add(embedded(kSlotSettings, drive + embedded_property("AddressOnParent", "string", "7")));
    CHECK(added.text("JobState") == "7");
    CHECK(add(embedded(kSlotSettings, drive + embedded_property("AddressOnParent", "string", "7")))
              .text("ErrorCode") == "32773");
    const auto now = importer.parts(planned, kSlotSettings);
    const auto slot = std::find_if(now.begin(), now.end(),
                                   [](const std::string& id) { return id.ends_with("\\7\\D"); });
    REQUIRE(slot != now.end());
    CHECK(add(embedded(kDiskSettings,
                       embedded_property("ResourceType", "uint16", "31") +
                           embedded_property("Parent", "string", path_of(kSlotSettings, *slot)) +
                           embedded_array("HostResource", {"D:\\VMs\\new.vhdx"})))
              .text("JobState") == "7");
    CHECK(importer.parts(planned, kDiskSettings).size() == 3);
}

TEST_CASE("hostsim settings: read-only properties fail the job, data roots can be moved",
          "[hostsim]") {
    const Simulator simulator{0, import_config()};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string planned = importer.import_planned(place_export(simulator, soap, "copy"));
    CHECK(soap.wait(importer.modify_system(planned, embedded_property("Version", "string", "9.0")))
              .text("JobState") == "10");
    for (const char* root : {"ConfigurationDataRoot", "SnapshotDataRoot", "SwapFileDataRoot"}) {
        CHECK(soap.wait(importer.modify_system(planned,
                                               embedded_property(root, "string", "D:\\VMs\\final")))
                  .text("JobState") == "7");
    }
    CHECK(importer.run("RealizePlannedSystem", planned) == "7");
    const auto folder = simulator.path("volume/final/Virtual Machines");
    CHECK(std::filesystem::exists(folder / (planned + ".vmcx")));
    CHECK(std::filesystem::exists(folder / (planned + ".vmgs")));
    CHECK(std::filesystem::exists(folder / (planned + ".VMRS")));

    const Answer summary = importer.call("GetDefinitionFileSummaryInformation",
                                         "<p:DefinitionFiles>D:\\VMs\\final\\Virtual Machines\\" +
                                             planned + ".vmcx</p:DefinitionFiles>");
    CHECK(summary.text("ReturnValue") == "0");
    CHECK(summary.text("Version") == "10.0");
    CHECK(summary.has("xsi:type=\"o:Msvm_SummaryInformation_Type\""));
    const Answer size =
        importer.call("GetSizeOfSystemFiles", reference("Vssd", "Msvm_VirtualSystemSettingData",
                                                        {{"InstanceID", "Microsoft:" + planned}}));
    CHECK(size.text("Size") == "4280902");

    CHECK(soap.wait(importer.destroy(planned, "Msvm_ComputerSystem")).text("JobState") == "7");
    CHECK_FALSE(std::filesystem::exists(folder / (planned + ".vmcx")));
    CHECK(std::filesystem::exists(simulator.path("volume/copy/Virtual Hard Disks/web01.vhdx")));
}

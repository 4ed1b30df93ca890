// What hosts of each release declare, answer and refuse (hyperv-wmi.md 7.3, 9).
#include "importer.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::test;

namespace {

Json with_profile(const std::string& release) {
    Json config = import_config();
    config["host"] = {{"profile", release}};
    return config;
}

std::string settings_of(Soap& soap, const std::string& vm) {
    return soap
        .get(std::string{kV2} + "Msvm_VirtualSystemSettingData",
             {{"InstanceID", "Microsoft:" + vm}})
        .body;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("hostsim profile: the build, the caption and the VM's version fit", "[hostsim]") {
    using Row = std::tuple<const char*, const char*, const char*>;
    const auto [release, build, version] = GENERATE(table<const char*, const char*, const char*>(
        {Row{"2016", "14393", "8.0"}, Row{"2019", "17763", "9.0"}, Row{"2022", "20348", "10.0"},
         Row{"2025", "26100", "12.0"}}));
    const Simulator simulator{0, with_profile(release)};
    Soap soap{simulator};
    const auto facts = soap.query("SELECT * FROM Win32_OperatingSystem", kCimv2);
    CHECK(element_text(facts.at(0), "BuildNumber") == build);
    CHECK(has(element_text(facts.at(0), "Caption"), release));
    CHECK(element_text(settings_of(soap, vm_id(soap)), "Version") == version);
}

TEST_CASE("hostsim profile: 2016 lacks what 1703 and 1709 brought", "[hostsim]") {
    const Simulator simulator{0, with_profile("2016")};
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    const std::string settings = settings_of(soap, vm);
    CHECK_FALSE(has(settings, "GuestStateFile"));
    CHECK_FALSE(has(settings, "IsAutomaticSnapshot"));
    CHECK(has(settings, "<p:BaseBoardSerialNumber xsi:nil=\"true\"/>"));

    const std::string snapshot = take_snapshot(soap, vm, 2);
    const std::string text =
        embedded("Msvm_VirtualSystemExportSettingData",
                 embedded_property("CopySnapshotConfiguration", "uint8", "3") +
                     embedded_property("DisableDifferentialOfIgnoredStorage", "boolean", "false"));
    Importer importer{soap};
    const Answer refused =
        importer.call("ExportSystemDefinition",
                      reference("ComputerSystem", "Msvm_ComputerSystem",
                                {{"CreationClassName", "Msvm_ComputerSystem"}, {"Name", vm}}) +
                          "<p:ExportDirectory>\\\\appliance\\exports\\x</"
                          "p:ExportDirectory><p:ExportSettingData>" +
                          escape(text) + "</p:ExportSettingData>");
    CHECK(refused.text("ReturnValue") == "32773");
    const Answer no_method =
        soap.invoke("Msvm_VirtualSystemReferencePointService", "ImportReferencePointMetadata", "");
    CHECK(no_method.has("a:ActionNotSupported"));

    REQUIRE(soap.wait(start_export(soap, vm, snapshot, "run")).text("JobState") == "7");
    const auto folder = simulator.path("exports/run/Virtual Machines");
    CHECK(std::filesystem::exists(folder / (vm + ".vmcx")));
    CHECK_FALSE(std::filesystem::exists(folder / (vm + ".vmgs")));
}

TEST_CASE("hostsim profile: an export of 2016 is imported there, without .vmgs", "[hostsim]") {
    const Simulator simulator{0, with_profile("2016")};
    Soap soap{simulator};
    Importer importer{soap};
    const std::string planned = importer.import_planned(place_export(simulator, soap, "copy"));
    CHECK(importer.run("ValidatePlannedSystem", planned) == "7");
    CHECK(importer.run("RealizePlannedSystem", planned) == "7");
}

TEST_CASE("hostsim profile: 2025 declares more, nil where it is not used", "[hostsim]") {
    const Simulator simulator{0, with_profile("2025")};
    Soap soap{simulator};
    const std::string settings = settings_of(soap, vm_id(soap));
    CHECK(has(settings, "<p:GuestStateIsolationEnabled xsi:nil=\"true\"/>"));
    // A NULL array is not there at all.
    CHECK_FALSE(has(settings, "NumaNodeTopologyArray"));
    const Simulator older{0, with_profile("2022")};
    Soap other{older};
    CHECK_FALSE(has(settings_of(other, vm_id(other)), "GuestStateIsolationEnabled"));
}

TEST_CASE("hostsim profile: a host without the role has no such namespace", "[hostsim]") {
    Json config = import_config();
    config["host"] = {{"hyper_v", false}};
    const Simulator simulator{0, config};
    Soap soap{simulator};
    const Answer refused = soap.enumerate(std::string{kV2} + "Msvm_ComputerSystem", "");
    CHECK(refused.has("2150858811"));
    CHECK(refused.has("0x8004100E"));
    CHECK(soap.query("SELECT * FROM Win32_OperatingSystem", kCimv2).size() == 1);
    const Answer cluster = soap.enumerate(
        "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/mscluster/MSCluster_Node", "");
    CHECK(cluster.has("0x8004100E"));
}

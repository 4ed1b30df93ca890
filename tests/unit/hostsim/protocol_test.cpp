// The WinRM endpoint seen by a client that knows nothing of the product (wsman.md 3 to 11, 14).
#include "simulator.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::test;

namespace {

constexpr const char* kSystems =
    "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/Msvm_ComputerSystem";

std::string code_of(const Answer& answer) {
    const std::size_t at = answer.body.find("Code=\"");
    if (at == std::string::npos) return {};
    return answer.body.substr(at + 6, answer.body.find('"', at + 6) - at - 6);
}

}  // namespace

TEST_CASE("hostsim login: Basic is checked, schemes are offered one by one", "[hostsim]") {
    const Simulator simulator;
    CHECK(Soap{simulator}.post(identify_envelope()).text("ProductVendor") ==
          "Microsoft Corporation");
    CHECK(Soap{simulator, "HV01\\backup:secret"}.post(identify_envelope()).status == 200);

    const Answer refused = Soap{simulator, "backup:wrong"}.post(identify_envelope());
    CHECK(refused.status == 401);
    CHECK(refused.offers == std::vector<std::string>{"Negotiate", "Basic realm=\"WSMAN\""});
    CHECK(refused.body.empty());
    CHECK(simulator.control({"audit"}).at("failed_logins") == 1);
}

TEST_CASE("hostsim login: rights decide what is seen", "[hostsim]") {
    const Simulator simulator;
    Soap guest{simulator, "guest:secret"};
    CHECK(code_of(guest.enumerate(kSystems, "")) == "5");
    Soap reader{simulator, "reader:secret"};
    CHECK(reader.query("SELECT * FROM Msvm_ComputerSystem").empty());
    CHECK(reader.query("SELECT * FROM Win32_OperatingSystem", kCimv2).size() == 1);
}

TEST_CASE("hostsim enumerate: one item per pull unless more are asked for", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const Answer begun = soap.enumerate(kSystems, "");
    REQUIRE(begun.status == 200);
    CHECK_FALSE(begun.has("Items"));
    const std::string first = begun.text("EnumerationContext");

    const Answer one = soap.pull(kSystems, first);
    CHECK(one.has("xsi:type=\"p:Msvm_ComputerSystem_Type\""));
    CHECK_FALSE(one.has("EndOfSequence"));
    CHECK(code_of(soap.pull(kSystems, first)) == "2150858779");

    const Answer rest = soap.pull(kSystems, one.text("EnumerationContext"), 50);
    CHECK(rest.has("</n:Items><n:EndOfSequence/>"));
    CHECK(rest.text("EnumerationContext").empty());
    CHECK(rest.has("<p:NameFormat xsi:nil=\"true\"/>"));

    const Answer optimized =
        soap.enumerate(kSystems, "<w:OptimizeEnumeration/><w:MaxElements>50</w:MaxElements>");
    CHECK(optimized.has("<w:Items>"));
    CHECK(optimized.has("<w:EndOfSequence/>"));
    CHECK(simulator.control({"audit"}).at("enumeration_contexts") == 0);
}

TEST_CASE("hostsim enumerate: a context expires and can be released", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string context = soap.enumerate(kSystems, "").text("EnumerationContext");
    simulator.control({"clock", "+5m"});
    CHECK(code_of(soap.pull(kSystems, context)) == "2150858779");
}

TEST_CASE("hostsim query: WQL is refused where Windows refuses it", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string filter =
        "<w:Filter Dialect=\"http://schemas.microsoft.com/wbem/wsman/1/WQL\">";
    const auto run = [&](const std::string& uri, const std::string& wql) {
        return code_of(soap.enumerate(uri, filter + wql + "</w:Filter>"));
    };
    const std::string any = std::string{kV2} + "*";
    CHECK(run(kSystems, "SELECT * FROM Msvm_ComputerSystem") == "2150859003");
    CHECK(run(any, "SELECT * FROM Msvm_Nothing") == "2150858778");
    CHECK(run(any, "SELECT * FROM Msvm_ComputerSystem WHERE Nothing=1") == "2150858778");
    CHECK(run(any, "SELECT FROM WHERE") == "2150858778");

    simulator.plan_fault("*", "refuse-wql");
    CHECK(run(any, "SELECT * FROM Msvm_ComputerSystem") == "2150858778");
    CHECK(run(any, "SELECT * FROM Msvm_ComputerSystem").empty());
}

TEST_CASE("hostsim query: associations and projections", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    const auto disks = soap.query(
        "ASSOCIATORS OF {Msvm_VirtualSystemSettingData.InstanceID="
        "'Microsoft:" +
        vm +
        "'} WHERE AssocClass="
        "Msvm_VirtualSystemSettingDataComponent ResultClass="
        "Msvm_StorageAllocationSettingData");
    REQUIRE(disks.size() == 2);
    CHECK(element_text(disks[0], "HostResource").ends_with("\\web01.vhdx"));

    const auto facts = soap.query("SELECT BuildNumber FROM Win32_OperatingSystem", kCimv2);
    REQUIRE(facts.size() == 1);
    CHECK(facts[0].find("<BuildNumber>20348</BuildNumber>") != std::string::npos);
    CHECK(facts[0].find("Caption") == std::string::npos);

    CHECK(soap.query("SELECT * FROM Msvm_StorageAllocationSettingData WHERE InstanceID LIKE "
                     "'%\\\\Default'")
              .size() == 1);
}

TEST_CASE("hostsim get: selectors are checked", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    const std::string settings = std::string{kV2} + "Msvm_VirtualSystemSettingData";
    CHECK(soap.get(settings, {{"InstanceID", "Microsoft:" + vm}}).text("ElementName") == "web01");
    CHECK(soap.get(kSystems, {{"Name", vm}}).has("a:DestinationUnreachable"));
    CHECK(code_of(soap.get(settings, {})) == "2150858842");
    CHECK(code_of(soap.get(settings, {{"Name", "x"}})) == "2150858843");
    CHECK(code_of(soap.get(std::string{kV2} + "Msvm_Nothing", {{"Name", "x"}})) == "2150858752");
    CHECK(code_of(soap.send("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", settings, "",
                            {{"InstanceID", "Microsoft:" + vm}},
                            "<w:OperationTimeout>PT-1S</w:OperationTimeout>")) == "2150858767");
    CHECK(soap.send("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", settings, "",
                    {{"InstanceID", "Microsoft:" + vm}},
                    "<z:Secret xmlns:z=\"urn:z\" s:mustUnderstand=\"true\"/>")
              .has("s:MustUnderstand"));
}

TEST_CASE("hostsim invoke: parameters are checked against the schema", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const char* service = "Msvm_VirtualSystemManagementService";
    const std::string uri = std::string{kV2} + service;
    const auto modify = [&](const std::string& settings) {
        return soap.invoke(service, "ModifySystemSettings",
                           "<p:SystemSettings>" + settings + "</p:SystemSettings>");
    };
    const Answer bare =
        soap.send(uri + "/FormatError", uri, "<p:FormatError_INPUT xmlns:p=\"" + uri + "\"/>");
    CHECK(bare.has("0x8004102F"));
    CHECK(code_of(soap.invoke(service, "Explode", "")) == "2150858771");
    CHECK(code_of(soap.invoke(service, "FormatError", "<p:Nothing>1</p:Nothing>")) == "2150858837");
    CHECK(code_of(modify("<p:Msvm_X xmlns:p=\"urn:x\"><p:Y>1</p:Y></p:Msvm_X>")) == "2150858817");

    const auto instance = [&](const std::string& value, const std::string& name = "ElementName") {
        return escape("<INSTANCE CLASSNAME=\"Msvm_VirtualSystemSettingData\"><PROPERTY NAME=\"" +
                      name + "\" TYPE=\"string\"><VALUE>" + value +
                      "</VALUE></PROPERTY></INSTANCE>");
    };
    CHECK(modify(instance("a &amp; b")).text("ReturnValue") == "32768");
    CHECK(modify(instance("a &lt; b")).text("ReturnValue") == "32773");
    CHECK(modify(instance("a", "Nothing")).text("ReturnValue") == "32773");
}

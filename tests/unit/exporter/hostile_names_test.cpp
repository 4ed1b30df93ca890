// Names are data, whatever they look like (threats F-WM-21, F-WM-24).
#include "base/error.h"
#include "exporter/hyperv/hyperv_host.h"
#include "tests/unit/exporter/fake_hyperv.h"

#include <catch2/catch.hpp>

namespace entrepot::hyperv {
namespace {

std::string vm_guid(int number) {
    return fmt::format("AAAAAAAA-0000-4000-8000-{:012X}", number);
}

void add_vm(FakeHyperV& host, int number, const std::string& name) {
    host.lists["Msvm_ComputerSystem"].push_back(
        instance_xml("Msvm_ComputerSystem",
                     {{"Name", vm_guid(number)}, {"ElementName", name}, {"EnabledState", "2"}}));
    host.lists["Msvm_VirtualSystemSettingData"].push_back(
        instance_xml("Msvm_VirtualSystemSettingData",
                     {{"InstanceID", "Microsoft:" + vm_guid(number)},
                      {"VirtualSystemIdentifier", vm_guid(number)},
                      {"VirtualSystemType", "Microsoft:Hyper-V:System:Realized"},
                      {"Version", "9.0"}}));
}

const std::vector<std::string>& odd_names() {
    static const std::vector<std::string> kNames{
        "R&D <web> \"one\" 'two'",
        "two\nlines\tand a tab",
        "right to left \xE2\x80\xAE and back",
        "..\\..\\Windows\\System32",
        "../../etc/passwd",
        "]]>&#38;&amp;",
        "\xE4\xBB\xAE\xE6\x83\xB3\xE3\x83\x9E\xE3\x82\xB7\xE3\x83\xB3",
        "{brace} % $(x) `y`",
        std::string(16'384, 'x'),
    };
    return kNames;
}

}  // namespace

TEST_CASE("names: every name comes through as it is", "[F-WM-24][hyperv]") {
    FakeHyperV fake;
    for (std::size_t i = 0; i < odd_names().size(); ++i)
        add_vm(fake, static_cast<int>(i), odd_names()[i]);

    const auto vms = fake.connect()->list_vms();
    REQUIRE(vms.size() == odd_names().size());
    for (std::size_t i = 0; i < odd_names().size(); ++i) {
        const auto found = std::find_if(vms.begin(), vms.end(), [&](const Vm& vm) {
            return vm.id == vm_guid(static_cast<int>(i));
        });
        REQUIRE(found != vms.end());
        CHECK(found->name == odd_names()[i]);
    }
}

TEST_CASE("names: what is sent holds a name as text alone", "[F-WM-24][hyperv]") {
    FakeHyperV fake;
    fake.methods["ModifySystemSettings"] = [](const auto&) { return code_output(0); };
    const auto host = fake.connect();
    for (const std::string& name : odd_names()) {
        host->rename_snapshot("Microsoft:" + vm_guid(1), name);
        const auto envelope = wsman::parse_xml(fake.transport->requests.back().body, "a request");
        const auto& body = envelope.child(wsman::ns::kSoap, "Body").children.at(0);
        const auto inner = wsman::parse_xml(body.children.at(0).text, "the instance");
        // InstanceID and the name: nothing that was in the name has become an element.
        REQUIRE(inner.children.size() == 2);
        CHECK(inner.children.at(1).child("", "VALUE").text == name);
    }
    CHECK_THROWS_AS(host->rename_snapshot("x", std::string{"a\0b", 3}), Error);
    CHECK_THROWS_AS(host->rename_snapshot("x", "a\x01"), Error);
}

TEST_CASE("names: two VMs of one name are two, each with its own parts", "[F-WM-21][hyperv]") {
    FakeHyperV fake;
    add_vm(fake, 1, "web01");
    add_vm(fake, 2, "web01");
    fake.lists["Msvm_VirtualSystemReferencePoint"] = {
        instance_xml("Msvm_VirtualSystemReferencePoint",
                     {{"InstanceID", "rp"}, {"VirtualSystemIdentifier", vm_guid(2)}})};
    const auto host = fake.connect();

    const auto vms = host->list_vms();
    REQUIRE(vms.size() == 2);
    CHECK(vms[0].id != vms[1].id);
    for (const Vm& vm : vms)
        CHECK(vm.reference_points.size() == (vm.id == vm_guid(2) ? 1 : 0));
    CHECK(host->read_vm(vm_guid(2)).id == vm_guid(2));
}

}  // namespace entrepot::hyperv

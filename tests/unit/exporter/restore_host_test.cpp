// The calls of a restore against a scripted host: planned VMs, what is sent, what is read.
#include "exporter/hyperv/restore_host.h"

#include "base/error.h"
#include "exporter/cim/embedded_instance.h"
#include "tests/unit/exporter/fake_hyperv.h"

#include <catch2/catch.hpp>

namespace entrepot::hyperv {
namespace {

constexpr const char* kPlanned = "AAAAAAAA-0000-4000-8000-00000000000A";
const std::string kSettings = std::string{"Microsoft:"} + kPlanned;
const JobRef kJob{"Msvm_ConcreteJob", "J1", false};

std::string path_text(const std::string& class_name, const std::string& id) {
    std::string doubled;
    for (const char c : id)
        doubled += c == '\\' ? "\\\\" : std::string(1, c);
    return "\\\\HV01\\root\\virtualization\\v2:" + class_name + ".InstanceID=\"" + doubled + "\"";
}

std::string switch_path(const std::string& id) {
    return "\\\\HV01\\root\\virtualization\\v2:Msvm_VirtualEthernetSwitch."
           "CreationClassName=\"Msvm_VirtualEthernetSwitch\",Name=\"" +
           id + "\"";
}

std::string adapter(const std::string& port, const std::string& mac) {
    return instance_xml("Msvm_SyntheticEthernetPortSettingData",
                        {{"InstanceID", kSettings + "\\" + port},
                         {"ElementName", "Netzwerkkarte " + port},
                         {"Address", mac},
                         {"StaticMacAddress", "true"}});
}

std::string connection(const std::string& port, const std::string& switch_id,
                       const std::string& state) {
    const std::string id = kSettings + "\\" + port;
    return instance_xml("Msvm_EthernetPortAllocationSettingData",
                        {{"InstanceID", id + "\\C"},
                         {"Parent", path_text("Msvm_SyntheticEthernetPortSettingData", id)},
                         {"HostResource", switch_path(switch_id)},
                         {"LastKnownSwitchName", "Old LAN"},
                         {"EnabledState", state}});
}

void add_planned(FakeHyperV& host) {
    host.lists["Msvm_PlannedComputerSystem"] = {instance_xml(
        "Msvm_PlannedComputerSystem", {{"CreationClassName", "Msvm_PlannedComputerSystem"},
                                       {"Name", kPlanned},
                                       {"ElementName", "stale"}})};
    host.lists["Msvm_VirtualSystemSettingData"] = {
        instance_xml("Msvm_VirtualSystemSettingData",
                     {{"InstanceID", kSettings},
                      {"ElementName", "Entrepot 0123"},
                      {"VirtualSystemIdentifier", kPlanned},
                      {"VirtualSystemType", "Microsoft:Hyper-V:System:Planned"},
                      {"Version", "9.0"},
                      {"Notes", "first"},
                      {"Notes", "second"},
                      {"ConfigurationDataRoot", "\\\\appliance\\exports\\run"}})};
    const std::string drive = kSettings + "\\C1\\0\\0\\D";
    host.lists["Msvm_ResourceAllocationSettingData"] = {
        instance_xml(
            "Msvm_ResourceAllocationSettingData",
            {{"InstanceID", kSettings + "\\C1\\0"}, {"ResourceType", "6"}, {"Address", "0"}}),
        instance_xml(
            "Msvm_ResourceAllocationSettingData",
            {{"InstanceID", drive},
             {"ResourceType", "17"},
             {"ResourceSubType", "Microsoft:Hyper-V:Synthetic Disk Drive"},
             {"AddressOnParent", "3"},
             {"Parent", path_text("Msvm_ResourceAllocationSettingData", kSettings + "\\C1\\0")}})};
    host.lists["Msvm_StorageAllocationSettingData"] = {
        instance_xml("Msvm_StorageAllocationSettingData",
                     {{"InstanceID", kSettings + "\\C1\\0\\0\\L"},
                      {"ResourceSubType", "Microsoft:Hyper-V:Virtual Hard Disk"},
                      {"HostResource", "C:\\old\\a.avhdx"},
                      {"Parent", path_text("Msvm_ResourceAllocationSettingData", drive)}}),
        instance_xml("Msvm_StorageAllocationSettingData",
                     {{"InstanceID", kSettings + "\\C1\\0\\1\\L"},
                      {"ResourceSubType", "Microsoft:Hyper-V:Virtual CD/DVD Disk"},
                      {"HostResource", "C:\\iso\\a.iso"}})};
    host.lists["Msvm_SyntheticEthernetPortSettingData"] = {adapter("P1", "00155D010203"),
                                                           adapter("P2", "000000000000")};
    host.lists["Msvm_EthernetPortAllocationSettingData"] = {connection("P1", "s1", "2"),
                                                            connection("P2", "S9", "3")};
    host.lists["Msvm_VirtualEthernetSwitch"] = {
        instance_xml("Msvm_VirtualEthernetSwitch", {{"Name", "S1"}, {"ElementName", "LAN"}})};
    host.lists["Msvm_SecuritySettingData"] = {instance_xml(
        "Msvm_SecuritySettingData", {{"InstanceID", kSettings + "\\X"}, {"TpmEnabled", "true"}})};
}

std::string sent(const FakeHyperV& fake) {
    return fake.transport->requests.back().body;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

NetworkAdapter some_adapter() {
    NetworkAdapter one;
    one.class_name = "Msvm_SyntheticEthernetPortSettingData";
    one.instance_id = kSettings + "\\P1";
    one.connection_id = kSettings + "\\P1\\C";
    return one;
}

}  // namespace

TEST_CASE("restore host: a planned VM is read with disks, media, network and TPM", "[hyperv]") {
    const bool takes_queries = GENERATE(true, false);
    FakeHyperV fake;
    add_planned(fake);
    fake.takes_queries = takes_queries;
    const auto host = fake.connect_for_restore();

    const auto vm = host->find_planned_vm("aaaaaaaa-0000-4000-8000-00000000000a");
    REQUIRE(vm);
    CHECK(vm->id == kPlanned);
    CHECK(vm->name == "Entrepot 0123");
    CHECK(vm->notes == std::vector<std::string>{"first", "second"});
    CHECK(vm->data_roots == std::vector<std::string>{"\\\\appliance\\exports\\run"});
    REQUIRE(vm->disks.size() == 1);
    CHECK(vm->disks[0].drive_id == kSettings + "\\C1\\0\\0\\D");
    CHECK(vm->disks[0].location == 3);
    CHECK(vm->disks[0].controller == "scsi");
    REQUIRE(vm->hardware.media.size() == 1);
    CHECK(vm->hardware.media[0].path == "C:\\iso\\a.iso");
    REQUIRE(vm->hardware.adapters.size() == 2);
    const NetworkAdapter& first = vm->hardware.adapters[0];
    CHECK(first.mac_address == "00155D010203");
    CHECK(first.is_mac_static);
    CHECK(first.connection_id == kSettings + "\\P1\\C");
    CHECK(first.switch_name == "LAN");  // As this host calls it, whatever was last known.
    CHECK(first.is_connected);
    const NetworkAdapter& second = vm->hardware.adapters[1];
    CHECK(second.mac_address.empty());
    CHECK(second.switch_name == "Old LAN");
    CHECK_FALSE(second.is_connected);
    CHECK(vm->hardware.has_tpm == true);
    CHECK_FALSE(host->find_planned_vm("BBBBBBBB-0000-4000-8000-00000000000B"));
}

TEST_CASE("restore host: an import says file, folder and identifier, and names what it made",
          "[hyperv]") {
    FakeHyperV fake;
    const bool is_synchronous = GENERATE(false, true);
    fake.methods["ImportSystemDefinition"] = [&](const auto&) {
        if (!is_synchronous) return job_output("J1");
        return "<p:ImportedSystem>" +
               reference_xml(
                   "Msvm_PlannedComputerSystem",
                   {{"CreationClassName", "Msvm_PlannedComputerSystem"}, {"Name", kPlanned}}) +
               "</p:ImportedSystem>" + code_output(0);
    };
    fake.lists["Msvm_PlannedComputerSystem"] = {
        instance_xml("Msvm_PlannedComputerSystem", {{"Name", kPlanned}})};
    const auto host = fake.connect_for_restore();

    const JobRef job =
        host->start_import({"\\\\appliance\\a&b\\x.vmcx", SystemIdentifier::generate});
    const std::string body = sent(fake);
    CHECK(has(body, "<p:SystemDefinitionFile>\\\\appliance\\a&amp;b\\x.vmcx<"));
    CHECK(has(body, "<p:SnapshotFolder></p:SnapshotFolder>"));
    CHECK(has(body, "<p:GenerateNewSystemIdentifier>true<"));
    CHECK(host->list_affected_planned_vms(job) == std::vector<std::string>{kPlanned});
    host->start_import({"x.vmcx", SystemIdentifier::keep});
    CHECK(has(sent(fake), "<p:GenerateNewSystemIdentifier>false<"));
}

TEST_CASE("restore host: a refused import is not asked for again and says the code", "[hyperv]") {
    FakeHyperV fake;
    fake.methods["ImportSystemDefinition"] = [](const auto&) { return code_output(32779); };
    const auto host = fake.connect_for_restore();
    CHECK_THROWS_WITH(host->start_import({"x.vmcx", SystemIdentifier::keep}),
                      Catch::Contains("32779"));
    CHECK(fake.call_count("ImportSystemDefinition") == 1);
}

TEST_CASE("restore host: changes name their object and hold nothing else", "[hyperv]") {
    FakeHyperV fake;
    for (const char* method :
         {"ModifySystemSettings", "ModifyResourceSettings", "RemoveResourceSettings"})
        fake.methods[method] = [](const auto&) { return code_output(0); };
    const auto host = fake.connect_for_restore();

    host->change_planned_vm({kSettings, "web & <01>", {"a", "b"}, "D:\\VMs"});
    CHECK(has(sent(fake), "ConfigurationDataRoot"));
    CHECK(has(sent(fake), "web &amp;#38; &amp;#60;01&amp;#62;"));
    host->set_disk_path(kSettings + "\\L", "D:\\VMs\\a.vhdx");
    CHECK(has(sent(fake), "Msvm_StorageAllocationSettingData"));
    CHECK(has(sent(fake), "HostResource"));
    CHECK_FALSE(has(sent(fake), "CachingMode"));
    host->disconnect_adapter(some_adapter());
    CHECK(has(sent(fake), "P1\\C"));
    CHECK(has(sent(fake), "&lt;VALUE&gt;3&lt;"));
    CHECK_FALSE(has(sent(fake), "HostResource"));
    host->connect_adapter(some_adapter(), "S1");
    CHECK(has(sent(fake), "&lt;VALUE&gt;2&lt;"));
    CHECK(has(sent(fake), "\\\\HV01\\root\\virtualization\\v2:Msvm_VirtualEthernetSwitch"));
    host->let_host_choose_mac(some_adapter());
    CHECK(has(sent(fake), "StaticMacAddress"));
    host->remove_settings({{"Msvm_StorageAllocationSettingData", kSettings + "\\L"}});
    CHECK(has(sent(fake), "<w:Selector Name=\"InstanceID\">" + kSettings + "\\L<"));
}

TEST_CASE("restore host: a change that fails at the host is an error with its code", "[hyperv]") {
    FakeHyperV fake;
    fake.methods["ModifyResourceSettings"] = [](const auto&) { return job_output("J1"); };
    fake.objects["J1"] = instance_xml("Msvm_ConcreteJob",
                                      {{"InstanceID", "J1"},
                                       {"JobState", "10"},
                                       {"ErrorCode", "32768"},
                                       {"ErrorDescription", "Zugriff verweigert (0x80070005)."}});
    const auto host = fake.connect_for_restore();
    CHECK_THROWS_WITH(host->set_disk_path(kSettings + "\\L", "D:\\a.vhdx"),
                      Catch::Contains("0x80070005"));
}

TEST_CASE("restore host: problems keep number, object and words apart, and none is lost",
          "[hyperv]") {
    FakeHyperV fake;
    const std::string connection_id = kSettings + "\\P1\\C";
    fake.methods["GetErrorEx"] = [&](const auto&) {
        const auto error = [](const cim::EmbeddedInstance& one) {
            return "<p:Errors>" + wsman::escape_xml(one.to_xml()) + "</p:Errors>";
        };
        return error(cim::EmbeddedInstance{"Msvm_Error"}
                         .text("Message", "Schalter fehlt (0x80070490)")
                         .text("MessageID", "33012")
                         .text("ErrorSource", path_text("Msvm_EthernetPortAllocationSettingData",
                                                        connection_id))) +
               error(cim::EmbeddedInstance{"Msvm_Error"}.text("Message", "\xE4\xBD\x95")) +
               "<p:Errors>no XML (0x80004005)</p:Errors>" + code_output(0);
    };
    const auto host = fake.connect_for_restore();

    const auto problems = host->read_problems(kJob);
    REQUIRE(problems.size() == 3);
    CHECK(problems[0].hresult == 0x80070490);
    CHECK(problems[0].message_id == "33012");
    CHECK(problems[0].source_class == "Msvm_EthernetPortAllocationSettingData");
    CHECK(problems[0].source_id == connection_id);
    CHECK(problems[1].hresult == 0);
    CHECK(problems[1].text == "\xE4\xBD\x95");
    CHECK(problems[2].hresult == 0x80004005);
    CHECK(host->read_problems({"", "", true}).empty());
}

TEST_CASE("restore host: a disk file that cannot be opened is an answer", "[hyperv]") {
    FakeHyperV fake;
    int code = 32779;
    fake.methods["GetVirtualHardDiskSettingData"] = [&](const auto&) {
        if (code != 0) return code_output(code);
        return "<p:SettingData>" +
               wsman::escape_xml(cim::EmbeddedInstance{"Msvm_VirtualHardDiskSettingData"}
                                     .text("VirtualDiskId", "11111111-0000-4000-8000-000000000003")
                                     .text("MaxInternalSize", "4194304")
                                     .to_xml()) +
               "</p:SettingData>" + code_output(0);
    };
    const auto host = fake.connect_for_restore();

    const DiskFileLook closed = host->look_at_disk_file("\\\\a\\b\\c.vhdx");
    CHECK_FALSE(closed.is_readable);
    CHECK(has(closed.reason, "32779"));
    code = 0;
    const DiskFileLook open = host->look_at_disk_file("\\\\a\\b\\c.vhdx");
    CHECK(open.is_readable);
    CHECK(open.size_bytes == 4194304);
    CHECK(open.virtual_disk_id->to_string() == "11111111-0000-4000-8000-000000000003");
}

TEST_CASE("restore host: VMs are told with their notes, running jobs by their type", "[hyperv]") {
    FakeHyperV fake;
    fake.lists["Msvm_ComputerSystem"].push_back(
        instance_xml("Msvm_ComputerSystem",
                     {{"Name", kPlanned}, {"ElementName", "web01"}, {"EnabledState", "3"}}));
    fake.lists["Msvm_VirtualSystemSettingData"] = {
        instance_xml("Msvm_VirtualSystemSettingData",
                     {{"InstanceID", kSettings},
                      {"VirtualSystemIdentifier", kPlanned},
                      {"VirtualSystemType", "Microsoft:Hyper-V:System:Realized"},
                      {"Notes", "Entrepot restore 1"}})};
    const auto job = [](const std::string& id, const std::string& type, const std::string& state) {
        return instance_xml("Msvm_ConcreteJob",
                            {{"InstanceID", id}, {"JobType", type}, {"JobState", state}});
    };
    fake.lists["Msvm_ConcreteJob"] = {job("J1", "61", "4"), job("J2", "61", "7"),
                                      job("J3", "141", "4"), job("J4", "62", "4")};
    const auto host = fake.connect_for_restore();

    const auto vms = host->list_vm_identities();
    REQUIRE(vms.size() == 1);
    CHECK(vms[0].state == "off");
    CHECK(vms[0].notes == std::vector<std::string>{"Entrepot restore 1"});
    const auto imports = host->list_running_jobs(JobKind::import);
    REQUIRE(imports.size() == 1);
    CHECK(imports[0].instance_id == "J1");
    CHECK(host->list_running_jobs(JobKind::realise).at(0).instance_id == "J3");
}

}  // namespace entrepot::hyperv

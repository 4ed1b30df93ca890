// The calls of the contract against a scripted host: inventory, jobs, exports, and what is sent.
#include "exporter/hyperv/hyperv_host.h"

#include "base/error.h"
#include "base/file_system.h"
#include "exporter/cim/embedded_instance.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/exporter/fake_hyperv.h"

#include <catch2/catch.hpp>

namespace entrepot::hyperv {
namespace {

constexpr const char* kVm = "AAAAAAAA-0000-4000-8000-000000000001";
constexpr const char* kSnapshot = "Microsoft:BBBBBBBB-0000-4000-8000-000000000002";

std::string settings(const std::string& id, const std::string& type, const std::string& name) {
    return instance_xml("Msvm_VirtualSystemSettingData",
                        {{"InstanceID", id},
                         {"ElementName", name},
                         {"VirtualSystemIdentifier", kVm},
                         {"VirtualSystemType", type},
                         {"VirtualSystemSubType", "Microsoft:Hyper-V:SubType:2"},
                         {"Version", "9.0"}});
}

std::string resource(const std::string& id, int type, const std::string& sub_type,
                     const std::string& parent, const std::string& address) {
    return instance_xml("Msvm_ResourceAllocationSettingData",
                        {{"InstanceID", id},
                         {"ResourceType", std::to_string(type)},
                         {"ResourceSubType", "Microsoft:Hyper-V:" + sub_type},
                         {"Parent", parent},
                         {"Address", address},
                         {"AddressOnParent", address}});
}

std::string path_of(const std::string& id) {
    std::string doubled;
    for (const char c : id)
        doubled += c == '\\' ? "\\\\" : std::string(1, c);
    return "\\\\HV01\\root\\virtualization\\v2:Msvm_ResourceAllocationSettingData.InstanceID=\"" +
           doubled + "\"";
}

std::string image(const std::string& id, const std::string& drive, const std::string& file) {
    return instance_xml("Msvm_StorageAllocationSettingData",
                        {{"InstanceID", id},
                         {"ResourceType", "31"},
                         {"ResourceSubType", "Microsoft:Hyper-V:Virtual Hard Disk"},
                         {"Parent", path_of(drive)},
                         {"HostResource", file}});
}

void add_vm(FakeHyperV& host) {
    const std::string base = std::string{"Microsoft:"} + kVm;
    host.lists["Msvm_ComputerSystem"].push_back(
        instance_xml("Msvm_ComputerSystem", {{"Name", kVm},
                                             {"ElementName", "R&D <web>"},
                                             {"Caption", "\xE4\xBB\xAE\xE6\x83\xB3"},
                                             {"EnabledState", "2"},
                                             {"OperationalStatus", "2"}}));
    host.lists["Msvm_VirtualSystemSettingData"] = {
        settings(base, "Microsoft:Hyper-V:System:Realized", "R&D <web>"),
        settings(kSnapshot, "Microsoft:Hyper-V:Snapshot:Recovery", "ours")};
    host.lists["Msvm_ResourceAllocationSettingData"] = {
        resource(base + "\\C1\\0", 6, "Synthetic SCSI Controller", "", "0"),
        resource(base + "\\C1\\0\\1\\D", 17, "Synthetic Disk Drive", path_of(base + "\\C1\\0"),
                 "1"),
        resource(base + "\\C1\\0\\0\\D", 17, "Synthetic Disk Drive", path_of(base + "\\C1\\0"),
                 "0"),
        resource(base + "\\C1\\0\\2\\D", 17, "Physical Disk Drive", path_of(base + "\\C1\\0"),
                 "2")};
    host.lists["Msvm_StorageAllocationSettingData"] = {
        image("Microsoft:Definition\\X\\Default", "", ""),
        image(base + "\\C1\\0\\1\\L", base + "\\C1\\0\\1\\D", "D:\\b.vhd"),
        image(base + "\\C1\\0\\0\\L", base + "\\C1\\0\\0\\D", "D:\\a.VHDX"),
        image(std::string{kSnapshot} + "\\C1\\0\\0\\L", "", "D:\\a.vhdx")};
    host.lists["Msvm_VirtualSystemReferencePoint"] = {instance_xml(
        "Msvm_VirtualSystemReferencePoint", {{"InstanceID", "rp1"},
                                             {"VirtualSystemIdentifier", kVm},
                                             {"ReferencePointType", "2"},
                                             {"VirtualDiskIdentifiers", base + "\\C1\\0\\0\\L"},
                                             {"ResilientChangeTrackingIdentifiers", "rctX:1"}})};
}

std::string job(const std::vector<std::pair<std::string, std::string>>& properties) {
    return instance_xml("Msvm_ConcreteJob", properties);
}

const JobRef kJob{"Msvm_ConcreteJob", "J1", false};

}  // namespace

TEST_CASE("host: the inventory joins flat lists", "[hyperv]") {
    FakeHyperV fake;
    add_vm(fake);
    const auto host = fake.connect();

    const auto vms = host->list_vms();
    REQUIRE(vms.size() == 1);
    const Vm& vm = vms[0];
    CHECK(vm.id == kVm);
    CHECK(vm.name == "R&D <web>");
    CHECK(vm.state == "running");
    CHECK(vm.version == "9.0");
    CHECK(vm.generation == 2);
    REQUIRE(vm.disks.size() == 3);
    CHECK(vm.disks[0].path == "D:\\a.VHDX");
    CHECK(vm.disks[0].controller == "scsi");
    CHECK(vm.disks[0].slot_id == "C1\\0\\0\\L");
    CHECK(vm.disks[0].cannot_back_up.empty());
    CHECK(vm.disks[1].location == 1);
    CHECK(vm.disks[1].cannot_back_up.find("VHDX") != std::string::npos);
    CHECK(vm.disks[2].cannot_back_up.find("physical") != std::string::npos);
    REQUIRE(vm.snapshots.size() == 1);
    CHECK(vm.snapshots[0].is_recovery);
    REQUIRE(vm.reference_points.size() == 1);
    CHECK(vm.reference_points[0].rct_ids == std::vector<std::string>{"rctX:1"});
    CHECK(fake.transport->requests.size() == 15);

    const auto frozen = host->list_snapshot_disks(kSnapshot);
    REQUIRE(frozen.size() == 1);
    CHECK(frozen[0].slot_id == vm.disks[0].slot_id);
}

TEST_CASE("host: the inventory tells what a VM is besides its disks", "[hyperv]") {
    FakeHyperV fake;
    add_vm(fake);
    const std::string base = std::string{"Microsoft:"} + kVm;
    fake.lists["Msvm_VssComponent"] = {
        instance_xml("Msvm_VssComponent",
                     {{"SystemName", kVm}, {"EnabledState", "2"}, {"OperationalStatus", "12"}})};
    fake.lists["Msvm_HeartbeatComponent"] = {
        instance_xml("Msvm_HeartbeatComponent",
                     {{"SystemName", kVm}, {"EnabledState", "2"}, {"OperationalStatus", "2"}})};
    fake.lists["Msvm_SecuritySettingData"] = {instance_xml(
        "Msvm_SecuritySettingData", {{"InstanceID", base + "\\X"}, {"TpmEnabled", "true"}})};
    fake.lists["MSCluster_Resource"] = {instance_xml(
        "MSCluster_Resource",
        {{"Type", "Virtual Machine"},
         {"OwnerNode", "NODE2"},
         {"PrivateProperties", std::string{"<q:VmID xmlns:q=\"u\">"} + kVm + "</q:VmID>"}})};
    auto& settings_list = fake.lists["Msvm_VirtualSystemSettingData"];
    settings_list[0].insert(settings_list[0].rfind("</"), "<p:Notes>ask Kim</p:Notes>");

    const Vm vm = fake.connect()->list_vms().at(0);
    REQUIRE(vm.integration_services.size() == 2);
    CHECK(vm.integration_services[0].name == "backup");
    CHECK(vm.integration_services[0].is_enabled);
    CHECK_FALSE(vm.integration_services[0].is_working);
    CHECK(vm.integration_services[1].is_working);
    CHECK(vm.has_tpm);
    CHECK(vm.notes == "ask Kim");
    CHECK(vm.owner_node == "NODE2");
    CHECK(vm.disks[0].format == "vhdx");
    CHECK(vm.disks[1].format == "vhd");
    CHECK(vm.disks[2].is_pass_through);
}

TEST_CASE("host: classes that a host does not have leave their part open", "[hyperv]") {
    FakeHyperV fake;
    add_vm(fake);
    fake.unknown_classes = {"Msvm_VssComponent", "Msvm_SecuritySettingData", "*"};

    const Vm vm = fake.connect()->list_vms().at(0);
    CHECK(vm.integration_services.empty());
    CHECK_FALSE(vm.has_tpm);
    CHECK(vm.owner_node.empty());
}

TEST_CASE("host: of one VM only its own parts are asked for", "[hyperv]") {
    FakeHyperV fake;
    add_vm(fake);
    fake.linked["Msvm_LastAppliedSnapshot"] = {
        settings(kSnapshot, "Microsoft:Hyper-V:Snapshot:Realized", "before")};
    fake.methods["GetVirtualHardDiskSettingData"] = [](const auto&) { return code_output(32768); };
    const auto host = fake.connect();

    const Vm vm = host->read_vm(kVm);
    CHECK(vm.last_applied_snapshot == kSnapshot);
    CHECK(vm.current_snapshot.empty());
    CHECK(vm.disks.size() == 3);
    for (const auto& request : fake.transport->requests) {
        const std::string action = wsman::action_of(request);
        const bool is_whole_list =
            action.ends_with("/Enumerate") && request.body.find("<w:Filter") == std::string::npos;
        if (!is_whole_list) continue;
        // Services are singletons.
        CHECK(request.body.find("Service</w:ResourceURI>") != std::string::npos);
    }
}

TEST_CASE("host: a host that takes no queries is asked once and filtered here", "[hyperv]") {
    FakeHyperV fake;
    add_vm(fake);
    fake.takes_queries = false;
    const auto host = fake.connect();

    CHECK(host->list_snapshots(kVm).size() == 1);
    CHECK(host->list_snapshots("CCCCCCCC-0000-4000-8000-000000000009").empty());
    CHECK(host->list_reference_points(kVm).size() == 1);
    const auto queries =
        std::count_if(fake.transport->requests.begin(), fake.transport->requests.end(),
                      [](const auto& one) { return one.body.find("SELECT") != std::string::npos; });
    CHECK(queries == 1);
}

TEST_CASE("host: a VM is read with its disks' identity, and missed with a code", "[hyperv]") {
    FakeHyperV fake;
    add_vm(fake);
    fake.methods["GetVirtualHardDiskSettingData"] = [](const auto&) {
        return "<p:SettingData>" +
               wsman::escape_xml(cim::EmbeddedInstance{"Msvm_VirtualHardDiskSettingData"}
                                     .text("VirtualDiskId", "11111111-0000-4000-8000-000000000003")
                                     .text("MaxInternalSize", "10737418240")
                                     .u32("LogicalSectorSize", 4096)
                                     .to_xml()) +
               "</p:SettingData>" + code_output(0);
    };
    const auto host = fake.connect();

    const Vm vm = host->read_vm(kVm);
    CHECK(vm.disks.at(0).size_bytes == 10'737'418'240);
    CHECK(vm.disks.at(0).logical_sector_size == 4096);
    CHECK(vm.disks.at(0).virtual_disk_id->to_string() == "11111111-0000-4000-8000-000000000003");
    CHECK(fake.call_count("GetVirtualHardDiskSettingData") == 1);
    fake.lists["Msvm_ComputerSystem"].pop_back();
    CHECK_THROWS_WITH(host->read_vm(kVm), Catch::Contains(kVm));
}

TEST_CASE("host: a disk below checkpoints counts all its images, a strange chain none",
          "[hyperv]") {
    FakeHyperV fake;
    add_vm(fake);
    int chain = 3;
    fake.methods["GetVirtualHardDiskSettingData"] = [&](const auto&) {
        const std::string parent = chain > 0 ? fmt::format("C:\\VMs\\{}.vhdx", --chain) : "";
        return "<p:SettingData>" +
               wsman::escape_xml(cim::EmbeddedInstance{"Msvm_VirtualHardDiskSettingData"}
                                     .text("VirtualDiskId", "11111111-0000-4000-8000-000000000003")
                                     .text("ParentPath", parent)
                                     .text("MaxInternalSize", "10737418240")
                                     .to_xml()) +
               "</p:SettingData>" + code_output(0);
    };
    fake.methods["GetVirtualHardDiskState"] = [](const auto&) {
        return "<p:State>" +
               wsman::escape_xml(cim::EmbeddedInstance{"Msvm_VirtualHardDiskState"}
                                     .text("FileSize", "1000")
                                     .to_xml()) +
               "</p:State>" + code_output(0);
    };
    const auto host = fake.connect();
    CHECK(host->read_vm(kVm).disks.at(0).file_size_bytes == 4'000);
    SECTION("a chain without end") {
        chain = 1'000'000;
        CHECK(host->read_vm(kVm).disks.at(0).file_size_bytes == 0);
    }
    SECTION("a host that does not say") {
        fake.methods.erase("GetVirtualHardDiskState");
        const Vm vm = host->read_vm(kVm);
        CHECK(vm.disks.at(0).file_size_bytes == 0);
        CHECK(vm.disks.at(0).size_bytes == 10'737'418'240);
    }
}

TEST_CASE("host: an account without rights is told so", "[hyperv]") {
    FakeHyperV fake;
    fake.lists.clear();
    const auto host = fake.connect();

    CHECK_THROWS_WITH(host->list_vms(), Catch::Contains("shows neither"));
    CHECK_THROWS_WITH(host->start_destroy_snapshot(kSnapshot),
                      Catch::Contains("Msvm_VirtualSystemSnapshotService"));
}

TEST_CASE("host: a snapshot is asked for as Windows wants it", "[hyperv]") {
    FakeHyperV fake;
    fake.methods["CreateSnapshot"] = [](const auto&) { return job_output("J1"); };
    const auto host = fake.connect();

    const JobRef started = host->start_create_snapshot(kVm, ConsistencyLevel::crash, "Entrepot 1");
    CHECK(started.instance_id == "J1");
    CHECK(started.class_name == "Msvm_ConcreteJob");
    CHECK(!started.is_synchronous);
    const std::string& sent = fake.transport->requests.back().body;
    CHECK(sent.find("<p:SnapshotType>32768</p:SnapshotType>") != std::string::npos);
    CHECK(sent.find("TYPE=&quot;uint8&quot;&gt;&lt;VALUE&gt;2&lt;/VALUE&gt;") != std::string::npos);
    CHECK(sent.find("NAME=&quot;ElementName&quot;") != std::string::npos);
    CHECK(sent.find("EndpointReference>") == std::string::npos);
    const JobRef again = JobRef::from_json(started.to_json());
    CHECK(again.instance_id == started.instance_id);
    CHECK_THROWS_AS(JobRef::from_json(Json{{"class", 1}}), Error);
}

TEST_CASE("host: a snapshot is asked for without a name where the host takes none", "[hyperv]") {
    const int refusal = GENERATE(4, 32773);
    FakeHyperV fake;
    fake.methods["CreateSnapshot"] = [&](const wsman::HttpRequest& request) {
        const bool is_named = request.body.find("ElementName") != std::string::npos;
        return is_named ? code_output(refusal) : job_output("J1");
    };
    const auto host = fake.connect();

    CHECK(host->start_create_snapshot(kVm, ConsistencyLevel::crash, "Entrepot 1").instance_id ==
          "J1");
    fake.methods["CreateSnapshot"] = [&](const auto&) { return code_output(refusal); };
    CHECK_THROWS_AS(host->start_create_snapshot(kVm, ConsistencyLevel::crash, "Entrepot 1"), Error);
}

TEST_CASE("host: what was made at once is named by the call", "[hyperv]") {
    FakeHyperV fake;
    fake.methods["CreateSnapshot"] = [](const auto&) {
        return "<p:ResultingSnapshot>" +
               reference_xml("Msvm_VirtualSystemSettingData", {{"InstanceID", kSnapshot}}) +
               "</p:ResultingSnapshot>" + code_output(0);
    };
    const auto host = fake.connect();

    const JobRef done =
        host->start_create_snapshot(kVm, ConsistencyLevel::application, "Entrepot 1");
    CHECK(done.is_synchronous);
    CHECK(host->read_job(done).state == JobState::completed);
    CHECK(host->list_affected_snapshots(done) == std::vector<std::string>{kSnapshot});
    CHECK(host->list_affected_reference_points(done).empty());
}

TEST_CASE("host: an export names snapshot and base by full paths", "[hyperv]") {
    FakeHyperV fake;
    fake.lists["Msvm_VirtualSystemExportSettingData"] = {
        instance_xml("Msvm_VirtualSystemExportSettingData", {{"DifferentialBackupBase", ""}})};
    fake.methods["ExportSystemDefinition"] = [](const auto&) { return job_output("J2"); };
    const auto host = fake.connect();
    ExportRequest request{kVm, kSnapshot, "\\\\appliance\\exports\\r&d", "rp\\1", {}};

    CHECK(host->start_export(request).instance_id == "J2");
    const std::string& sent = fake.transport->requests.back().body;
    CHECK(sent.find("\\\\appliance\\exports\\r&amp;d</p:ExportDirectory>") != std::string::npos);
    CHECK(sent.find("\\\\HV01\\root\\virtualization\\v2:Msvm_VirtualSystemReferencePoint."
                    "InstanceID=&amp;#34;rp\\\\1&amp;#34;,VirtualSystemIdentifier=&amp;#34;") !=
          std::string::npos);
    CHECK(sent.find("ExcludedVirtualHardDisks") == std::string::npos);

    request.excluded_disk_ids = {"Microsoft:X\\L"};
    // A host that cannot leave disks out is not asked to: an unknown property is refused.
    CHECK(host->start_export(request).instance_id == "J2");
    CHECK(fake.transport->requests.back().body.find("ExcludedVirtualHardDisks") ==
          std::string::npos);
}

TEST_CASE("host: disks are excluded where the host's class can", "[hyperv]") {
    FakeHyperV fake;
    add_vm(fake);
    fake.methods["ExportSystemDefinition"] = [](const auto&) { return job_output("J2"); };
    fake.lists["Msvm_VirtualSystemExportSettingData"] = {instance_xml(
        "Msvm_VirtualSystemExportSettingData",
        {{"DifferentialBackupBase", ""}, {"DisableDifferentialOfIgnoredStorage", "false"}})};
    const auto host = fake.connect();

    host->start_export({kVm, kSnapshot, "\\\\a\\b", "", {"Microsoft:X\\L"}});
    CHECK(fake.transport->requests.back().body.find("ExcludedVirtualHardDisks") !=
          std::string::npos);
}

TEST_CASE("host: a refused path is tried once more in relative form, no other code is",
          "[hyperv]") {
    const int code = GENERATE(32773, 32775);
    FakeHyperV fake;
    fake.methods["ExportSystemDefinition"] = [&](const auto&) { return code_output(code); };
    const auto host = fake.connect();

    CHECK_THROWS_WITH(host->start_export({kVm, kSnapshot, "\\\\a\\b", "", {}}),
                      Catch::Contains(std::to_string(code)));
    CHECK(fake.call_count("ExportSystemDefinition") == (code == 32773 ? 2 : 1));
}

TEST_CASE("host: a job's end is told by documented states and its error code",
          "[F-WM-17][hyperv]") {
    using Row = std::tuple<std::string, std::string, JobState>;
    const auto [state, error_code, expected] = GENERATE(values<Row>({
        {"2", "0", JobState::running},
        {"4", "0", JobState::running},
        {"4711", "0", JobState::running},
        {"7", "0", JobState::completed},
        {"32768", "0", JobState::completed},
        {"7", "32768", JobState::failed},
        {"8", "0", JobState::failed},
        {"10", "32768", JobState::failed},
    }));
    FakeHyperV fake;
    fake.objects["J1"] = job({{"InstanceID", "J1"},
                              {"JobState", state},
                              {"ErrorCode", error_code},
                              {"PercentComplete", "100"},
                              {"ErrorDescription", "Kein Platz (0x80070070)."}});
    const auto host = fake.connect();

    const JobStatus status = host->read_job(kJob);
    CHECK(status.state == expected);
    CHECK(status.hresult == (expected == JobState::failed ? 0x80070070U : 0U));
}

TEST_CASE("host: a failure without words is asked for them, a job that is gone is vanished",
          "[F-WM-16][hyperv]") {
    FakeHyperV fake;
    fake.objects["J1"] = job({{"InstanceID", "J1"}, {"JobState", "10"}, {"ErrorCode", "32768"}});
    fake.methods["GetErrorEx"] = [](const auto&) {
        return "<p:Errors>" +
               wsman::escape_xml(cim::EmbeddedInstance{"Msvm_Error"}
                                     .text("Message", "\xE5\xA4\xB1\xE6\x95\x97 (0xC03A0029)")
                                     .to_xml()) +
               "</p:Errors>" + code_output(0);
    };
    const auto host = fake.connect();

    const JobStatus status = host->read_job(kJob);
    CHECK(status.hresult == 0xC03A0029);
    CHECK(status.error_text.find("0xC03A0029") != std::string::npos);
    CHECK(host->read_job({"Msvm_ConcreteJob", "J9", false}).state == JobState::vanished);
}

TEST_CASE("host: affected elements are found with and without queries", "[hyperv]") {
    const bool takes_queries = GENERATE(true, false);
    FakeHyperV fake;
    add_vm(fake);
    fake.takes_queries = takes_queries;
    const auto row = [](const std::string& job_id, const std::string& class_name,
                        const std::string& id) {
        return instance_xml(
            "Msvm_AffectedJobElement",
            {{"AffectingElement", reference_xml("Msvm_ConcreteJob", {{"InstanceID", job_id}})},
             {"AffectedElement", reference_xml(class_name, {{"InstanceID", id}})}});
    };
    fake.lists["Msvm_AffectedJobElement"] = {
        row("J0", "Msvm_VirtualSystemSettingData", "Microsoft:other"),
        row("J1", "Msvm_ComputerSystem", "x"),
        row("J1", "Msvm_VirtualSystemSettingData", kSnapshot)};
    fake.objects[kSnapshot] = settings(kSnapshot, "Microsoft:Hyper-V:Snapshot:Recovery", "ours");
    const auto host = fake.connect();

    CHECK(host->list_affected_snapshots(kJob) == std::vector<std::string>{kSnapshot});
}

TEST_CASE("host: exports of a VM are found after a crash, ended ones too", "[hyperv]") {
    FakeHyperV fake;
    fake.lists["Msvm_ConcreteJob"] = {
        job({{"InstanceID", "J1"}, {"JobType", "62"}, {"JobState", "4"}}),
        job({{"InstanceID", "J2"}, {"JobType", "62"}, {"JobState", "7"}}),
        job({{"InstanceID", "J3"}, {"JobType", "70"}, {"JobState", "4"}}),
        job({{"InstanceID", "J4"}, {"JobType", "62"}, {"JobState", "4"}})};
    const auto row = [](const std::string& job_id, const std::string& vm_id) {
        return instance_xml(
            "Msvm_AffectedJobElement",
            {{"AffectingElement", reference_xml("Msvm_ConcreteJob", {{"InstanceID", job_id}})},
             {"AffectedElement", reference_xml("Msvm_ComputerSystem", {{"Name", vm_id}})}});
    };
    fake.lists["Msvm_AffectedJobElement"] = {row("J1", kVm), row("J2", kVm), row("J4", "other")};
    const auto host = fake.connect();

    const auto found = host->list_export_jobs(kVm);
    REQUIRE(found.size() == 2);
    CHECK(found[0].instance_id == "J1");
    CHECK(found[1].instance_id == "J2");
}

TEST_CASE("host: a job is terminated, then killed", "[hyperv]") {
    FakeHyperV fake;
    fake.objects["J1"] = job({{"InstanceID", "J1"}, {"JobState", "4"}});
    std::string states;
    fake.methods["RequestStateChange"] = [&](const wsman::HttpRequest& request) {
        const std::string state =
            wsman::text_between(request.body, "<p:RequestedState>", "</p:RequestedState>");
        states += state;
        return code_output(state == "4" ? 32775 : 0);
    };
    const auto host = fake.connect();

    host->cancel_job(kJob);
    CHECK(states.starts_with("45"));
    fake.objects.clear();
    CHECK_NOTHROW(host->cancel_job(kJob));
}

TEST_CASE("host: merging is switched on only where it is off", "[hyperv]") {
    FakeHyperV fake;
    const auto setting = [](const std::string& id, const std::string& state) {
        return instance_xml("Msvm_DiskMergeSettingData",
                            {{"InstanceID", id}, {"EnabledState", state}});
    };
    const std::string base = std::string{"Microsoft:"} + kVm;
    fake.lists["Msvm_DiskMergeSettingData"] = {
        setting(base + "\\d1", "0"), setting(base + "\\d2", "1"),
        setting("Microsoft:CCCCCCCC-0000-4000-8000-000000000009\\d1", "0")};
    fake.methods["ModifyDiskMergeSettings"] = [](const auto&) { return code_output(0); };
    const auto host = fake.connect();

    host->ensure_merge_enabled(kVm);
    CHECK(fake.call_count("ModifyDiskMergeSettings") == 1);
    CHECK(fake.transport->requests.back().body.find("\\d1") != std::string::npos);
}

TEST_CASE("host: the record holds no proof of who we are", "[hyperv]") {
    const test::TemporaryDirectory directory;
    FakeHyperV fake;
    fake.record_directory = directory.path() / "record";
    const auto host = fake.connect();
    host->list_vms();

    PosixFileSystem files;
    const Bytes bytes = files.read_file(fake.record_directory / "000001.json", kMiB);
    const std::string text{as_text(bytes)};
    CHECK(text.find("Msvm_ComputerSystem") != std::string::npos);
    CHECK(text.find("Authorization") == std::string::npos);
    CHECK(text.find(to_base64(as_bytes("backup:pass"))) == std::string::npos);
    CHECK(fake.transport->requests.at(0).headers.size() == 2);
}

TEST_CASE("host: plain HTTP and a missing certificate are refused before anything is sent",
          "[hyperv]") {
    ManualClock clock{WallTime{}};
    NullLog log;
    Connection connection;
    connection.url = "http://hv01:5985/wsman";
    CHECK_THROWS_WITH(connect({clock, log}, connection, {}), Catch::Contains("not allowed"));
    connection.encryption = MessageEncryption::over_http;
    CHECK_NOTHROW(connect({clock, log}, connection, {}));

    connection.authentication = Authentication::basic;
    const auto basic = connect({clock, log}, connection, {});
    CHECK_THROWS_WITH(basic->list_vms(), Catch::Contains("cannot encrypt"));
    connection.url = "https://hv01:5986/wsman";
    connection.authentication = Authentication::certificate;
    CHECK_THROWS_WITH(connect({clock, log}, connection, {}),
                      Catch::Contains("no client certificate"));
}

}  // namespace entrepot::hyperv

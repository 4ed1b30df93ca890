// quota, os, role, rights, schema, vms, guests: hosts that let us in and are not as they should be.
#include "tests/doctor/expectations.h"

#include <fmt/format.h>

namespace entrepot::test {
namespace {

using doctor::Result;

constexpr const char* kWeb = "AAAAAAAA-0000-4000-8000-000000000001";

Json user_in(const std::vector<std::string>& groups) {
    return {
        {"users",
         Json::array({{{"name", "HV01\\backup"}, {"password", "p&ss <1>"}, {"groups", groups}}})}};
}

Json host_of_build(std::uint32_t build) {
    return {{"host", {{"name", "HV01"}, {"os_build", build}, {"schema", "windows-server-2019"}}}};
}

Json one_vm(const Json& more) {
    Json vm{{"id", kWeb},
            {"name", "web01"},
            {"generation", 2},
            {"version", "9.0"},
            {"state", "running"},
            {"guest_vss", true},
            {"disks", Json::array({{{"raw", "web01.raw"}, {"controller", "scsi"}}})}};
    vm.update(more);
    return {{"virtual_machines", Json::array({vm})}};
}

/// Starts the simulator, examines, and expects these failures.
void expect_failure_of(const Json& changes, const std::set<std::string>& ids) {
    const Simulator simulator{changes};
    Stage stage;
    stage.use(simulator);
    expect_failures(stage, ids);
}

void expect_check_of(const Json& changes, const std::string& id, Result result) {
    const Simulator simulator{changes};
    Stage stage;
    stage.use(simulator);
    expect_check(stage, id, result);
}

}  // namespace

TEST_CASE("doctor: an account without any group, and with one of two", "[doctor]") {
    if (!Simulator::is_available()) return;
    SECTION("none") {
        expect_failure_of(user_in({}), {"rights.winrm-denied"});
    }
    SECTION("a local account that Hyper-V shows nothing") {
        expect_failure_of(user_in({"Remote Management Users"}), {"rights.filtered-local"});
    }
    SECTION("an account of the domain that Hyper-V shows nothing") {
        const Simulator simulator{
            {{"users", Json::array({{{"name", "CORP\\backup"},
                                     {"password", "p&ss <1>"},
                                     {"groups", {"Remote Management Users"}}}})}}};
        Stage stage;
        stage.use(simulator);
        stage.draft.user = "CORP\\backup";
        expect_failures(stage, {"rights.filtered"});
    }
    SECTION("enough") {
        expect_failure_of(user_in({"Hyper-V Administrators"}), {});
    }
}

TEST_CASE("doctor: no VM to be seen is not called healthy", "[doctor]") {
    if (!Simulator::is_available()) return;
    Json none;
    none["virtual_machines"] = Json::array();

    expect_check_of(none, "rights.no-vms", Result::unproven);
}

TEST_CASE("doctor: the versions of Windows", "[doctor]") {
    if (!Simulator::is_available()) return;
    SECTION("2012 R2") {
        expect_failure_of(host_of_build(9600), {"os.too-old"});
    }
    SECTION("one that nobody knows") {
        expect_check_of(host_of_build(30000), "os.unknown-build", Result::unproven);
    }
    SECTION("2016") {
        expect_check_of(host_of_build(14393), "os.supported", Result::ok);
    }
}

TEST_CASE("doctor: Hyper-V's provider fails, or WMI refuses", "[doctor]") {
    if (!Simulator::is_available()) return;
    SECTION("provider") {
        expect_failure_of(with_faults({fault("Msvm_ComputerSystem", "provider-stopped")}),
                          {"role.provider-failed"});
    }
    SECTION("denied in Hyper-V's namespace") {
        expect_failure_of(with_faults({fault("Msvm_ComputerSystem", "access-denied")}),
                          {"rights.namespace-denied"});
    }
    SECTION("quota") {
        expect_failure_of(with_faults({fault("Enumerate", "quota")}), {"quota.exceeded"});
    }
    SECTION("queries") {
        expect_check_of(with_faults({fault("*", "refuse-wql")}), "schema.no-queries",
                        Result::warning);
    }
}

TEST_CASE("doctor: VMs that cannot be backed up are named", "[doctor]") {
    if (!Simulator::is_available()) return;
    SECTION("an old configuration version") {
        expect_check_of(one_vm({{"version", "5.0"}}), "vms.version-low", Result::warning);
    }
    SECTION("a disk passed through") {
        const Json disk{{"raw", "web01.raw"}, {"controller", "scsi"}, {"pass_through", true}};
        expect_check_of(one_vm({{"disks", Json::array({disk})}}), "vms.disk-left-out",
                        Result::warning);
    }
    SECTION("a shared disk") {
        const Json disk{{"raw", "web01.raw"}, {"controller", "scsi"}, {"shared", true}};
        expect_check_of(one_vm({{"disks", Json::array({disk})}}), "vms.disk-left-out",
                        Result::warning);
    }
    SECTION("a guest without the backup service") {
        expect_check_of(one_vm({{"guest_vss", false}}), "guests.vss-silent", Result::warning);
    }
    SECTION("no guest runs") {
        expect_check_of(one_vm({{"state", "off"}}), "guests.none", Result::ok);
    }
}

TEST_CASE("doctor: snapshots of another product, and our own that were left", "[doctor]") {
    if (!Simulator::is_available()) return;
    const Simulator simulator;
    Stage stage;
    stage.use(simulator);
    simulator.control({"checkpoint", "create-recovery", kWeb});
    expect_check(stage, "vms.foreign-snapshot", Result::warning);

    stage.knowledge.is_our_snapshot = [](const hyperv::Snapshot&) { return true; };
    expect_check(stage, "residue.snapshots", Result::warning);
}

TEST_CASE("doctor: reference points of ours that nobody needs are residue", "[doctor]") {
    if (!Simulator::is_available()) return;
    const Simulator simulator;
    Stage stage;
    stage.use(simulator);
    simulator.control({"reference-point", "create", kWeb});
    stage.knowledge.list_spare_reference_points = [](const std::string&, const hyperv::Vm& vm) {
        std::vector<std::string> ids;
        for (const auto& point : vm.reference_points)
            ids.push_back(point.instance_id);
        return ids;
    };

    expect_check(stage, "residue.reference-points", Result::warning);
}

TEST_CASE("doctor: excluded disks on a host that cannot leave them out", "[doctor]") {
    if (!Simulator::is_available()) return;
    const Simulator simulator{host_of_build(14393)};
    Stage stage;
    stage.use(simulator);
    stage.state.exclusions.put(stage.host_id(), kWeb, "slot", "swap");

    expect_check(stage, "schema.cannot-exclude", Result::warning);
}

}  // namespace entrepot::test

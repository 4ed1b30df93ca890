// Paths, names, layouts, switches and the answers of a preflight.
#include "appliance/restore/preflight.h"
#include "appliance/restore/checker.h"
#include "appliance/restore/fix_step.h"
#include "appliance/restore/host_path.h"
#include "appliance/restore/host_version.h"
#include "appliance/restore/layout.h"
#include "appliance/restore/network_choice.h"
#include "tests/unit/restore/restore_lab.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace entrepot;
using namespace entrepot::restore;
using test::RestoreLab;

namespace {

/// "result id" of each check that is not good.
std::vector<std::string> bad_checks(const Json& preflight) {
    std::vector<std::string> bad;
    for (const Json& check : preflight.at("checks")) {
        const std::string result = check.at("result");
        if (result != "good") bad.push_back(result + " " + check.at("id").get<std::string>());
    }
    std::sort(bad.begin(), bad.end());
    return bad;
}

using Strings = std::vector<std::string>;

repository::PointSummary make_point(const Strings& disk_names) {
    repository::PointSummary point;
    point.id = "p";
    point.draft.vm_name = "web01";
    for (const std::string& name : disk_names) {
        repository::DiskSummary disk;
        disk.draft.index = static_cast<std::uint32_t>(point.disks.size());
        disk.draft.name = name;
        point.disks.push_back(disk);
    }
    return point;
}

}  // namespace

TEST_CASE("restore paths: what a host reads, and what no host reads", "[restore]") {
    CHECK(check_host_path("D:\\VMs\\web01\\") == "D:\\VMs\\web01");
    CHECK(check_host_path("D:\\") == "D:");
    CHECK(check_host_path("\\\\srv\\share\\a b\\") == "\\\\srv\\share\\a b");
    for (const char* bad :
         {"", "VMs", "/srv/vms", "D:VMs", "D:\\a\\..\\b", "D:\\a|b", "D:\\NUL", "D:\\com1.txt\\x",
          "D:\\a.", "\\\\srv", "\\\\.\\PhysicalDrive0", "\\\\?\\C:\\x", "D:/VMs"}) {
        INFO(bad);
        CHECK_THROWS_AS(check_host_path(bad), Error);
    }
    CHECK_THROWS_AS(check_host_path("D:\\" + std::string(200, 'a')), Error);
    CHECK(join_host_path("D:", {"a", "b"}) == "D:\\a\\b");
    CHECK(parts_below("\\\\S\\x", "\\\\s\\X\\a\\b") == Strings{"a", "b"});
    CHECK(parts_below("\\\\S\\x", "\\\\s\\x2") == std::nullopt);
    CHECK(quote_for_powershell("it's") == "'it''s'");
}

TEST_CASE("restore layout: names are plain, short and unique, whatever a host called them",
          "[restore]") {
    SeededRandom random{1};
    const auto layout = plan_layout(
        make_point({"disk.vhdx", "DISK.avhdx", "a/../b.vhdx", "CON.vhdx", "\xE4\xBB\xAE.vhdx",
                    std::string(300, 'x') + ".vhdx", "two words & more.vhdx"}),
        {"Virtual Machines/8d1c8a5e-32f6-4aa5-9c1e-0b6a5c3f5d11.VMCX",
         "Virtual Machines/8D1C8A5E-32F6-4AA5-9C1E-0B6A5C3F5D11.VMRS", "Snapshots/other.vmrs"},
        random);
    Strings names;
    for (const auto& disk : layout.disks)
        names.push_back(disk.file_name);
    CHECK(names == Strings{"disk-0-disk.vhdx", "disk-1-DISK.vhdx", "disk-2-b.vhdx",
                           "disk-3-CON.vhdx", "disk-4-___.vhdx", std::string(64, 'x') + ".vhdx",
                           "two_words___more.vhdx"});
    CHECK(layout.definition == "8D1C8A5E-32F6-4AA5-9C1E-0B6A5C3F5D11.VMCX");
    CHECK(layout.files.size() == 2);
    CHECK(layout.left_out == Strings{"Snapshots/other.vmrs"});
    CHECK(to_json(layout_from(to_json(layout))) == to_json(layout));

    const auto twins = plan_layout(make_point({"system.vhdx", "System.vhdx"}), {"x.vmcx"}, random);
    CHECK(twins.disks[0].file_name == "system.vhdx");
    CHECK(twins.disks[1].file_name == "System-1.vhdx");
    CHECK_THROWS_AS(plan_layout(make_point({}), {"a.vmcx", "b.vmcx"}, random), Error);
}

TEST_CASE("restore names: a copy says of which day it is, and never takes a name in use",
          "[restore]") {
    auto point = make_point({});
    point.time = *parse_time("2026-11-23T01:30:00Z");
    RestoreRequest request;
    std::vector<hyperv::VmIdentity> vms{{"A", "WEB01 (restored 2026-11-23)", "off", {}}};
    CHECK(choose_name(request, point, {}) == "web01 (restored 2026-11-23)");
    CHECK(choose_name(request, point, vms) == "web01 (restored 2026-11-23) 2");
    request.keeps_id = true;
    CHECK(choose_name(request, point, vms) == "web01");
    request.name = "x";
    CHECK(choose_name(request, point, vms) == "x");
    request = {};
    for (int i = 0; i < 60; ++i)
        point.draft.vm_name += "\xC3\xA4";
    const std::string name = choose_name(request, point, {});
    CHECK(name.size() <= 100);
    CHECK(name.ends_with("(restored 2026-11-23)"));
    CHECK(Json(name).dump().size() > 0);  // Valid UTF-8.
}

TEST_CASE("restore versions: a host runs its own release's and older ones", "[restore]") {
    using Version = ConfigurationVersion;
    CHECK(newest_version_of(9600) == std::nullopt);
    CHECK(newest_version_of(14393) == Version{8, 0});
    CHECK(newest_version_of(20347) == Version{9, 0});
    CHECK(newest_version_of(30000) == Version{12, 0});
    CHECK(parse_configuration_version("10.0") == Version{10, 0});
    CHECK(parse_configuration_version("10") == std::nullopt);
    CHECK(parse_configuration_version("9.0x") == std::nullopt);
    CHECK(Version{10, 0} > Version{9, 5});
}

TEST_CASE("restore switches: the first change that fits, else the same name, else none",
          "[restore]") {
    const std::vector<hyperv::VirtualSwitch> switches{{"1", "LAN"}, {"2", "Lab"}};
    RestoreRequest request;
    CHECK_FALSE(choose_network(request, "LAN", switches).network);
    request.connects = true;
    CHECK(choose_network(request, "lan", switches).network->id == "1");
    CHECK(choose_network(request, "Gone", switches).problem != "");
    CHECK(choose_network(request, "", switches).problem == "");
    request.switches = {{"Gone", "LAB"}, {"*", "LAN"}};
    CHECK(choose_network(request, "gone", switches).network->id == "2");
    CHECK(choose_network(request, "", switches).network->id == "1");
}

TEST_CASE("restore preflight: an ordinary copy can start, and the share is left as it was",
          "[restore]") {
    RestoreLab lab;
    Checker checker{lab.services};
    const Json preflight = checker.check(lab.request(), {});
    INFO(preflight.dump(1));
    CHECK(preflight["can_start"] == true);
    CHECK(bad_checks(preflight) == Strings{});
    CHECK(preflight["name"] == "web01 (restored 2026-01-31)");
    CHECK(preflight["target"]["reach"] == "share");
    CHECK(preflight["adapters"].size() == 2);
    CHECK(preflight["adapters"][1]["was_on"] == "Old");
    CHECK(preflight["switches"] == Json{"LAN", "Lab"});
    CHECK(lab.find_dirt() == "");
    CHECK(lab.world.imports.empty());
}

TEST_CASE("restore preflight: each obstacle has its own answer", "[restore]") {
    RestoreLab lab;
    auto request = lab.request();
    Strings expected;
    auto& facts = lab.lab.repository.points.back()->summary.draft.host_facts;
    SECTION("the original is there") {
        request.keeps_id = true;
        expected = {"blocked id", "blocked name"};
    }
    SECTION("an unfinished import of it is there") {
        lab.world.has_original = false;
        request.keeps_id = true;
        lab.world.add_foreign_planned("x");
        lab.world.planned[0].id = lab.lab.world.vm_id;
        expected = {"blocked id"};
    }
    SECTION("the configuration is newer than the host") {
        facts["vm"]["version"] = "12.0";
        expected = {"blocked version"};
    }
    SECTION("a point of before") {
        facts.erase("vm");
        expected = {"note network", "note version"};
    }
    SECTION("a virtual TPM") {
        facts["vm"]["has_tpm"] = true;
        expected = {"warning tpm"};
    }
    SECTION("a damaged point") {
        lab.lab.repository.points.back()->summary.has_known_damage = true;
        expected = {"blocked point"};
    }
    SECTION("a host that cannot read the share") {
        lab.world.behaviour.cannot_read_share = true;
        expected = {"blocked target"};
    }
    SECTION("a folder of the host") {
        request.to = "D:\\VMs";
        expected = {"warning target"};
    }
    SECTION("a folder of the host without room") {
        request.to = "D:\\VMs";
        lab.world.free_bytes = 1024;
        expected = {"blocked space", "warning target"};
    }
    SECTION("a copy on the network with the original's addresses, started") {
        lab.lab.world.vm_state = "running";
        request.switches = {{"*", "LAN"}};
        request.keeps_mac = true;
        request.starts = true;
        expected = {"warning mac", "warning start"};
    }
    SECTION("two switches that are not right") {
        request.switches = {{"LAN", "Nowhere"}, {"Nothing", "LAN"}};
        expected = {"blocked network", "blocked network"};
    }
    Checker checker{lab.services};
    const Json preflight = checker.check(request, {});
    INFO(preflight.dump(1));
    CHECK(bad_checks(preflight) == expected);
    const bool is_blocked = std::any_of(expected.begin(), expected.end(), [](const auto& text) {
        return text.starts_with("blocked");
    });
    CHECK(preflight["can_start"] == !is_blocked);
    for (const Json& check : preflight["checks"]) {
        if (check["result"] == "blocked") CHECK(check["cure"] != "");
    }
    CHECK(lab.find_dirt() == "");
}

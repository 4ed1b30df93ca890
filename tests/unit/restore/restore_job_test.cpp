// What a restore makes of a VM, and how it refuses.
#include "tests/unit/restore/restore_lab.h"

#include "appliance/backup/vm_facts.h"
#include "appliance/restore/layout.h"
#include "appliance/restore/restore_vm_job.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>

using namespace entrepot;
using test::FakeHost;
using test::RestoreLab;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

bool any_contains(const std::vector<std::string>& texts, const std::string& part) {
    return std::any_of(texts.begin(), texts.end(),
                       [&](const std::string& text) { return contains(text, part); });
}

}  // namespace

TEST_CASE("restore: a copy has a new id, whole disks of the old ids, no network, and is off",
          "[restore]") {
    RestoreLab lab;
    const Json result = lab.restore(lab.request());

    CHECK(result["vm"]["id"] != lab.lab.world.vm_id);
    CHECK(result["vm"]["name"] == "web01 (restored 2026-01-31)");
    CHECK(result["kept_id"] == false);
    CHECK(result["started"] == false);
    CHECK(contains(result["next"], "Move-VMStorage"));
    REQUIRE(lab.world.vms.size() == 1);
    const auto& vm = lab.world.vms[0];
    CHECK(vm.state == "off");
    CHECK(vm.notes.size() == 2);
    CHECK(vm.notes[0] == "written by its owner");
    for (const auto& adapter : lab.world.adapters_of_vms.at(vm.id)) {
        CHECK_FALSE(adapter.is_connected);
        CHECK(adapter.mac_address.empty());
    }
    CHECK(lab.world.planned.empty());
    REQUIRE(lab.world.imports.size() == 1);
    CHECK(lab.world.imports[0].definition_file.ends_with("\\Virtual Machines\\" +
                                                         lab.lab.world.vm_id + ".vmcx"));
    // The marker is gone, what Hyper-V needs is there.
    const auto folder = *lab.world.resolve(result["to"]);
    CHECK_FALSE(std::filesystem::exists(folder / restore::kMarkerName));
    CHECK(std::filesystem::exists(folder / "Virtual Machines" / (lab.lab.world.vm_id + ".VMRS")));
}

TEST_CASE("restore: a copy's first backup is a full that says why", "[restore]") {
    RestoreLab lab;
    const Json result = lab.restore(lab.request());
    lab.lab.world.vm_id = result["vm"]["id"];
    lab.lab.world.reference_points.clear();

    const Json backup = lab.back_up();
    CHECK(backup["kind"] == "full");
    CHECK(contains(backup["reason"], "restored from point " + lab.point));
    lab.lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("restore: in the place of a VM that is gone it keeps id, name and addresses",
          "[restore]") {
    RestoreLab lab;
    lab.world.has_original = false;
    auto request = lab.request();
    request.keeps_id = true;
    request.starts = true;
    request.connects = true;
    request.switches = {{"Old", "Lab"}};
    const Json result = lab.restore(request);

    CHECK(result["vm"]["id"] == lab.lab.world.vm_id);
    CHECK(result["vm"]["name"] == "web01");
    CHECK(result["started"] == true);
    CHECK(lab.world.vms.at(0).state == "running");
    const auto& adapters = lab.world.adapters_of_vms.at(lab.lab.world.vm_id);
    CHECK(adapters[0].is_connected);
    CHECK(adapters[0].switch_id == "S1");
    CHECK(adapters[0].mac_address == "00155D010203");
    CHECK(adapters[1].is_connected);
    CHECK(adapters[1].switch_id == "S2");

    lab.lab.world.reference_points.clear();
    const Json backup = lab.back_up();
    CHECK(backup["kind"] == "full");
    CHECK(contains(backup["reason"], "restored from point"));
}

TEST_CASE("restore: an id, a name or a switch that clashes is refused before anything is written",
          "[restore]") {
    RestoreLab lab;
    auto request = lab.request();
    SECTION("the original is still there") {
        request.keeps_id = true;
        const Error error = lab.fail(request);
        CHECK(error.code() == ErrorCode::conflict);
        CHECK(contains(error.message(), "still on host hv01"));
        CHECK(contains(error.hint(), "--keep-id"));
    }
    SECTION("a name in use") {
        request.name = "WEB01";
        CHECK(contains(lab.fail(request).message(), "has a VM named 'WEB01'"));
    }
    SECTION("a switch that the host does not have") {
        request.switches = {{"LAN", "Nowhere"}};
        const Error error = lab.fail(request);
        CHECK(contains(error.message(), "no switch 'Nowhere'"));
        CHECK(contains(error.hint(), "LAN, Lab"));
    }
    SECTION("a switch that the VM was never on") {
        request.switches = {{"LAM", "Lab"}};
        CHECK(contains(lab.fail(request).message(), "no adapter of the VM was on a switch 'LAM'"));
    }
    CHECK(lab.world.imports.empty());
    CHECK(lab.find_dirt() == "");
}

TEST_CASE("restore: without an original's switch on the host the adapter stays disconnected",
          "[restore]") {
    RestoreLab lab;
    auto request = lab.request();
    request.connects = true;
    test::TestJob job = lab.make_job(request);
    const Json result = lab.run(job).result;
    CHECK(lab.find_difference(result) == "");
    const auto& adapters = lab.world.adapters_of_vms.at(result["vm"]["id"]);
    CHECK(adapters[0].is_connected);
    CHECK_FALSE(adapters[1].is_connected);
    CHECK(any_contains(job.warnings, "the host has no switch 'Old'"));
}

TEST_CASE("restore: a dead connection that a host minds is removed, and only that", "[restore]") {
    RestoreLab lab;
    lab.world.behaviour.minds_dead_connections = true;
    const Json result = lab.restore(lab.request());
    const auto& adapters = lab.world.adapters_of_vms.at(result["vm"]["id"]);
    CHECK_FALSE(adapters[0].connection_id.empty());
    CHECK(adapters[1].connection_id.empty());
}

TEST_CASE("restore: what a host cannot run is said in words with codes, and undone", "[restore]") {
    RestoreLab lab;
    lab.world.behaviour.problems = {{0x80078000, "18350", "\xE3\x83\xA1\xE3\x83\xA2\xE3\x83\xAA",
                                     "Msvm_MemorySettingData", "Microsoft:M"},
                                    {0, "18351", "", "Msvm_ProcessorSettingData", ""}};
    const Error error = lab.fail(lab.request());
    CHECK(error.code() == ErrorCode::conflict);
    CHECK(contains(error.message(), "the memory: \xE3\x83\xA1"));
    CHECK(contains(error.message(), "0x80078000"));
    CHECK(contains(error.message(), "the processors: 18351"));
    CHECK(contains(error.hint(), "less memory"));
    CHECK(lab.world.destroyed.size() == 1);
}

TEST_CASE("restore: a problem without an HRESULT keeps its number", "[restore]") {
    RestoreLab lab;
    lab.world.behaviour.problems = {{0, "12345", "Something else.", "", ""}};
    CHECK(contains(lab.fail(lab.request()).message(), "Something else. [12345]"));
}

TEST_CASE("restore: why a realisation failed is read from its problems", "[restore]") {
    RestoreLab lab;
    lab.world.behaviour.realise_hresult = 0x80004005;
    lab.world.behaviour.realise_problems = {{0x800700B7, "32768", "It exists.", "", ""}};
    const Error error = lab.fail(lab.request());
    CHECK(error.code() == ErrorCode::conflict);
    CHECK(contains(error.message(), "0x800700B7"));
    CHECK_FALSE(error.hint().empty());
}

TEST_CASE("restore: a VM of the planned VM's id that is somebody else's stays", "[restore]") {
    RestoreLab lab;
    lab.world.behaviour.realise_hresult = 0x800700B7;
    lab.lab.script.on_event = [&](int, const std::string& event) {
        if (event != "before start_realise") return;
        lab.world.vms.push_back({lab.world.planned.front().id, "theirs", "off", {}});
    };
    auto job = lab.make_job(lab.request());
    CHECK_THROWS_AS(lab.run(job), Error);
    REQUIRE(lab.world.vms.size() == 1);
    CHECK(lab.world.vms.front().name == "theirs");
    CHECK(lab.world.planned.empty());
}

TEST_CASE("restore: a planned VM that somebody removed is named, with no advice about backups",
          "[restore]") {
    RestoreLab lab;
    lab.world.behaviour.validate_hresult = 0x80070490;
    lab.lab.script.on_event = [&](int, const std::string& event) {
        if (event == "after start_validate") lab.world.planned.clear();
    };
    auto job = lab.make_job(lab.request());
    try {
        lab.run(job);
        FAIL("restored");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::host_failure);
        CHECK(contains(error.message(), "somebody else removed it"));
        CHECK_FALSE(contains(error.hint(), "full"));
    }
    CHECK(lab.world.vms.empty());
}

TEST_CASE("restore: disks are known again by slot, by place, and by nothing less", "[restore]") {
    RestoreLab lab;
    lab.world.behaviour.resets_slots = true;
    SECTION("controllers of new ids") {
        lab.restore(lab.request());
    }
    SECTION("a disk of the configuration that is not in the point goes, with a warning") {
        lab.lab.world.add_disk(512 * 1024, 512);
        test::TestJob job = lab.make_job(lab.request());
        const Json result = lab.run(job).result;
        CHECK(lab.world.disks_of_vms.at(result["vm"]["id"]).size() == 2);
        CHECK(any_contains(job.warnings, "not in the point"));
    }
    SECTION("a disk of the point without a place in the configuration is an error") {
        lab.lab.world.disks.pop_back();
        const Error error = lab.fail(lab.request());
        CHECK(error.code() == ErrorCode::unsupported);
        CHECK(contains(error.message(), "no place for disk 1"));
    }
}

TEST_CASE("restore: failures of the host at any step leave nothing", "[restore]") {
    RestoreLab lab;
    SECTION("it cannot read the share") {
        lab.world.behaviour.cannot_read_share = true;
        const Error error = lab.fail(lab.request());
        CHECK(contains(error.message(), "cannot read \\\\appliance\\exports"));
        CHECK(contains(error.message(), "0x80070005"));
        CHECK(contains(error.hint(), "New-SmbGlobalMapping"));
        CHECK(lab.world.imports.empty());
    }
    SECTION("the import fails") {
        lab.world.behaviour.import_hresult = 0x80070020;
        CHECK(contains(lab.fail(lab.request()).message(), "0x80070020"));
    }
    SECTION("the realisation fails") {
        lab.world.behaviour.realise_hresult = 0x80070005;
        CHECK(contains(lab.fail(lab.request()).message(), "RealizePlannedSystem"));
    }
    SECTION("the realisation fails and leaves half a VM") {
        lab.world.behaviour.realise_hresult = 0x80004005;
        lab.world.behaviour.leaves_half_vm = true;
        lab.fail(lab.request());
        CHECK(lab.world.vms.empty());
    }
    SECTION("the planned VM can be removed only at the third try") {
        lab.world.behaviour.realise_hresult = 0x80070005;
        lab.world.behaviour.refuses_destroy = 2;
        lab.fail(lab.request());
    }
    CHECK(lab.lab.state.residue.list().empty());
}

TEST_CASE(
    "restore: a planned VM that cannot be removed is remembered with a command, until it is "
    "gone",
    "[restore]") {
    RestoreLab lab;
    lab.world.behaviour.realise_hresult = 0x80070005;
    lab.world.behaviour.refuses_destroy = 99;
    test::TestJob job = lab.make_job(lab.request());
    CHECK_THROWS_AS(lab.run(job), Error);
    const auto residue = lab.lab.state.residue.list();
    REQUIRE(residue.size() == 1);
    CHECK(contains(residue[0].command, lab.world.planned.at(0).id));
    CHECK(contains(residue[0].command, "DestroySystem"));

    lab.world.planned.clear();
    lab.world.behaviour = {};
    lab.restore(lab.request());
    CHECK(lab.lab.state.residue.list().empty());
}

TEST_CASE("restore: a VM that does not start is restored all the same", "[restore]") {
    RestoreLab lab;
    lab.world.behaviour.start_hresult = 0x8007000E;
    auto request = lab.request();
    request.starts = true;
    test::TestJob job = lab.make_job(request);
    const auto outcome = lab.run(job);
    CHECK(outcome.state == jobs::JobState::partly);
    CHECK(outcome.result["started"] == false);
    CHECK(any_contains(job.warnings, "does not start"));
    CHECK(lab.find_difference(outcome.result) == "");
}

TEST_CASE("restore: to a folder of the share that a person named", "[restore]") {
    RestoreLab lab;
    auto request = lab.request();
    request.to = "\\\\APPLIANCE\\exports\\web01-copy\\";
    const Json result = lab.restore(request);
    CHECK(result["to"] == "\\\\appliance\\exports\\web01-copy");
    CHECK(std::filesystem::exists(lab.share / "web01-copy" / "Virtual Hard Disks"));

    SECTION("a second restore into it is refused and takes nothing away") {
        CHECK_THROWS_AS(lab.restore(request), Error);
        CHECK(lab.find_difference(result) == "");
    }
    SECTION("a folder in one that is not there is refused") {
        request.to = "\\\\appliance\\exports\\a\\b";
        CHECK_THROWS_AS(lab.restore(request), Error);
    }
}

TEST_CASE("restore: to a path of the host that leads to the share", "[restore]") {
    RestoreLab lab;
    lab.world.folders["Z:"] = lab.share;
    auto request = lab.request();
    request.to = "Z:\\";
    const Json result = lab.restore(request);
    CHECK(result["reach"] == "mapped");
    CHECK(contains(result["to"], "Z:\\" + lab.lab.host_id));
}

TEST_CASE("restore: to a folder of the host it waits for the person who copies", "[restore]") {
    RestoreLab lab;
    auto request = lab.request();
    request.to = "D:\\VMs\\web01";
    test::TestJob job = lab.make_job(request);
    SECTION("who copies") {
        int looks = 0;
        lab.lab.script.on_event = [&](int, const std::string& event) {
            if (job.stages.empty() || job.stages.back() != "copy") return;
            if (event != "before look_at_disk_file" || ++looks != 5) return;
            const auto from = lab.share / lab.lab.host_id / ("vm-" + job.id());
            std::filesystem::create_directories(lab.local / "VMs");
            std::filesystem::copy(from, lab.local / "VMs" / "web01",
                                  std::filesystem::copy_options::recursive);
        };
        const Json result = lab.run(job).result;
        CHECK(any_contains(job.notes, "robocopy '\\\\appliance\\exports\\"));
        CHECK(result["reach"] == "copied");
        CHECK(result["to"] == "D:\\VMs\\web01");
        CHECK(lab.find_difference(result) == "");
        CHECK_FALSE(std::filesystem::exists(lab.share / lab.lab.host_id / ("vm-" + job.id())));
        CHECK(result["next"] == "");
    }
    SECTION("who cancels instead") {
        lab.lab.script.on_event = [&](int, const std::string&) {
            const bool is_waiting = !job.stages.empty() && job.stages.back() == "copy";
            if (is_waiting) job.stop_source.request_stop();
        };
        CHECK_THROWS_AS(lab.run(job), Error);
        CHECK(any_contains(job.warnings, "Remove-Item"));
        CHECK(lab.find_dirt() == "");
    }
    SECTION("who never does") {
        CHECK_THROWS_AS(lab.run(job), Error);
        CHECK(lab.find_dirt() == "");
    }
}

TEST_CASE("restore: who copies while the host is restarted, which takes an hour", "[restore]") {
    RestoreLab lab;
    auto request = lab.request();
    request.to = "D:\\VMs\\web01";
    request.connects = true;  // To a switch that is not there: a warning, before the wait.
    test::TestJob job = lab.make_job(request);
    std::optional<SteadyTime> begin;
    bool is_copied = false;
    lab.lab.script.on_event = [&](int, const std::string& event) {
        if (is_copied || job.stages.empty() || job.stages.back() != "copy") return;
        if (event != "before look_at_disk_file") return;
        const SteadyTime now = lab.lab.clock.steady_now();
        if (!begin) begin = now;
        if (now - *begin < std::chrono::hours{1})
            throw Error{ErrorCode::unreachable, "no route to host"};
        is_copied = true;
        std::filesystem::create_directories(lab.local / "VMs");
        std::filesystem::copy(lab.share / lab.lab.host_id / ("vm-" + job.id()),
                              lab.local / "VMs" / "web01",
                              std::filesystem::copy_options::recursive);
    };
    const Json result = lab.run(job).result;
    CHECK(is_copied);
    CHECK(result["reach"] == "copied");
    CHECK(lab.find_difference(result) == "");
    // What was said before the wait is in the result, and in the job once.
    CHECK(any_contains(job.warnings, "the host has no switch 'Old'"));
    CHECK(result["warnings"].get<std::vector<std::string>>() == job.warnings);
}

TEST_CASE("restore: what the host said no to is undone without waiting for it", "[restore]") {
    RestoreLab lab;
    SECTION("the job of the import fails") {
        lab.world.behaviour.import_hresult = 0x80070020;
    }
    SECTION("the import is refused") {
        lab.lab.script.on_event = [](int, const std::string& event) {
            if (event != "before start_import") return;
            throw Error{ErrorCode::host_failure, "the host answers with 32779"};
        };
    }
    test::TestJob job = lab.make_job(lab.request());
    const SteadyTime begin = lab.lab.clock.steady_now();
    CHECK_THROWS_AS(lab.run(job), Error);
    CHECK(lab.lab.clock.steady_now() - begin < lab.lab.services.pace.appear_max);
    CHECK(lab.find_dirt() == "");
}

TEST_CASE("restore: who waits for a person holds no worker, and waits no longer for a restart",
          "[restore]") {
    RestoreLab lab;
    auto request = lab.request();
    request.to = "D:\\VMs\\web01";
    test::TestJob job = lab.make_job(request);
    const SteadyTime begin = lab.lab.clock.steady_now();
    int lives = 0;
    for (;; ++lives) {
        try {
            restore::run_restore_vm(lab.services, job);
            FAIL("restored");
        } catch (const jobs::Parking& parking) {
            CHECK(parking.waiting_for.find("D:\\VMs\\web01") != std::string::npos);
            lab.lab.clock.sleep_for(std::chrono::hours{24}, {});
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::timeout);
            break;
        }
    }
    CHECK(lives == 3);
    CHECK(lab.lab.clock.steady_now() - begin >= std::chrono::hours{72});
    CHECK(std::count(job.stages.begin(), job.stages.end(), "copy") == 1);
    CHECK(lab.find_dirt() == "");
}

TEST_CASE("restore: cancelled at any stage it leaves nothing, or a VM", "[restore]") {
    for (const std::string stage :
         {"plan", "reach", "place", "import", "fix", "validate", "realise"}) {
        RestoreLab lab;
        auto request = lab.request();
        request.starts = true;
        test::TestJob job = lab.make_job(request);
        lab.lab.script.on_event = [&](int, const std::string&) {
            if (!job.stages.empty() && job.stages.back() == stage) job.stop_source.request_stop();
        };
        INFO(stage);
        bool has_vm = false;
        try {
            has_vm = lab.run(job).state == jobs::JobState::done;
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::cancelled);
        }
        if (has_vm) {
            CHECK(stage == "realise");
            REQUIRE(lab.world.vms.size() == 1);
            CHECK(lab.world.vms[0].state == "off");
        } else {
            CHECK(lab.find_dirt() == "");
            CHECK(lab.world.planned.empty());
        }
    }
}

TEST_CASE("restore: a point made of disk files alone is refused", "[restore]") {
    RestoreLab lab;
    lab.lab.repository.points.back()->files.clear();
    const Error error = lab.fail(lab.request());
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(contains(error.hint(), "restore disk"));
}

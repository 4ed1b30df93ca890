// The job "backup" against a host with behaviour: what it does when all goes well, and when the
// host or another product does not.
#include "tests/unit/backup/lab.h"

#include "appliance/backup/backup_job.h"
#include "appliance/backup/maintenance_jobs.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace entrepot;
using test::Lab;

namespace {

ErrorCode code_of(Lab& lab, test::TestJob& job) {
    try {
        lab.run(job);
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

bool has_stage(const test::TestJob& job, const std::string& stage) {
    return std::find(job.stages.begin(), job.stages.end(), stage) != job.stages.end();
}

}  // namespace

TEST_CASE("backup: a full, then increments, each restores byte for byte", "[backup]") {
    Lab lab;
    const Json first = lab.back_up();
    CHECK(first["kind"] == "full");
    CHECK(first["reason_code"] == "first");
    CHECK(first["consistency"] == "application");
    CHECK(first["disks"].size() == 2);
    CHECK(first["disks"][0]["virtual_size_bytes"] == 1024 * 1024 + 4096);

    for (int round = 0; round < 3; ++round) {
        lab.guest_writes();
        const Json next = lab.back_up();
        CHECK(next["kind"] == "incremental");
        CHECK(next["base_point"].is_string());
    }
    CHECK(lab.repository.points.size() == 4);
    CHECK(lab.world.reference_points.size() == 1);
    CHECK(lab.repository.points.back()->files.count("Virtual Machines/" + lab.world.vm_id +
                                                    ".vmcx") == 1);
}

TEST_CASE("backup: an increment in which nothing changed is a point", "[backup]") {
    Lab lab;
    lab.back_up();
    CHECK(lab.back_up()["kind"] == "incremental");
    CHECK(lab.repository.points.back()->restore == lab.repository.points.front()->restore);
}

TEST_CASE("backup: a leaf is restored, and the next increment goes onto what it was made from",
          "[backup]") {
    const bool onto_leaf = GENERATE(false, true);
    const bool hides_linkage = GENERATE(false, true);
    CAPTURE(onto_leaf, hides_linkage);
    Lab lab;
    lab.world.behaviour.exports_leaf = true;
    lab.world.behaviour.differential_onto_leaf = onto_leaf;
    lab.back_up();
    const auto& full = *lab.repository.points.back();
    CHECK(full.summary.disks[0].has_tracking_map);
    CHECK(full.restore.at(0) != full.tracking.at(0));

    lab.world.behaviour.hides_linkage = hides_linkage;
    for (int round = 0; round < 3; ++round) {
        lab.guest_writes();
        const Json next = lab.back_up();
        CHECK(next["kind"] == "incremental");
        CHECK(next["warnings"].empty() != hides_linkage);
    }
}

TEST_CASE("backup: a leaf, and an increment whose parent nothing proves, is followed by a full",
          "[backup]") {
    Lab lab;
    lab.world.behaviour.exports_leaf = true;
    lab.back_up();
    lab.guest_writes();
    lab.world.behaviour.hides_linkage = true;
    lab.world.behaviour.hides_parent_name = true;
    const Json next = lab.back_up();
    CHECK(next["kind"] == "full");
    CHECK(next["reason_code"] == "incremental_failed");
    CHECK(lab.world.exports_begun == 3);
}

TEST_CASE("backup: complete images where changes were asked for make a full", "[backup]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    lab.world.behaviour.sends_complete = true;
    const Json next = lab.back_up();
    CHECK(next["kind"] == "full");
    CHECK(next["reason_code"] == "host_sent_full");
    lab.world.behaviour.sends_complete = false;
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("backup: what breaks the chain makes a full with its reason", "[backup]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    SECTION("a disk was added") {
        lab.world.add_disk(256 * 1024, 512);
        lab.guest_writes();
        CHECK(lab.back_up()["reason_code"] == "disk_added");
    }
    SECTION("a disk was resized") {
        lab.world.disks[1].content.resize(768 * 1024);
        CHECK(lab.back_up()["reason_code"] == "disk_resized");
    }
    SECTION("a disk was removed") {
        lab.world.disks.pop_back();
        CHECK(lab.back_up()["reason_code"] == "disk_removed");
    }
    SECTION("a checkpoint was applied") {
        lab.world.last_applied_snapshot = "Microsoft:CHECKPOINT";
        CHECK(lab.back_up()["reason_code"] == "checkpoint_applied");
    }
    SECTION("the reference point is gone") {
        lab.world.reference_points.clear();
        CHECK(lab.back_up()["reason_code"] == "reference_point_gone");
    }
    SECTION("a tracking id is empty") {
        lab.world.reference_points[0].rct_ids[0].clear();
        CHECK(lab.back_up()["reason_code"] == "reference_point_incomplete");
    }
    SECTION("the newest point is damaged") {
        lab.repository.points.back()->summary.has_known_damage = true;
        CHECK(lab.back_up()["reason_code"] == "base_damaged");
    }
    SECTION("somebody asked for it") {
        CHECK(lab.back_up({{"full", true}})["reason_code"] == "requested");
    }
    SECTION("a restore replaced the VM") {
        lab.state.vm_flags.set(lab.host_id, lab.world.vm_id, state::kForceFullFlag,
                               "the VM was restored");
        const Json result = lab.back_up();
        CHECK(result["reason"] == "the VM was restored");
        lab.guest_writes();
        CHECK(lab.back_up()["kind"] == "incremental");
        return;
    }
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("backup: every third is a full where the policy says so", "[backup]") {
    Lab lab;
    std::vector<std::string> kinds;
    for (int round = 0; round < 5; ++round) {
        kinds.push_back(lab.back_up({{"full_every", 3}})["kind"]);
        lab.guest_writes();
    }
    CHECK(kinds ==
          std::vector<std::string>{"full", "incremental", "incremental", "full", "incremental"});
}

TEST_CASE("backup: the point of the reference point is deleted, so the next run is a full",
          "[backup]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    lab.back_up();
    backup::delete_point(lab.services, lab.repository.points.back()->summary);
    lab.guest_writes();
    const Json next = lab.back_up();
    CHECK(next["reason_code"] == "base_deleted");
    CHECK(lab.world.reference_points.size() == 1);
    CHECK(lab.state.vm_flags.list().empty());
}

TEST_CASE("backup: a reference point outlives its point in the records until it is destroyed",
          "[backup]") {
    // The newest point has none, and the one of the point before it could not be destroyed.
    Lab lab;
    lab.back_up();
    const std::string living = lab.world.reference_points.front().instance_id;
    lab.guest_writes();
    lab.world.behaviour.fails_convert = true;
    lab.script.on_event = [](int, const std::string& event) {
        if (event != "before start_destroy_reference_point") return;
        throw Error{ErrorCode::host_failure, "not now"};
    };
    lab.back_up();
    lab.world.behaviour.fails_convert = false;
    REQUIRE(lab.world.reference_points.size() == 1);
    REQUIRE(lab.repository.points.size() == 2);

    backup::delete_point(lab.services, lab.repository.points.front()->summary);
    const auto residue = lab.state.residue.list();
    REQUIRE(residue.size() == 1);
    CHECK(residue[0].text.find(living) != std::string::npos);
    CHECK(!residue[0].command.empty());

    SECTION("the next run destroys it") {
        lab.script.on_event = [](int, const std::string&) {};
        lab.guest_writes();
        CHECK(lab.back_up()["reason_code"] == "base_deleted");
        CHECK(lab.world.destroyed.back() == living);
        CHECK(lab.world.reference_points.size() == 1);
        CHECK(lab.state.residue.list().empty());
        CHECK(lab.state.vm_flags.list().empty());
    }
    SECTION("or goes on showing it") {
        lab.guest_writes();
        auto job = lab.make_backup();
        CHECK(lab.run(job).state == jobs::JobState::partly);
        const auto later = lab.state.residue.list();
        REQUIRE(later.size() == 1);
        CHECK(later[0].text == residue[0].text);

        lab.script.on_event = [](int, const std::string&) {};
        lab.guest_writes();
        lab.back_up();
        CHECK(lab.world.reference_points.size() == 1);
        CHECK(lab.state.residue.list().empty());
        CHECK(lab.state.vm_flags.list().empty());
    }
}

TEST_CASE("backup: a superseded reference point that stayed is not forgotten with its point",
          "[backup]") {
    Lab lab;
    lab.back_up();
    const std::string superseded = lab.world.reference_points.front().instance_id;
    lab.guest_writes();
    lab.script.on_event = [](int, const std::string& event) {
        if (event != "before start_destroy_reference_point") return;
        throw Error{ErrorCode::host_failure, "not now"};
    };
    auto job = lab.make_backup();
    CHECK(lab.run(job).state == jobs::JobState::partly);
    lab.script.on_event = [](int, const std::string&) {};
    CHECK(lab.state.residue.list().at(0).text.find(superseded) != std::string::npos);

    backup::delete_point(lab.services, lab.repository.points.front()->summary);
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
    CHECK(lab.world.reference_points.size() == 1);
    CHECK(lab.state.residue.list().empty());
    CHECK(lab.state.vm_flags.list().empty());
}

TEST_CASE("backup: an increment that fails on the host is followed by one full in the same run",
          "[backup]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    SECTION("tracking is lost") {
        lab.world.behaviour.fail_differential_hresult = 0xC03A0029;
        const Json next = lab.back_up();
        CHECK(next["reason_code"] == "incremental_failed");
        CHECK(next["reason"].get<std::string>().find("C03A0029") != std::string::npos);
        CHECK(lab.world.destroyed.size() == 1);  // The old reference point; one snapshot served.
    }
    SECTION("an unknown reason") {
        lab.world.behaviour.fail_differential_hresult = 0x80041002;
        CHECK(lab.back_up()["reason_code"] == "incremental_failed");
    }
    SECTION("the share is full: a full would fail, too") {
        lab.world.behaviour.fail_export_hresult = 0x80070070;
        auto job = lab.make_backup();
        CHECK(code_of(lab, job) == ErrorCode::host_failure);
        CHECK(lab.world.exports_begun == 2);
        CHECK(lab.find_dirt().empty());
        lab.world.behaviour.fail_export_hresult = 0;
        CHECK(lab.back_up()["kind"] == "incremental");
    }
}

TEST_CASE("backup: an export that does not move is ended, however long it may take otherwise",
          "[backup]") {
    Lab lab;
    lab.world.behaviour.stalls_export = true;
    auto job = lab.make_backup();
    CHECK(code_of(lab, job) == ErrorCode::host_failure);
    CHECK(lab.find_dirt().empty());
    lab.world.behaviour.stalls_export = false;
    lab.world.behaviour.polls_until_done = 3000;  // Hours at our pace, but files appeared.
    lab.services.pace.export_stall = std::chrono::minutes{600};
    lab.services.pace.short_job_max = std::chrono::minutes{600};
    CHECK(lab.back_up()["kind"] == "full");
}

TEST_CASE("backup: the level reached is recorded, whatever was preferred", "[backup]") {
    Lab lab;
    SECTION("VSS fails and the policy allows less") {
        lab.world.behaviour.fails_application = true;
        const Json result = lab.back_up();
        CHECK(result["consistency"] == "crash");
        CHECK_FALSE(result["warnings"].empty());
    }
    SECTION("VSS fails and the policy insists") {
        lab.world.behaviour.fails_application = true;
        auto job = lab.make_backup({{"consistency", "application"}});
        CHECK(code_of(lab, job) == ErrorCode::host_failure);
        CHECK(lab.find_dirt().empty());
        CHECK(lab.repository.points.empty());
    }
    SECTION("the VM is off") {
        lab.world.vm_state = "off";
        CHECK(lab.back_up({{"consistency", "application"}})["consistency"] == "crash");
    }
}

TEST_CASE("backup: a failed conversion costs the next increment, not this point", "[backup]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    lab.world.behaviour.fails_convert = true;
    auto job = lab.make_backup();
    CHECK(lab.run(job).result["kind"] == "incremental");
    REQUIRE(job.warnings.size() == 1);
    CHECK(job.warnings[0].find("Log on as a service") != std::string::npos);
    CHECK(lab.repository.points.back()->summary.draft.reference_point.empty());
    CHECK(lab.world.reference_points.empty());
    lab.world.behaviour.fails_convert = false;
    lab.guest_writes();
    CHECK(lab.back_up()["reason_code"] == "no_reference_point");
}

TEST_CASE("backup: objects are found without the job's associations", "[backup]") {
    Lab lab;
    lab.world.behaviour.forgets_affected = true;
    lab.back_up();
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("backup: another product's recovery snapshot stops us before we begin", "[backup]") {
    Lab lab;
    const std::string foreign = lab.world.add_foreign_snapshot("VM backup by somebody");
    auto job = lab.make_backup();
    CHECK(code_of(lab, job) == ErrorCode::conflict);
    CHECK(lab.world.snapshots.size() == 1);
    CHECK(lab.world.destroyed.empty());
}

TEST_CASE("backup: a VM that leaves the host meanwhile is the cause that is named",
          "[F-WM-20][backup]") {
    Lab lab;
    lab.world.behaviour.fail_export_hresult = 0x80070490;
    const std::string id = lab.world.vm_id;
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == "after start_export") lab.world.vm_id = "gone";
        if (event == "after start_destroy_snapshot") lab.world.vm_id = id;
    };
    auto job = lab.make_backup();
    try {
        lab.run(job);
        FAIL("backed up");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::not_found);
        CHECK(error.message().find("web01") != std::string::npos);
        CHECK(error.message().find("not there any more") != std::string::npos);
        CHECK(error.hint().find("moved") != std::string::npos);
    }
    CHECK(lab.repository.points.empty());
}

TEST_CASE("backup: two products at once: what the other makes is never adopted nor touched",
          "[backup]") {
    const bool forgets_affected = GENERATE(false, true);
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    lab.world.behaviour.forgets_affected = forgets_affected;
    std::string foreign;
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == "after start_convert") foreign = lab.world.add_foreign_reference_point();
    };
    auto job = lab.make_backup();
    lab.run(job);
    lab.script.on_event = [](int, const std::string&) {};
    CHECK(lab.newest_point_restores());
    const auto& destroyed = lab.world.destroyed;
    CHECK(std::find(destroyed.begin(), destroyed.end(), foreign) == destroyed.end());
    const std::string adopted = lab.repository.points.back()->summary.draft.reference_point;
    CHECK(adopted != foreign);
    // Without the association nothing tells ours from theirs: none is adopted.
    CHECK(adopted.empty() == forgets_affected);
}

TEST_CASE("backup: a foreign snapshot that appears while we ask leaves no doubt about ours",
          "[backup]") {
    Lab lab;
    std::string foreign;
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == "before start_create_snapshot" && foreign.empty()) {
            foreign = lab.world.add_foreign_snapshot("theirs");
        }
    };
    auto job = lab.make_backup();
    lab.run(job);
    CHECK(lab.newest_point_restores());
    CHECK(lab.world.snapshots.size() == 1);
    CHECK(lab.world.snapshots.front().instance_id == foreign);
}

TEST_CASE("backup: a foreign snapshot that appears while ours fails is not destroyed for it",
          "[backup]") {
    Lab lab;
    lab.world.behaviour.fails_application = true;
    std::string foreign;
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == "before start_create_snapshot" && foreign.empty()) {
            foreign = lab.world.add_foreign_snapshot("theirs");
        }
    };
    auto job = lab.make_backup();
    CHECK(code_of(lab, job) == ErrorCode::conflict);
    CHECK(lab.world.destroyed.empty());
    REQUIRE(lab.world.snapshots.size() == 1);
    CHECK(lab.world.snapshots.front().instance_id == foreign);
}

TEST_CASE("backup: an export that lacks a disk is no recovery point", "[backup]") {
    Lab lab;
    lab.world.behaviour.omits_last_disk = true;
    auto job = lab.make_backup();
    CHECK(code_of(lab, job) == ErrorCode::corrupt);
    CHECK(lab.repository.points.empty());
    CHECK(lab.find_dirt().empty());
    CHECK(lab.world.reference_points.empty());
}

TEST_CASE("backup: what is left out is listed", "[backup]") {
    Lab lab;
    lab.world.disks[1].cannot_back_up = "it is a shared disk";
    lab.world.add_disk(128 * 1024, 512);
    lab.state.exclusions.put(lab.host_id, lab.world.vm_id, lab.world.disks[2].slot_id,
                             "scratch space");
    auto job = lab.make_backup();
    const Json result = lab.run(job).result;
    CHECK(result["disks"].size() == 1);
    REQUIRE(result["skipped"].size() == 2);
    CHECK(result["skipped"][0]["reason"] == "it is a shared disk");
    CHECK(result["skipped"][1]["reason"] == "excluded: scratch space");
}

TEST_CASE("backup: an excluded disk that the host exports all the same is not kept, and said",
          "[backup]") {
    Lab lab;
    lab.world.behaviour.exports_excluded = GENERATE(true, false);
    lab.state.exclusions.put(lab.host_id, lab.world.vm_id, lab.world.disks[1].slot_id, "swap");
    auto job = lab.make_backup();

    const Json result = lab.run(job).result;
    CHECK(result["disks"].size() == 1);
    CHECK(result["skipped"][0]["reason"] == "excluded: swap");
    const std::string warnings = result["warnings"].dump();
    const bool is_said =
        warnings.find("is excluded, and the host exported it") != std::string::npos;
    CHECK(is_said == lab.world.behaviour.exports_excluded);
}

TEST_CASE("backup: disks that stay unmerged have merging switched on again", "[backup]") {
    Lab lab;
    lab.world.behaviour.never_merges = true;
    const Json result = lab.back_up();
    CHECK(lab.world.is_merge_enabled);
    CHECK(result["residue"].empty());
    CHECK(lab.state.residue.list().empty());
}

TEST_CASE("backup: cancelled at any step, the host is clean", "[backup]") {
    const std::string event =
        GENERATE(as<std::string>{}, "before start_create_snapshot", "after start_create_snapshot",
                 "after rename_snapshot", "before start_export", "after start_export",
                 "after journal export.0.job", "before start_convert", "after start_convert",
                 "chunk write", "before commit");
    CAPTURE(event);
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    auto job = lab.make_backup();
    bool is_hit = false;
    lab.script.on_event = [&](int, const std::string& now) {
        if (now == event) is_hit = true;
        if (now == event) job.stop_source.request_stop();
    };
    try {
        lab.run(job);
        // Too late to stop: then the point is there, and right.
        CHECK(lab.newest_point_restores());
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::cancelled);
        CHECK(lab.repository.points.size() == 1);
    }
    lab.script.on_event = [](int, const std::string&) {};
    CHECK(is_hit);
    CHECK(lab.find_dirt() == "");
    CHECK(lab.world.reference_points.size() == 1);
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
    CHECK(has_stage(job, "plan"));
}

TEST_CASE("backup: a commit that fails after convert keeps the old base", "[backup]") {
    Lab lab;
    lab.back_up();
    const std::string old_base = lab.world.reference_points.front().instance_id;
    lab.guest_writes();
    lab.script.on_event = [](int, const std::string& event) {
        if (event == "before commit") throw Error{ErrorCode::no_space, "the disk is full"};
    };
    auto job = lab.make_backup();
    CHECK(code_of(lab, job) == ErrorCode::no_space);
    lab.script.on_event = [](int, const std::string&) {};
    CHECK(lab.find_dirt() == "");
    REQUIRE(lab.world.reference_points.size() == 1);
    CHECK(lab.world.reference_points.front().instance_id == old_base);
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("backup: an export waits while gc has the repository to itself", "[backup]") {
    Lab lab;
    int refusals = 3;
    lab.repository.on_begin = [&] {
        if (refusals-- > 0) throw Error{ErrorCode::busy, "the repository is being cleaned up"};
    };
    CHECK(lab.back_up()["kind"] == "full");
    CHECK(refusals == -1);
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
}

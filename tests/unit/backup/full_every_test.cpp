// A full that --full-every forces is compared with what the increments say: when it can be, when it
// can't, and that the full becomes a point whatever happens beside it.
#include "tests/support/failing_file_system.h"
#include "tests/unit/backup/lab.h"

#include "appliance/backup/backup_job.h"
#include "appliance/backup/maintenance_jobs.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>

using namespace entrepot;
using test::Crash;
using test::Lab;

namespace {

const Json kDue{{"full_every", 1}};
constexpr std::size_t kChunk = test::MemoryRepository::kChunkBytes;

/// The guest writes what is not there yet, so that leaving it out shows.
void write_for_sure(Lab& lab, std::size_t disk, std::size_t offset, std::size_t length) {
    Bytes bytes(length);
    lab.random.fill(bytes);
    lab.world.write(disk, offset, bytes);
}

bool has_warning(const Json& result, const std::string& words) {
    return std::any_of(result["warnings"].begin(), result["warnings"].end(),
                       [&words](const Json& warning) {
                           return warning.get<std::string>().find(words) != std::string::npos;
                       });
}

Json ranges(std::size_t offset, std::size_t length) {
    return Json::array({{{"offset", offset}, {"length", length}}});
}

bool has_export(const Lab& lab) {
    const std::filesystem::recursive_directory_iterator entries{lab.directory.path() / "share"};
    return std::any_of(begin(entries), end(entries),
                       [](const auto& entry) { return entry.is_regular_file(); });
}

}  // namespace

TEST_CASE("full-every: the full is compared with the increments, and the host is asked twice",
          "[backup][compare]") {
    Lab lab;
    lab.world.behaviour.exports_leaf = GENERATE(false, true);
    lab.world.behaviour.differential_onto_leaf = lab.world.behaviour.exports_leaf;
    const Json every{{"full_every", 3}};
    for (int round = 0; round < 3; ++round) {
        CHECK(lab.back_up(every)["comparison"].is_null());
        lab.guest_writes();
    }
    const std::string base = lab.world.reference_points.front().instance_id;
    lab.world.export_bases.clear();
    const Json due = lab.back_up(every);

    CHECK(due["kind"] == "full");
    CHECK(due["reason_code"] == "full_every");
    CHECK(lab.world.export_bases == std::vector<std::string>{base, ""});
    const Json& comparison = due["comparison"];
    CHECK(comparison["result"] == "agrees");
    CHECK(comparison["base_point"] == lab.repository.points[2]->summary.id);
    REQUIRE(comparison["disks"].size() == 2);
    CHECK(comparison["disks"][0]["compared_bytes"] == 1024 * 1024 + 4096);
    CHECK(comparison["disks"][0]["ranges"] == Json::array());
    CHECK(comparison["disks"][1]["result"] == "agrees");
    CHECK(comparison["suspect_points"] == Json::array());
    CHECK(due["warnings"] == Json::array());
    CHECK(lab.repository.points.back()->summary.draft.host_facts["comparison"] == comparison);
    CHECK(lab.world.reference_points.size() == 1);

    lab.guest_writes();
    CHECK(lab.back_up(every)["kind"] == "incremental");
}

TEST_CASE("full-every: what the changes leave out is reported with its range",
          "[backup][compare]") {
    Lab lab;
    lab.world.behaviour.exports_leaf = GENERATE(false, true);
    lab.back_up();
    lab.guest_writes();
    lab.back_up();
    lab.guest_writes();
    write_for_sure(lab, 0, 3 * kChunk, 2 * kChunk);
    lab.world.behaviour.omits = test::OmittedChange{0, 3 * kChunk, 2 * kChunk};
    const Json due = lab.back_up({{"full_every", 2}});  // It also checks what a restore gives.

    CHECK(due["kind"] == "full");
    const Json& comparison = due["comparison"];
    CHECK(comparison["result"] == "disagrees");
    CHECK(comparison["disks"][0]["result"] == "disagrees");
    CHECK(comparison["disks"][0]["ranges"] == ranges(3 * kChunk, 2 * kChunk));
    CHECK(comparison["disks"][0]["disagreeing_bytes"] == 2 * kChunk);
    CHECK(comparison["disks"][1]["result"] == "agrees");
    CHECK(comparison["suspect_points"] == Json::array({lab.repository.points[1]->summary.id}));
    CHECK(has_warning(due, "DISAGREES"));
    CHECK(has_warning(due, "--full"));
    CHECK(has_warning(due, lab.repository.points[1]->summary.id));

    lab.world.behaviour.omits.reset();
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("full-every: what an earlier increment left out shows at the next full",
          "[backup][compare]") {
    Lab lab;
    lab.back_up();
    write_for_sure(lab, 1, 2 * kChunk, kChunk);
    lab.world.behaviour.omits = test::OmittedChange{1, 2 * kChunk, kChunk};
    auto wrong = lab.make_backup();
    CHECK(lab.run(wrong).result["kind"] == "incremental");
    CHECK_FALSE(lab.newest_point_restores());  // Nobody knows.
    lab.world.behaviour.omits.reset();

    const Json due = lab.back_up({{"full_every", 2}});
    CHECK(due["comparison"]["disks"][1]["ranges"] == ranges(2 * kChunk, kChunk));
    CHECK(due["comparison"]["suspect_point_count"] == 1);
    lab.guest_writes();
    const Json next = lab.back_up({{"full_every", 1}});
    CHECK(next["comparison"]["result"] == "agrees");
}

TEST_CASE("full-every: changes that can't be had are no obstacle to the full",
          "[backup][compare]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    auto& behaviour = lab.world.behaviour;
    std::string reason;
    SECTION("the host fails") {
        behaviour.fail_differential_hresult = 0xC03A0029;
        reason = "C03A0029";
    }
    SECTION("the share is full, as the host says") {
        behaviour.fail_differential_hresult = 0x80070070;
        reason = "80070070";
    }
    SECTION("the host sends complete disks") {
        behaviour.sends_complete = true;
        reason = "complete disk";
    }
    SECTION("nothing says which view the changes lie on") {
        // Which of two contents they belong onto is only unclear where there are two.
        behaviour.exports_leaf = true;
        lab.back_up({{"full", true}});
        behaviour.hides_linkage = true;
        behaviour.hides_parent_name = true;
        reason = "neither linkage";
    }
    const Json due = lab.back_up(kDue);
    CHECK(due["kind"] == "full");
    CHECK(due["comparison"]["result"] == "not_possible");
    CHECK(due["comparison"]["reason"].get<std::string>().find(reason) != std::string::npos);
    CHECK(has_warning(due, reason));
    behaviour = {};
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("full-every: where no increment was possible there is nothing to compare",
          "[backup][compare]") {
    Lab lab;
    std::string reason;
    SECTION("the first backup") {
        CHECK(lab.back_up(kDue)["comparison"].is_null());
        return;
    }
    lab.back_up();
    SECTION("a full that was asked for is not compared") {
        CHECK(lab.back_up({{"full_every", 1}, {"full", true}})["comparison"].is_null());
        return;
    }
    SECTION("a disk was added") {
        lab.world.add_disk(256 * 1024, 512);
        reason = "is new since point";
    }
    SECTION("the reference point is gone") {
        lab.world.reference_points.clear();
        reason = "no longer on the host";
    }
    SECTION("a checkpoint was applied") {
        lab.world.last_applied_snapshot = "Microsoft:0";
        reason = "checkpoint was applied";
    }
    SECTION("the base is damaged") {
        lab.repository.points.back()->summary.has_known_damage = true;
        reason = "is damaged";
    }
    lab.guest_writes();
    lab.world.export_bases.clear();
    const Json due = lab.back_up(kDue);
    CHECK(due["kind"] == "full");
    CHECK(lab.world.export_bases == std::vector<std::string>{""});
    CHECK(due["comparison"]["result"] == "not_possible");
    CHECK(due["comparison"]["reason"].get<std::string>().find(reason) != std::string::npos);
    CHECK(due["comparison"]["base_point"].is_null());
    CHECK(due["warnings"] == Json::array());  // Nobody did anything wrong.
}

TEST_CASE("full-every: the guest wrote nothing, or zeros only", "[backup][compare]") {
    Lab lab;
    lab.back_up();
    SECTION("nothing") {}
    SECTION("zeros over data") {
        write_for_sure(lab, 0, 0, 3 * kChunk);
        lab.back_up();
        lab.world.write(0, kChunk, Bytes(kChunk));
    }
    CHECK(lab.back_up(kDue)["comparison"]["result"] == "agrees");
}

TEST_CASE("full-every: zeros that the changes left out are a disagreement", "[backup][compare]") {
    Lab lab;
    write_for_sure(lab, 0, 0, 3 * kChunk);
    lab.back_up();
    lab.world.write(0, kChunk, Bytes(kChunk));
    lab.world.behaviour.omits = test::OmittedChange{0, kChunk, kChunk};
    CHECK(lab.back_up(kDue)["comparison"]["disks"][0]["ranges"] == ranges(kChunk, kChunk));
}

TEST_CASE("full-every: the changes make room when the full finds the share full",
          "[backup][compare]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    lab.world.behaviour.fail_next_full_hresult = 0x80070070;
    const Json due = lab.back_up(kDue);
    CHECK(due["kind"] == "full");
    CHECK(due["comparison"]["result"] == "not_possible");
    CHECK(due["comparison"]["reason"].get<std::string>().find("80070070") != std::string::npos);
    CHECK(lab.world.exports_begun == 4);  // First, changes, full, and the full again.
}

TEST_CASE("full-every: without the changes' room to give, a full share ends the run",
          "[backup][compare]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    lab.world.behaviour.fail_export_hresult = 0x80070070;
    auto job = lab.make_backup(kDue);
    CHECK_THROWS_AS(lab.run(job), Error);
    CHECK(lab.find_dirt() == "");
    lab.world.behaviour.fail_export_hresult = 0;
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("full-every: a share with room for one export gets the full", "[backup][compare]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    test::FailingFileSystem files;
    share::ShareRegistry shares{{files, lab.clock, lab.state.shares, lab.state.hosts}};
    const backup::Services services{.repository = lab.repository,
                                    .state = lab.state,
                                    .shares = shares,
                                    .connect = lab.services.connect,
                                    .clock = lab.clock,
                                    .random = lab.random,
                                    .log = lab.log,
                                    .file_system = files};
    std::string reason;
    SECTION("known before anything is asked") {
        files.on_free_bytes([] { return 40 * kMiB; });
        reason = "has 40.0 MiB free, a full and the changes need about 65.5 MiB";
    }
    SECTION("found when the changes are there") {
        files.on_free_bytes([&lab] { return (has_export(lab) ? 20 : 90) * kMiB; });
        reason = "has 20.0 MiB free, too little for the full";
    }
    auto job = lab.make_backup(kDue);
    const Json due = backup::run_backup(services, job).result;
    CHECK(due["kind"] == "full");
    CHECK(due["comparison"]["reason"].get<std::string>().find(reason) != std::string::npos);
    CHECK(has_warning(due, reason));
    CHECK(lab.newest_point_restores());
    files.on_free_bytes({});
    CHECK(lab.find_dirt() == "");
}

TEST_CASE("full-every: the base point is deleted in the meantime", "[backup][compare]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    const std::string moment = GENERATE("after journal plan", "after journal comparison",
                                        "after journal convert", "before journal compared");
    auto job = lab.make_backup(kDue);
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == moment) throw Crash{};
    };
    CHECK_THROWS_AS(lab.run(job), Crash);
    lab.script.on_event = [](int, const std::string&) {};
    backup::delete_point(lab.services, lab.repository.points.back()->summary);
    const Json due = lab.run(job).result;
    CHECK(due["kind"] == "full");
    CHECK(due["comparison"]["result"] == "not_possible");
    CHECK(due["comparison"]["reason"].get<std::string>().find("no point") != std::string::npos);
    CHECK(lab.newest_point_restores());
    CHECK(lab.find_dirt() == "");
    CHECK(lab.world.reference_points.size() == 1);
}

TEST_CASE("full-every: the comparison waits while gc has the repository to itself",
          "[backup][compare]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    int refusals = 0;
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == "after journal convert") refusals = 3;
    };
    lab.repository.on_open = [&] {
        if (refusals > 0 && refusals-- > 0) {
            throw Error{ErrorCode::busy, "the repository is being cleaned up"};
        }
    };
    CHECK(lab.back_up(kDue)["comparison"]["result"] == "agrees");
    CHECK(refusals == 0);
}

TEST_CASE("full-every: a cancelled run leaves neither export behind", "[backup][compare]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    const std::string moment =
        GENERATE("after journal comparison.0.job", "after journal export.0.job",
                 "after journal comparison_taken", "before journal compared");
    auto job = lab.make_backup(kDue);
    lab.state.jobs.insert(job.id(), {.kind = "backup"}, lab.clock.wall_now());
    lab.state.jobs.request_cancel(job.id());
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == moment) job.stop_source.request_stop();
    };
    CHECK_THROWS_AS(lab.run(job), Error);
    lab.script.on_event = [](int, const std::string&) {};
    INFO(moment);
    CHECK(lab.find_dirt() == "");
    CHECK(lab.repository.points.size() == 1);
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("full-every: a shutdown is no obstacle; the next start compares all the same",
          "[backup][compare]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    auto job = lab.make_backup(kDue);
    lab.state.jobs.insert(job.id(), {.kind = "backup"}, lab.clock.wall_now());
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == "after journal comparison.0.job") job.stop_source.request_stop();
    };
    CHECK_THROWS_AS(lab.run(job), Error);
    lab.script.on_event = [](int, const std::string&) {};
    job.stop_source = std::stop_source{};
    CHECK(lab.run(job).result["comparison"]["result"] == "agrees");
    CHECK(lab.world.exports_begun == 3);
    CHECK(lab.find_dirt() == "");
}

TEST_CASE("full-every: an answer lost anywhere makes no false alarm and leaves nothing behind",
          "[backup][compare][sim]") {
    Lab lab;
    lab.back_up();
    // Every second event from either start; those of a run that ends well.
    int number = GENERATE(0, 1);
    bool is_hit = true;
    for (; is_hit; number += 2) {
        lab.guest_writes();
        is_hit = false;
        std::string lost;
        lab.script.reset();
        lab.script.on_event = [&](int now, const std::string& event) {
            const bool is_call = event.find("start_") != std::string::npos ||
                                 event.find("read_job") != std::string::npos ||
                                 event.find("list_") != std::string::npos;
            if (now != number) return;
            is_hit = true;
            lost = event;
            if (is_call) throw Error{ErrorCode::timeout, "no answer in time"};
        };
        auto job = lab.make_backup(kDue);
        Json result;
        std::string failure;
        try {
            result = lab.run(job).result;
        } catch (const Error& error) {
            failure = error.what();
        }
        lab.script.on_event = [](int, const std::string&) {};
        CAPTURE(number, lost, failure, result.dump());
        if (failure.empty()) {
            CHECK(lab.newest_point_restores());
            CHECK(result["comparison"]["result"] == "agrees");
        }
        CHECK(lab.find_dirt() == "");
        CHECK(lab.world.reference_points.size() == 1);
        lab.guest_writes();
        CHECK(lab.back_up()["kind"] == "incremental");
        lab.repository.points.erase(lab.repository.points.begin(), lab.repository.points.end() - 1);
    }
    CHECK(number > 90);
}

TEST_CASE("full-every: killed anywhere and started again it ends with the same report",
          "[backup][compare][sim]") {
    // Half of the events on an honest host, the others on one that leaves something out.
    const bool is_lying = GENERATE(false, true);
    Lab lab;
    lab.world.behaviour.exports_leaf = is_lying;
    lab.back_up();
    int number = is_lying ? 1 : 0;
    for (bool has_crashed = true; has_crashed; number += 2) {
        lab.guest_writes();
        write_for_sure(lab, 0, kChunk, kChunk);
        if (is_lying) lab.world.behaviour.omits = test::OmittedChange{0, kChunk, kChunk};
        auto job = lab.make_backup(kDue);
        lab.script.reset();
        std::string event;
        lab.script.on_event = [&](int now, const std::string& name) {
            if (now != number) return;
            event = name;
            throw Crash{};
        };
        has_crashed = false;
        std::optional<jobs::JobOutcome> outcome;
        try {
            outcome = lab.run(job);
        } catch (const Crash&) {
            has_crashed = true;
        }
        lab.script.on_event = [](int, const std::string&) {};
        if (has_crashed) outcome = lab.run(job);
        CAPTURE(number, event, outcome->result.dump());
        const std::string result = outcome->result["comparison"]["result"];
        CHECK(result == (is_lying ? "disagrees" : "agrees"));
        CHECK(has_warning(outcome->result, "DISAGREES") == is_lying);
        CHECK(outcome->result["kind"] == "full");
        CHECK(lab.newest_point_restores());
        CHECK(lab.find_dirt() == "");
        CHECK(lab.world.reference_points.size() == 1);
        lab.world.behaviour.omits.reset();
        lab.guest_writes();
        CHECK(lab.back_up()["kind"] == "incremental");
        lab.repository.points.erase(lab.repository.points.begin(), lab.repository.points.end() - 1);
    }
    CHECK(number > 90);
}

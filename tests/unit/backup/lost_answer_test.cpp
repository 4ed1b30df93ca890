// Answers that are lost while another product works on the same VM (F-WM-15): what is not proven to
// be ours is neither adopted nor touched, and it is said.
#include "tests/unit/backup/lab.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>

namespace entrepot {
namespace {

using test::Lab;

std::optional<Error> failure_of(Lab& lab, test::TestJob& job) {
    try {
        lab.run(job);
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

/// What happens at the first event of this name; then the answer, or the request, is lost.
void lose_at(Lab& lab, const std::string& event, const std::function<void()>& meanwhile) {
    lab.script.on_event = [event, meanwhile, is_lost = false](int, const std::string& now) mutable {
        if (is_lost || now != event) return;
        is_lost = true;
        meanwhile();
        throw Error{ErrorCode::timeout, "no answer in time"};
    };
}

void must_be_left_in_doubt(Lab& lab, test::TestJob& job, const std::string& snapshot) {
    const auto failure = failure_of(lab, job);
    REQUIRE(failure);
    CHECK(failure->code() == ErrorCode::conflict);
    CHECK(failure->message().find("not proven") != std::string::npos);
    CHECK(failure->hint().find("Remove-VMSnapshot") != std::string::npos);
    CHECK(lab.world.destroyed.empty());
    REQUIRE(lab.world.snapshots.size() == 1);
    CHECK(lab.world.snapshots.front().instance_id == snapshot);
    CHECK(lab.world.exports_begun == 0);
    const auto residue = lab.state.residue.list_of_vm(lab.host_id, lab.world.vm_id);
    REQUIRE(residue.size() == 1);
    CHECK(residue.front().text.find("Nothing proves whose it is") != std::string::npos);
    CHECK(residue.front().command.find("Remove-VMSnapshot") != std::string::npos);
}

}  // namespace

TEST_CASE("backup: the only new snapshot is not adopted where our request was lost",
          "[F-WM-15][backup]") {
    Lab lab;
    std::string foreign;
    lose_at(lab, "before start_create_snapshot",
            [&] { foreign = lab.world.add_foreign_snapshot("theirs"); });
    auto job = lab.make_backup();
    must_be_left_in_doubt(lab, job, foreign);

    // Later runs know it from the journals of all jobs.
    lab.state.jobs.insert(job.id(), {.kind = "backup"}, lab.clock.wall_now());
    lab.state.journal.put(job.id(), "in_doubt", *job.journal().find("in_doubt"));
    auto next = lab.make_backup();
    const auto refusal = failure_of(lab, next);
    REQUIRE(refusal);
    CHECK(refusal->code() == ErrorCode::conflict);
    CHECK(refusal->message().find("not proven to be ours") != std::string::npos);
    CHECK(lab.world.destroyed.empty());

    lab.world.snapshots.clear();
    CHECK(lab.back_up()["kind"] == "full");
    CHECK(lab.state.residue.list_of_vm(lab.host_id, lab.world.vm_id).empty());
}

TEST_CASE("backup: a snapshot without our name whose answer was lost stays, and is reported",
          "[F-WM-15][backup]") {
    Lab lab;
    lab.world.behaviour.takes_no_name = true;
    std::string made;
    lose_at(lab, "after start_create_snapshot",
            [&] { made = lab.world.snapshots.front().instance_id; });
    auto job = lab.make_backup();
    must_be_left_in_doubt(lab, job, made);
}

TEST_CASE("backup: our name proves whose snapshot it is, whatever else appears",
          "[F-WM-15][backup]") {
    Lab lab;
    std::string foreign;
    lose_at(lab, "after start_create_snapshot",
            [&] { foreign = lab.world.add_foreign_snapshot("theirs"); });
    auto job = lab.make_backup();
    lab.run(job);
    CHECK(lab.newest_point_restores());
    REQUIRE(lab.world.snapshots.size() == 1);
    CHECK(lab.world.snapshots.front().instance_id == foreign);
}

TEST_CASE("backup: a host that takes no names and answers needs none", "[backup]") {
    Lab lab;
    lab.world.behaviour.takes_no_name = true;
    lab.world.behaviour.forgets_affected = GENERATE(false, true);
    CHECK(lab.back_up()["kind"] == "full");
}

TEST_CASE("backup: a run that died in doubt asks for no second snapshot", "[F-WM-15][backup]") {
    Lab lab;
    const std::string foreign = [&] {
        std::string id;
        auto job = lab.make_backup();
        lab.script.on_event = [&](int, const std::string& event) {
            if (event == "before start_create_snapshot" && id.empty()) {
                id = lab.world.add_foreign_snapshot("theirs");
                throw Error{ErrorCode::timeout, "no answer in time"};
            }
            if (event == "after journal in_doubt") throw test::Crash{};
        };
        CHECK_THROWS_AS(lab.run(job), test::Crash);
        lab.script.on_event = [](int, const std::string&) {};
        must_be_left_in_doubt(lab, job, id);
        return id;
    }();
    CHECK(lab.world.snapshots.front().instance_id == foreign);
}

TEST_CASE("backup: of two exports that began when ours had no answer none is ended",
          "[F-WM-15][backup]") {
    Lab lab;
    bool has_ended_one = false;
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == "before cancel_job") has_ended_one = true;
        if (event != "after start_export" || lab.world.exports_begun != 1) return;
        lab.world.start_job("export", 0x80070005, {});
        throw Error{ErrorCode::timeout, "no answer in time"};
    };
    auto job = lab.make_backup();
    SECTION("both are waited for, then the export is made again") {
        lab.run(job);
        CHECK(lab.newest_point_restores());
        CHECK(lab.world.exports_begun == 2);
    }
    SECTION("nor when the run is cancelled") {
        const auto former = lab.script.on_event;
        lab.script.on_event = [&, former](int number, const std::string& event) {
            former(number, event);
            if (event == "before read_job" && lab.world.exports_begun == 1) {
                job.stop_source.request_stop();
            }
        };
        const auto failure = failure_of(lab, job);
        REQUIRE(failure);
        CHECK(failure->code() == ErrorCode::cancelled);
    }
    lab.script.on_event = [](int, const std::string&) {};
    CHECK_FALSE(has_ended_one);
    CHECK(std::any_of(job.warnings.begin(), job.warnings.end(), [](const std::string& text) {
        return text.find("nothing tells which is ours") != std::string::npos;
    }));
    CHECK(lab.find_dirt() == "");
}

TEST_CASE("backup: an export that ended before anybody looked is found by its job",
          "[F-WM-15][backup]") {
    Lab lab;
    lab.world.behaviour.polls_until_done = 0;
    lose_at(lab, "after start_export", [] {});
    auto job = lab.make_backup();
    lab.run(job);
    CHECK(lab.newest_point_restores());
    CHECK(lab.world.exports_begun == 1);
}

}  // namespace entrepot

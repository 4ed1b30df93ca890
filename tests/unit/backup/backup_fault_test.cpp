// Kill points, enumerated: the process dies before and after every host call, journal write, chunk
// write and commit; then lost answers of every host call.
#include "tests/unit/backup/lab.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <optional>

using namespace entrepot;
using test::Crash;
using test::Lab;

namespace {

/// One backup that dies at event `number`, and its second life. Returns false if there was no such
/// event.
bool back_up_with_crash(Lab& lab, int number) {
    auto job = lab.make_backup();
    std::string event;
    lab.script.reset();
    lab.script.on_event = [&](int now, const std::string& name) {
        if (now != number) return;
        event = name;
        throw Crash{};
    };
    bool has_crashed = false;
    const std::size_t points_before = lab.repository.points.size();
    try {
        lab.run(job);
    } catch (const Crash&) {
        has_crashed = true;
    }
    lab.script.on_event = [](int, const std::string&) {};
    CAPTURE(number, event);
    if (has_crashed) {
        CHECK(lab.repository.points.size() <= points_before + 1);
        lab.run(job);  // The next start.
    }
    CHECK(lab.repository.points.size() == points_before + 1);
    CHECK(lab.newest_point_restores());
    CHECK(lab.find_dirt() == "");
    CHECK(lab.world.reference_points.size() == 1);
    CHECK(lab.state.residue.list().empty());
    return has_crashed;
}

}  // namespace

TEST_CASE(
    "backup: killed anywhere and started again it ends its run, and the increment after it is "
    "right",
    "[backup][sim]") {
    // A host with leaves that has forgotten its jobs' results, and one with neither.
    const bool is_hard = GENERATE(false, true);
    Lab lab;
    lab.world.behaviour.exports_leaf = is_hard;
    lab.back_up();
    lab.world.behaviour.forgets_affected = is_hard;
    int number = 0;
    for (;; ++number) {
        lab.guest_writes();
        if (!back_up_with_crash(lab, number)) break;
        lab.guest_writes();
        const Json next = lab.back_up();
        lab.repository.points.erase(lab.repository.points.begin(), lab.repository.points.end() - 1);
        INFO("after event " << number << ": " << next["reason"]);
        CHECK(next["kind"] == "incremental");
    }
    CHECK(number > 60);
}

TEST_CASE("backup: killed anywhere in the first full", "[backup][sim]") {
    int number = 0;
    for (;; ++number) {
        Lab lab;
        if (!back_up_with_crash(lab, number)) break;
        lab.guest_writes();
        CHECK(lab.back_up()["kind"] == "incremental");
    }
    CHECK(number > 60);
}

TEST_CASE("backup: killed while it cleans up after a failure", "[backup][sim]") {
    Lab lab;
    lab.back_up();
    int number = 0;
    for (;; ++number) {
        lab.guest_writes();
        lab.world.behaviour.fail_export_hresult = 0x80070070;
        auto job = lab.make_backup();
        std::optional<int> first_after_failure;
        bool has_crashed = false;
        lab.script.on_event = [&](int now, const std::string& event) {
            if (event == "before journal failed") first_after_failure = now;
            if (!first_after_failure || now - *first_after_failure != number) return;
            has_crashed = true;
            throw Crash{};
        };
        try {
            lab.run(job);
        } catch (const Crash&) {
        } catch (const Error&) {
        }
        lab.script.on_event = [](int, const std::string&) {};
        CAPTURE(number);
        if (has_crashed) CHECK_THROWS_AS(lab.run(job), Error);
        CHECK(lab.find_dirt() == "");
        CHECK(lab.repository.points.size() == static_cast<std::size_t>(number) + 1);
        lab.world.behaviour.fail_export_hresult = 0;
        CHECK(lab.back_up()["kind"] == "incremental");
        if (!has_crashed) break;
    }
    CHECK(number > 10);
}

TEST_CASE("backup: an answer lost before or after the act leaves neither two objects nor none",
          "[backup][sim]") {
    Lab lab;
    lab.back_up();
    int number = 0;
    for (bool is_hit = true; is_hit; ++number) {
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
        auto job = lab.make_backup();
        std::string failure;
        try {
            lab.run(job);
            CHECK(lab.newest_point_restores());
        } catch (const Error& error) {
            failure = error.what();
        }
        lab.script.on_event = [](int, const std::string&) {};
        CAPTURE(number, lost, failure);
        CHECK(lab.find_dirt() == "");
        CHECK(lab.world.reference_points.size() == 1);
        lab.guest_writes();
        CHECK(lab.back_up()["kind"] == "incremental");
    }
    CHECK(number > 60);
}

TEST_CASE("backup: a run that is taken up late leaves the living base alone", "[backup][sim]") {
    Lab lab;
    auto late = lab.make_backup();
    lab.script.on_event = [](int, const std::string& event) {
        if (event == "after commit") throw Crash{};
    };
    CHECK_THROWS_AS(lab.run(late), Crash);
    lab.script.on_event = [](int, const std::string&) {};
    lab.guest_writes();
    auto next = lab.make_backup();
    CHECK(lab.run(next).result["kind"] == "incremental");
    REQUIRE(lab.world.reference_points.size() == 1);
    const std::string living = lab.world.reference_points.front().instance_id;

    lab.run(late);
    REQUIRE(lab.world.reference_points.size() == 1);
    CHECK(lab.world.reference_points.front().instance_id == living);
    lab.guest_writes();
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("backup: a host call that a shutdown cut short is no failure", "[backup][sim]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    auto job = lab.make_backup();
    lab.state.jobs.insert(job.id(), {.kind = "backup"}, lab.clock.wall_now());
    bool is_taken = false;
    bool is_cut = false;
    lab.script.on_event = [&](int, const std::string& event) {
        if (event == "after journal taken") is_taken = true;
        if (!is_taken || is_cut || event != "before list_reference_points") return;
        is_cut = true;
        job.stop_source.request_stop();
        throw Error{ErrorCode::unreachable, "the connection was closed"};
    };
    CHECK_THROWS_AS(lab.run(job), Error);
    CHECK(is_cut);
    lab.script.on_event = [](int, const std::string&) {};

    job.stop_source = std::stop_source{};
    CHECK(lab.run(job).result["kind"] == "incremental");
    CHECK(lab.world.exports_begun == 2);
    CHECK(lab.newest_point_restores());
    CHECK(lab.find_dirt() == "");
}

// Kill points, enumerated: the appliance's process dies before and after every journal write and
// host call of a backup, and at every change of a file; then it starts again over the same
// directories.
#include "tests/e2e/kill_lab.h"

#include "base/random.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>

using namespace entrepot;
using test::KillLab;
using test::KillPoint;
using test::Task;
using test::Told;

namespace {

/// A new appliance now and then: what hundreds of runs leave behind only costs time here.
constexpr std::uint64_t kFreshEvery = 16;
constexpr std::uint64_t kPointsMax = 2'000;
/// The increment is what runs each night; all scenarios share most of its steps.
constexpr std::uint64_t kSampleOften = 2;
constexpr std::uint64_t kSample = 5;

bool is_nightly() {
    const char* value = std::getenv("ENTREPOT_NIGHTLY");
    return value != nullptr && std::string{value} == "1";
}

std::uint64_t seed() {
    static const std::uint64_t chosen = [] {
        const char* value = std::getenv("ENTREPOT_SEED");
        SystemRandom random;
        return value != nullptr ? std::strtoull(value, nullptr, 10) : random.u64() % 1'000'000;
    }();
    return chosen;
}

/// Every point at night; else each `sample`-th from an offset that the seed gives. `body` returns
/// false if its run met no such point.
template <typename Body>
void enumerate(const std::string& scenario, std::uint64_t sample, const Body& body) {
    const std::uint64_t step = is_nightly() ? 1 : sample;
    const auto begin = std::chrono::steady_clock::now();
    for (const auto kind : {KillPoint::Kind::step, KillPoint::Kind::file}) {
        const char* name = kind == KillPoint::Kind::step ? "step" : "file";
        std::uint64_t count = 0;
        std::uint64_t number = seed() % step;
        INFO(scenario << ", seed " << seed());
        while (number < kPointsMax && body(KillPoint{kind, number})) {
            ++count;
            number += step;
        }
        CHECK(number < kPointsMax);
        CHECK(number > (kind == KillPoint::Kind::step ? 60 : 1));
        std::cout << scenario << ": killed at " << count << " of about " << number << " " << name
                  << " points, seed " << seed() << std::endl;
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    std::cout << scenario << ": " << elapsed.count() << " s" << std::endl;
}

std::vector<std::string> ids_of(const Json& points) {
    std::vector<std::string> ids;
    for (const Json& point : points)
        ids.push_back(point.at("id"));
    return ids;
}

void check_settled(const KillLab& lab, const Told& told) {
    CHECK(lab.find_difference(told.said.at("points_before")).empty());
    CHECK(lab.find_difference(told.said.at("points_after")) == "");
    CHECK(lab.find_dirt() == "");
    CHECK(told.said.at("residue") == Json::array());
}

/// A backup that must be right.
Told back_up(KillLab& lab) {
    lab.guest_writes();
    Told told = lab.live(Task::back_up);
    INFO(told.said.at("jobs").dump());
    CHECK(told.said.at("jobs").at(0).at("state") == "done");
    check_settled(lab, told);
    return told;
}

void check_increment(const Told& told) {
    REQUIRE(!told.said.at("points_after").empty());
    const Json& point = told.said.at("points_after").back();
    INFO(point.dump());
    // The simulator may send complete disks where changes were asked for, as hosts do.
    const std::string reason = point.at("reason");
    const bool was_asked_for = reason.find("although changes were asked for") != std::string::npos;
    CHECK((point.at("kind") == "incremental" || was_asked_for));
}

/// The next start. Requires that the run before was killed. The job goes on to its end, which is a
/// point, or a failure where `may_fail`. Returns the points then.
Json start_again(KillLab& lab, const std::vector<std::string>& old, bool may_fail) {
    const Told told = lab.live(Task::resume);
    INFO(told.said.dump());
    const auto found = ids_of(told.said.at("points_before"));
    CHECK(found.size() <= old.size() + 1);
    CHECK(std::vector<std::string>(
              found.begin(),
              found.begin() + static_cast<long>(std::min(old.size(), found.size()))) == old);
    REQUIRE(told.said.at("jobs").size() == 1);
    const std::string state = told.said.at("jobs").at(0).at("state");
    const bool has_failed = may_fail && state == "failed";
    if (!has_failed) CHECK(state == "done");
    CHECK(told.said.at("points_after").size() == old.size() + (has_failed ? 0 : 1));
    check_settled(lab, told);
    return told.said.at("points_after");
}

/// What is left after the points but the newest are removed, as the next backup does at its begin.
std::vector<std::string> newest(const Json& points) {
    auto ids = ids_of(points);
    if (ids.size() > 1) ids.erase(ids.begin(), ids.end() - 1);
    return ids;
}

}  // namespace

TEST_CASE("kill points: an increment", "[e2e][kill]") {
    if (!Simulator::is_available()) return;
    KillLab lab{seed()};
    Json points;
    std::uint64_t runs = 0;
    enumerate("increment", kSampleOften, [&](const KillPoint& point) {
        if (runs++ % kFreshEvery == 0) {
            lab.start_over();
            points = back_up(lab).said.at("points_after");
        }
        lab.guest_writes();
        const Told killed = lab.live(Task::back_up, point);
        INFO("number " << point.number << ", " << killed.event);
        if (killed.is_killed) start_again(lab, newest(points), false);
        const Told next = back_up(lab);
        check_increment(next);
        points = next.said.at("points_after");
        return killed.is_killed;
    });
    CHECK(lab.count_leaves() > 0);
}

TEST_CASE("kill points: the first full", "[e2e][kill]") {
    if (!Simulator::is_available()) return;
    KillLab lab{seed()};
    lab.guest_writes();
    enumerate("first full", kSample, [&](const KillPoint& point) {
        lab.start_over();
        const Told killed = lab.live(Task::back_up, point);
        INFO("number " << point.number << ", " << killed.event);
        if (killed.is_killed) start_again(lab, {}, false);
        check_increment(back_up(lab));
        return killed.is_killed;
    });
}

TEST_CASE("kill points: an export that fails", "[e2e][kill]") {
    if (!Simulator::is_available()) return;
    // The share is full after all was written; change tracking is lost, so that a full follows.
    const auto [name, fault] = GENERATE(table<std::string, std::string>(
        {{"share full", "fail-job-late:0x80070070"}, {"tracking lost", "fail-job:0xC03A0029"}}));
    const bool may_fail = name == "share full";
    KillLab lab{seed()};
    Json points = back_up(lab).said.at("points_after");
    enumerate(name, kSample, [&, &name = name, &fault = fault](const KillPoint& point) {
        lab.guest_writes();
        lab.control({"fault", "add", "ExportSystemDefinition", fault, "1"});
        const Told killed = lab.live(Task::back_up, point);
        INFO(name << ", number " << point.number << ", " << killed.event);
        if (killed.is_killed) {
            start_again(lab, newest(points), may_fail);
        } else {
            CHECK(killed.said.at("jobs").at(0).at("state") == (may_fail ? "failed" : "done"));
            check_settled(lab, killed);
        }
        lab.control({"fault", "clear"});
        const Told next = back_up(lab);
        check_increment(next);
        points = next.said.at("points_after");
        return killed.is_killed;
    });
}

TEST_CASE("kill points: a full that is compared with the increments", "[e2e][kill]") {
    if (!Simulator::is_available()) return;
    KillLab lab{seed()};
    Json points;
    std::size_t compared = 0;
    std::uint64_t runs = 0;
    enumerate("compared full", kSample, [&](const KillPoint& point) {
        if (runs++ % kFreshEvery == 0) {
            lab.start_over();
            points = back_up(lab).said.at("points_after");
        }
        lab.guest_writes();
        lab.force_fulls(1);
        const Told killed = lab.live(Task::back_up, point);
        lab.force_fulls(0);
        INFO("number " << point.number << ", " << killed.event);
        if (killed.is_killed) points = start_again(lab, newest(points), false);
        const Json made = killed.is_killed ? points.back() : killed.said.at("points_after").back();
        INFO(made.dump());
        CHECK(made.at("kind") == "full");
        // An honest host: the report is there, and no crash makes it a false alarm.
        const std::string result = made.at("comparison").at("result");
        CHECK(result != "disagrees");
        compared += result == "agrees" ? 1 : 0;
        const Told next = back_up(lab);
        check_increment(next);
        points = next.said.at("points_after");
        return killed.is_killed;
    });
    CHECK(compared > 0);
}

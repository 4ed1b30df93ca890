// Kill points of a restore, enumerated: the appliance's process dies before and after every journal
// write and host call, and at every change of a file; then it starts again. There is one VM then,
// with the point's content, and nothing else.
#include "tests/e2e/kill_lab.h"

#include "base/random.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <iostream>

using namespace entrepot;
using test::KillLab;
using test::KillPoint;
using test::Task;
using test::Told;

namespace {

constexpr std::uint64_t kPointsMax = 2'000;

constexpr std::uint64_t kSample = 5;

std::uint64_t step_of_enumeration() {
    const char* value = std::getenv("ENTREPOT_NIGHTLY");
    return value != nullptr && std::string{value} == "1" ? 1 : kSample;
}

/// Another part of the points in each run.
std::uint64_t seed() {
    const char* value = std::getenv("ENTREPOT_SEED");
    SystemRandom random;
    return value != nullptr ? std::strtoull(value, nullptr, 10) : random.u64() % 1'000'000;
}

/// The VM of a restore is right, and is taken away again.
void check_and_remove(KillLab& lab, const Told& told) {
    INFO(told.said.dump());
    REQUIRE(told.said.at("jobs").size() == 1);
    CHECK(told.said.at("jobs").at(0).at("state") == "done");
    CHECK(told.said.at("residue") == Json::array());
    const Json audit = lab.control({"audit"});
    INFO(audit.dump(1));
    CHECK(audit.at("planned_vms").empty());
    REQUIRE(audit.at("imported_vms").size() == 1);
    const Json& vm = audit.at("imported_vms").at(0);
    CHECK(vm.at("state") == "off");
    CHECK(lab.find_difference_of_vm(vm, told.said.at("points_after").back()) == "");
    lab.control({"vm", "remove", vm.at("id").get<std::string>()});
    lab.clear_share();
}

}  // namespace

TEST_CASE("kill points: a restore of a VM", "[e2e][kill]") {
    if (!Simulator::is_available()) return;
    const std::uint64_t chosen = seed();
    INFO("ENTREPOT_SEED=" << chosen);
    KillLab lab{chosen};
    lab.guest_writes();
    const Told backup = lab.live(Task::back_up);
    REQUIRE(backup.said.at("jobs").at(0).at("state") == "done");
    for (const auto kind : {KillPoint::Kind::step, KillPoint::Kind::file}) {
        std::uint64_t number = chosen % step_of_enumeration();
        std::uint64_t count = 0;
        while (number < kPointsMax) {
            const Told killed = lab.live(Task::restore, KillPoint{kind, number});
            INFO("number " << number << ", " << killed.event);
            check_and_remove(lab, killed.is_killed ? lab.live(Task::resume) : killed);
            if (!killed.is_killed) break;
            ++count;
            number += step_of_enumeration();
        }
        CHECK(number < kPointsMax);
        CHECK(number > (kind == KillPoint::Kind::step ? 60 : 10));
        std::cout << "restore: killed at " << count << " of about " << number << " "
                  << (kind == KillPoint::Kind::step ? "step" : "file") << " points, seed " << chosen
                  << std::endl;
    }
}

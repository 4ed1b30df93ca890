// Which records of jobs go, and which stay because somebody may still ask for them.
#include "appliance/policy/record_keeper.h"
#include "appliance/policy/scheduler.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

using namespace entrepot;
using namespace entrepot::policy;
using namespace std::chrono_literals;
using std::chrono::days;

namespace {

std::string id_of(int number) {
    return fmt::format("{:032x}", number);
}

struct KeeperFixture : test::StateFixture {
    NullLog log;
    RecordKeeperOptions options{.job_age_max = days{30}, .job_count_max = 100, .interval = 1h};

    void end_job(int number, const std::string& exclusive_key = {}) {
        auto record = add_job(number, exclusive_key);
        record.view.state = jobs::JobState::done;
        record.view.ended = clock.wall_now();
        state->jobs.update(record.view);
    }
    state::JobRecord add_job(int number, const std::string& exclusive_key = {}) {
        jobs::JobRequest request{.kind = "backup", .subject = "web01"};
        request.exclusive_key = exclusive_key;
        return state->jobs.insert(id_of(number), request, clock.wall_now());
    }
    bool has(int number) { return state->jobs.find(id_of(number)).has_value(); }
    std::size_t run_once() { return RecordKeeper{clock, log, *state, options}.run_once(); }
};

}  // namespace

TEST_CASE("record keeper: what ended long ago goes, what runs or ended lately stays", "[policy]") {
    KeeperFixture fixture;
    fixture.end_job(1);
    fixture.add_job(2);  // Still queued after all that time.
    fixture.clock.advance(days{20});
    fixture.end_job(3);
    fixture.clock.advance(days{10});
    CHECK(fixture.run_once() == 0);
    fixture.clock.advance(1ms);
    CHECK(fixture.run_once() == 1);
    CHECK(!fixture.has(1));
    CHECK(fixture.has(2));
    CHECK(fixture.has(3));
}

TEST_CASE("record keeper: of too many the oldest go", "[policy]") {
    KeeperFixture fixture;
    fixture.options.job_count_max = 3;
    for (int number = 1; number <= 5; ++number)
        fixture.end_job(number);
    fixture.add_job(6);
    CHECK(fixture.run_once() == 2);
    CHECK(!fixture.has(2));
    CHECK(fixture.has(3));
    CHECK(fixture.has(6));
    CHECK(fixture.run_once() == 0);
}

TEST_CASE("record keeper: the jobs of a VM with something left on its host stay", "[policy]") {
    KeeperFixture fixture;
    fixture.end_job(1, vm_exclusive_key("H", "abcd"));
    fixture.end_job(2, vm_exclusive_key("H", "other"));
    fixture.state->residue.replace("H", "ABCD", {{.text = "a snapshot", .command = "remove it"}});
    fixture.clock.advance(days{31});
    CHECK(fixture.run_once() == 1);
    CHECK(fixture.has(1));
    CHECK(!fixture.has(2));
    fixture.state->residue.replace("H", "ABCD", {});
    CHECK(fixture.run_once() == 1);
}

TEST_CASE("record keeper: an open run of a policy finds its jobs", "[policy]") {
    KeeperFixture fixture;
    fixture.end_job(1);
    fixture.clock.advance(days{1});
    const auto policy = fixture.state->policies.add("nightly", Json::object());
    const std::string run =
        fixture.state->policies.plan_run(policy, Json::object(), std::nullopt).id;
    fixture.end_job(2);
    fixture.clock.advance(days{40});
    CHECK(fixture.run_once() == 1);
    CHECK(!fixture.has(1));
    CHECK(fixture.has(2));
    fixture.state->policies.set_run_state(run, "done");
    CHECK(fixture.run_once() == 1);
}

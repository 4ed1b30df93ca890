// The scheduler: due once, missed once, never twice; backups, then prunes.
#include "appliance/policy/scheduler.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <atomic>

using namespace entrepot;
using namespace entrepot::policy;
using namespace std::chrono_literals;
using test::code_of;

namespace {

PosixFileSystem files;

struct SchedulerFixture : test::StateFixture {
    NullLog log;
    TimeZones zones{files};
    bool backup_fails = false;
    std::unique_ptr<jobs::JobEngine> engine;
    std::unique_ptr<Scheduler> scheduler;
    std::string host_id;
    std::size_t refresh_count = 0;

    SchedulerFixture() {
        host_id =
            state->hosts
                .add({.name = "hv01", .url = "https://hv01:5986/wsman", .authentication = "ntlm"})
                .id;
        state->vms.replace_all(host_id, {{.vm_id = "A", .name = "web01"},
                                         {.vm_id = "B", .name = "web02"},
                                         {.vm_id = "C", .name = "db01"}});
        make();
    }
    void make() {
        engine = std::make_unique<jobs::JobEngine>(
            jobs::EngineEnvironment{clock, random, log, state->jobs, state->journal},
            jobs::EngineOptions{});
        engine->register_handler("backup", [this](jobs::JobContext&) -> jobs::JobOutcome {
            if (backup_fails) throw Error{ErrorCode::unreachable, "no"};
            return {};
        });
        engine->register_handler("prune", [](jobs::JobContext&) { return jobs::JobOutcome{}; });
        SchedulerOptions options;
        options.refresh_host = [this](const state::HostRecord&, std::stop_token) {
            ++refresh_count;
            throw Error{ErrorCode::unreachable, "the host sleeps"};
        };
        scheduler = std::make_unique<Scheduler>(
            SchedulerEnvironment{clock, log, *state, *engine, zones}, options);
    }
    void restart() {
        scheduler.reset();
        engine.reset();
        reopen();
        make();
    }
    void add_policy(const std::string& calendar) {
        const Json definition{{"name", "nightly"},
                              {"vms", {"web*"}},
                              {"calendar", calendar},
                              {"keep", {{"keep_last", 3}}}};
        state->policies.add("nightly", Policy::from_json(definition, zones).to_json());
    }
    void round() { scheduler->run_once({}); }
    std::vector<state::JobRecord> queued() {
        return state->jobs.list_in_state(jobs::JobState::queued);
    }
    void run_all() {
        for (const auto& job : queued())
            engine->run_here(job.view.id);
    }
    std::size_t count(const std::string& kind) {
        return state->jobs.list({.kind = kind, .limit = 500}).jobs.size();
    }
};

PolicySchedule schedule(const std::string& calendar, const std::string& changed,
                        const std::string& last_run) {
    TimeZones zones{files};
    return {.id = "p",
            .is_enabled = true,
            .calendar = CalendarExpression::parse(calendar, zones),
            .changed = *parse_time(changed),
            .last_run = parse_time(last_run)};
}

std::size_t due_count(const PolicySchedule& policy, const std::string& now) {
    return plan_due({policy}, *parse_time(now), *TimeZone::utc()).size();
}

}  // namespace

TEST_CASE("plan_due: at the time, once for all that was missed, not before", "[policy]") {
    const auto fresh = schedule("02:00", "2026-03-01T12:00:00Z", "");
    CHECK(due_count(fresh, "2026-03-01T12:00:01Z") == 0);
    CHECK(due_count(fresh, "2026-03-02T01:59:59Z") == 0);
    CHECK(due_count(fresh, "2026-03-02T02:00:00Z") == 1);

    const auto missed =
        plan_due({schedule("02:00", "2026-03-01T12:00:00Z", "2026-03-02T02:00:05Z")},
                 *parse_time("2026-03-09T12:00:00Z"), *TimeZone::utc());
    REQUIRE(missed.size() == 1);
    CHECK(format_time(missed[0].slot) == "2026-03-03T02:00:00.000Z");

    auto disabled = fresh;
    disabled.is_enabled = false;
    CHECK(due_count(disabled, "2026-03-05T02:00:00Z") == 0);
    // What was due before somebody changed the policy is not caught up.
    CHECK(due_count(schedule("02:00", "2026-03-05T12:00:00Z", "2026-03-02T02:00:05Z"),
                    "2026-03-05T12:00:01Z") == 0);
}

TEST_CASE("plan_due: a clock that steps back repeats nothing, one that was wrong heals",
          "[policy]") {
    const auto stepped = schedule("02:00", "2026-03-01T12:00:00Z", "2026-03-02T02:00:00Z");
    CHECK(due_count(stepped, "2026-03-02T01:59:58Z") == 0);
    CHECK(due_count(stepped, "2026-03-02T02:00:00Z") == 0);
    const auto wrong = schedule("02:00", "2026-03-01T12:00:00Z", "2036-03-02T02:00:00Z");
    CHECK(due_count(wrong, "2026-03-02T02:00:00Z") == 0);
    CHECK(due_count(schedule("02:00", "2026-03-01T12:00:00Z", "2026-03-02T02:00:00Z"),
                    "2026-03-03T02:00:00Z") == 1);
}

TEST_CASE("scheduler: one backup a VM, then one prune a VM, then rest", "[policy]") {
    SchedulerFixture fixture;
    fixture.add_policy("02:00");
    fixture.round();
    CHECK(fixture.count("backup") == 0);
    CHECK(fixture.refresh_count == 0);
    fixture.clock.advance(15h);
    fixture.round();
    CHECK(fixture.refresh_count == 1);
    auto jobs = fixture.queued();
    REQUIRE(jobs.size() == 2);
    CHECK(jobs[0].view.subject == "web01 on hv01");
    CHECK(jobs[0].view.requested_by == "policy nightly");
    CHECK(jobs[0].view.parameters.at("vm") == "A");
    CHECK(jobs[0].request.exclusive_key == vm_exclusive_key(fixture.host_id, "A"));
    CHECK(jobs[0].request.group_limit == 2);

    fixture.round();
    CHECK(fixture.count("backup") == 2);
    CHECK(fixture.count("prune") == 0);
    fixture.engine->run_here(jobs[0].view.id);
    fixture.round();
    CHECK(fixture.count("prune") == 0);
    fixture.engine->run_here(jobs[1].view.id);
    fixture.round();
    jobs = fixture.queued();
    REQUIRE(jobs.size() == 2);
    CHECK(jobs[0].view.kind == "prune");
    CHECK(jobs[0].view.parameters.at("keep_last") == 3);
    fixture.run_all();
    fixture.round();
    CHECK(fixture.count("prune") == 2);
    CHECK(fixture.state->policies.list_open_runs().empty());
}

TEST_CASE("scheduler: restarts neither lose nor repeat a run", "[policy]") {
    SchedulerFixture fixture;
    fixture.add_policy("02:00");
    fixture.clock.advance(24h * 5);
    fixture.round();
    CHECK(fixture.count("backup") == 2);
    fixture.restart();
    fixture.round();
    CHECK(fixture.count("backup") == 2);

    // As if the process had died after planning, with one of two jobs enqueued.
    const auto run = fixture.state->policies.list_open_runs().at(0);
    fixture.state->policies.set_run_state(run.id, "planned");
    fixture.restart();
    fixture.round();
    CHECK(fixture.count("backup") == 2);
    CHECK(fixture.scheduler->list_jobs_of_run(run.id).size() == 2);
    fixture.run_all();
    fixture.restart();
    fixture.round();
    CHECK(fixture.count("prune") == 2);
    fixture.restart();
    fixture.round();
    CHECK(fixture.count("prune") == 2);
}

TEST_CASE("scheduler: a VM without a new point is not pruned", "[policy]") {
    SchedulerFixture fixture;
    fixture.backup_fails = true;
    fixture.add_policy("02:00");
    fixture.clock.advance(24h);
    fixture.round();
    fixture.run_all();
    fixture.round();
    CHECK(fixture.count("backup") == 2);
    CHECK(fixture.count("prune") == 0);
    CHECK(fixture.state->policies.list_open_runs().empty());
}

TEST_CASE("scheduler: a backup that still waits is not joined by a second", "[policy]") {
    SchedulerFixture fixture;
    fixture.add_policy("hourly");
    fixture.clock.advance(61min);
    fixture.round();
    fixture.clock.advance(60min);
    fixture.round();
    CHECK(fixture.count("backup") == 2);
    fixture.run_all();
    fixture.round();
    fixture.clock.advance(60min);
    fixture.round();
    CHECK(fixture.count("backup") == 4);
}

TEST_CASE("scheduler: run_now needs no calendar and does not move it", "[policy]") {
    SchedulerFixture fixture;
    fixture.add_policy("02:00");
    const std::string run = fixture.scheduler->run_now("nightly");
    CHECK(fixture.scheduler->list_jobs_of_run(run).size() == 2);
    CHECK(!fixture.state->policies.get("nightly").last_run);
    CHECK(code_of([&] { fixture.scheduler->run_now("weekly"); }) == ErrorCode::not_found);
    fixture.state->vms.replace_all(fixture.host_id, {});
    CHECK(code_of([&] { fixture.scheduler->run_now("nightly"); }) == ErrorCode::not_found);
}

TEST_CASE("scheduler: a run of a key is made once, of another key or none anew", "[policy]") {
    SchedulerFixture fixture;
    fixture.add_policy("02:00");
    const std::string run = fixture.scheduler->run_now("nightly", "ada:k1");
    CHECK(fixture.scheduler->run_now("nightly", "ada:k1") == run);
    CHECK(fixture.scheduler->run_now("nightly", "bob:k1") != run);
    CHECK(fixture.scheduler->run_now("nightly") != run);
    CHECK(fixture.scheduler->run_now("nightly", "ada:k1") == run);
}

TEST_CASE("scheduler: one bad policy does not stop the others", "[policy]") {
    SchedulerFixture fixture;
    fixture.state->policies.add("broken", {{"calendar", "nonsense"}});
    fixture.add_policy("02:00");
    fixture.clock.advance(24h);
    fixture.round();
    CHECK(fixture.count("backup") == 2);
}

TEST_CASE("scheduler: its thread does rounds and stops", "[policy]") {
    SchedulerFixture fixture;
    SystemClock clock;
    fixture.add_policy("02:00");
    fixture.clock.advance(24h);
    std::atomic<bool> has_enqueued = false;
    const auto subscription = fixture.engine->subscribe(
        [&](const jobs::JobView& view) { has_enqueued = view.kind == "backup"; });
    fixture.scheduler->start();
    const SteadyTime deadline = clock.steady_now() + 20s;
    while (!has_enqueued && clock.steady_now() < deadline)
        std::this_thread::yield();
    fixture.scheduler->stop();
    CHECK(has_enqueued);
}

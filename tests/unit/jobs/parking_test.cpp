// Jobs that wait for a person: running, without a worker.
#include "appliance/jobs/job_engine.h"

#include "base/error.h"
#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

using namespace entrepot;
using namespace entrepot::jobs;
using test::StateFixture;

namespace {

constexpr std::chrono::seconds kPatience{20};

struct EngineFixture : StateFixture {
    NullLog log;
    std::unique_ptr<JobEngine> engine = make();

    std::unique_ptr<JobEngine> make() {
        return std::make_unique<JobEngine>(
            EngineEnvironment{clock, random, log, state->jobs, state->journal}, EngineOptions{});
    }
    /// A new process over the same database.
    void restart_process() {
        engine.reset();
        reopen();
        engine = make();
    }
    JobView finished(const std::string& id) { return engine->wait(id, kPatience); }
};

JobOutcome do_nothing(JobContext&) {
    return {};
}

}  // namespace

TEST_CASE("parking: a parked job stays running, holds no worker and is run again", "[jobs]") {
    EngineFixture fixture;
    std::atomic<int> looks = 0;
    const auto wait_for_somebody = [&](JobContext& job) -> JobOutcome {
        if (!job.journal().find("begun")) {
            job.enter_stage("copy");
            job.journal().put("begun", true);
        }
        if (++looks < 4) throw Parking{"somebody copies", std::chrono::milliseconds{0}};
        return {};
    };
    fixture.engine->register_handler("wait", wait_for_somebody,
                                     {.after_crash = AfterCrash::resume});
    const std::string id = fixture.engine->enqueue({.kind = "wait"});
    for (int look = 1; look < 3; ++look) {
        const JobView view = fixture.engine->run_here(id);
        CHECK(view.state == JobState::running);
        CHECK(view.stage == "copy");
        CHECK(view.waiting_for == "somebody copies");
        CHECK(view.started);
        REQUIRE(view.events.size() == 2);
        CHECK(view.events[1].text == "waiting: somebody copies");
    }
    // Over a restart, too, and without a word about it.
    fixture.restart_process();
    fixture.engine->register_handler("wait", wait_for_somebody,
                                     {.after_crash = AfterCrash::resume});
    fixture.engine->start();
    const JobView done = fixture.finished(id);
    CHECK(done.state == JobState::done);
    CHECK(done.waiting_for.empty());
    CHECK(done.events.size() == 2);
    CHECK(looks == 4);
}

TEST_CASE("parking: more parked jobs than workers let others run", "[jobs]") {
    EngineFixture fixture;
    fixture.engine->register_handler("wait",
                                     [](JobContext&) -> JobOutcome {
                                         throw Parking{"somebody copies", std::chrono::hours{1}};
                                     },
                                     {.after_crash = AfterCrash::resume});
    fixture.engine->register_handler("other", do_nothing);
    std::vector<std::string> parked;
    for (int number = 0; number < 20; ++number)
        parked.push_back(fixture.engine->enqueue({.kind = "wait"}));
    fixture.engine->start();
    CHECK(fixture.finished(fixture.engine->enqueue({.kind = "other"})).state == JobState::done);
    for (const std::string& id : parked) {
        const JobState state = fixture.engine->view(id).state;
        CHECK((state == JobState::running || state == JobState::queued));
    }
    fixture.engine->shutdown();
}

TEST_CASE("parking: a parked job that is cancelled is run at once, as stopped", "[jobs]") {
    EngineFixture fixture;
    std::atomic<bool> is_undone = false;
    std::atomic<bool> cancels_itself = false;
    const auto handler = [&](JobContext& job) -> JobOutcome {
        const bool is_stopped = job.stop().stop_requested();
        if (cancels_itself.exchange(false)) fixture.engine->cancel(job.id());
        if (is_stopped) {
            is_undone = true;
            throw Error{ErrorCode::cancelled, "cancelled"};
        }
        throw Parking{"somebody copies", std::chrono::hours{1}};
    };
    fixture.engine->register_handler("wait", handler, {.after_crash = AfterCrash::resume});
    SECTION("while it waits") {
        const std::string id = fixture.engine->enqueue({.kind = "wait"});
        fixture.engine->run_here(id);
        fixture.engine->start();
        fixture.engine->cancel(id);
        CHECK(fixture.finished(id).state == JobState::cancelled);
    }
    SECTION("in the moment in which it parks") {
        cancels_itself = true;
        fixture.engine->start();
        const std::string id = fixture.engine->enqueue({.kind = "wait"});
        CHECK(fixture.finished(id).state == JobState::cancelled);
    }
    SECTION("before the appliance starts again") {
        const std::string id = fixture.engine->enqueue({.kind = "wait"});
        fixture.engine->run_here(id);
        fixture.engine->cancel(id);
        fixture.restart_process();
        fixture.engine->register_handler("wait", handler, {.after_crash = AfterCrash::resume});
        fixture.engine->start();
        CHECK(fixture.finished(id).state == JobState::cancelled);
    }
    CHECK(is_undone);
}

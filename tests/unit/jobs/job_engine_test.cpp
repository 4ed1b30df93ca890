// The engine: outcomes, cancelling, crashes and restarts, live views.
#include "appliance/jobs/job_engine.h"

#include "appliance/jobs/default_hint.h"

#include "tests/support/state_fixture.h"

#include <Poco/Data/Session.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>

using namespace entrepot;
using namespace entrepot::jobs;
using test::code_of;
using test::StateFixture;

namespace {

constexpr std::chrono::seconds kPatience{20};

// Opens once; whoever waits goes on. Gives up after a deadline, so that a fault is no hang.
class Gate {
public:
    void open() {
        const std::scoped_lock lock{mutex_};
        is_open_ = true;
        opened_.notify_all();
    }
    bool wait() {
        std::unique_lock lock{mutex_};
        return opened_.wait_for(lock, kPatience, [&] { return is_open_; });
    }
    bool wait(std::stop_token stop) {
        std::unique_lock lock{mutex_};
        return opened_.wait_for(lock, stop, kPatience, [&] { return is_open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable_any opened_;
    bool is_open_ = false;
};

// Derived from nothing: passes through the engine as a crash does.
struct Crash {};

struct EngineFixture : StateFixture {
    NullLog log;
    std::unique_ptr<JobEngine> engine = make(EngineOptions{});

    std::unique_ptr<JobEngine> make(const EngineOptions& options) {
        return std::make_unique<JobEngine>(
            EngineEnvironment{clock, random, log, state->jobs, state->journal}, options);
    }
    /// A new process over the same database.
    void restart_process() {
        engine.reset();
        reopen();
        engine = make(EngineOptions{});
    }
    JobView finished(const std::string& id) { return engine->wait(id, kPatience); }
};

JobOutcome do_nothing(JobContext&) {
    return {};
}

}  // namespace

TEST_CASE("job engine: a job runs, tells, and leaves its result", "[jobs]") {
    EngineFixture fixture;
    fixture.engine->register_handler("work", [](JobContext& job) {
        job.enter_stage("first");
        job.note("hello");
        job.warn("careful");
        job.progress().report("bytes", 5, 10);
        job.journal().put("k", 7);
        return JobOutcome{JobState::partly, {{"answer", job.parameters().at("question")}}};
    });
    fixture.engine->start();
    const std::string id = fixture.engine->enqueue(
        {.kind = "work", .subject = "vm", .parameters = {{"question", 42}}});
    CHECK(id.size() == 32);
    const JobView view = fixture.finished(id.substr(0, 12));
    CHECK(view.state == JobState::partly);
    CHECK(view.result == Json{{"answer", 42}});
    CHECK(view.stage == "first");
    CHECK(view.done_bytes == 5);
    CHECK(view.started == fixture.clock.wall_now());
    REQUIRE(view.events.size() == 3);
    CHECK(view.events[0].level == "stage");
    CHECK(view.events[1].text == "hello");
    CHECK(view.events[2].level == "warning");
    CHECK(fixture.state->journal.find(id, "k") == Json(7));
    CHECK(code_of([&] { fixture.engine->enqueue({.kind = "other"}); }) == ErrorCode::usage);
    CHECK(code_of([&] { fixture.engine->view("ffff"); }) == ErrorCode::not_found);
}

TEST_CASE("job engine: an end that the full disk has no room for is told, and written later",
          "[jobs]") {
    EngineFixture fixture;
    const auto allow_pages = [&](const std::string& count) {
        fixture.state->database().transact([&](Poco::Data::Session& session) {
            session << "PRAGMA max_page_count = " + count, Poco::Data::Keywords::now;
        });
    };
    fixture.engine->register_handler("fills", [&](JobContext&) {
        allow_pages("1");  // No more than there are.
        return JobOutcome{JobState::done, {{"answer", std::string(1'000'000, 'x')}}};
    });
    fixture.engine->register_handler("makes_room", [&](JobContext&) {
        allow_pages("1000000");
        return JobOutcome{};
    });
    fixture.engine->start();
    const std::string id = fixture.engine->enqueue({.kind = "fills"});
    CHECK(fixture.finished(id).state == JobState::done);
    CHECK(fixture.state->jobs.find(id)->view.state == JobState::running);
    CHECK(code_of([&] { fixture.engine->cancel(id); }) == ErrorCode::conflict);
    CHECK(fixture.finished(fixture.engine->enqueue({.kind = "makes_room"})).state ==
          JobState::done);
    CHECK(fixture.finished(fixture.engine->enqueue({.kind = "makes_room"})).state ==
          JobState::done);
    CHECK(fixture.state->jobs.find(id)->view.state == JobState::done);
    CHECK(fixture.engine->view(id).result["answer"].get<std::string>().size() == 1'000'000);
}

TEST_CASE("job engine: what a crash left is not ended for want of room, but taken up later",
          "[jobs]") {
    EngineFixture fixture;
    fixture.engine->register_handler("work", [](JobContext&) -> JobOutcome { throw Crash{}; },
                                     {AfterCrash::resume});
    const std::string id = fixture.engine->enqueue({.kind = "work"});
    CHECK_THROWS_AS(fixture.engine->run_here(id), Crash);
    fixture.restart_process();
    int runs = 0;
    fixture.engine->register_handler("work",
                                     [&](JobContext&) {
                                         ++runs;
                                         return JobOutcome{};
                                     },
                                     {AfterCrash::resume});
    fixture.state->database().transact([&](Poco::Data::Session& session) {
        session
            << "CREATE TRIGGER full BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'full'); END",
            Poco::Data::Keywords::now;
    });
    fixture.engine->run_here(id);
    CHECK(runs == 0);
    CHECK(fixture.state->jobs.find(id)->view.state == JobState::running);
    fixture.state->database().transact([&](Poco::Data::Session& session) {
        session << "DROP TRIGGER full", Poco::Data::Keywords::now;
    });
    CHECK(fixture.engine->run_here(id).state == JobState::done);
    CHECK(runs == 1);
}

TEST_CASE("job engine: a failure that could not be written is told, and undone at the next start",
          "[jobs]") {
    EngineFixture fixture;
    const auto execute = [&](const char* statement) {
        fixture.state->database().transact(
            [&](Poco::Data::Session& session) { session << statement, Poco::Data::Keywords::now; });
    };
    fixture.engine->register_handler(
        "work",
        [&](JobContext&) -> JobOutcome {
            execute(
                "CREATE TRIGGER full BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'full'); "
                "END");
            throw Error{ErrorCode::no_space, "no room for the clean-up's journal"};
        },
        {AfterCrash::resume});
    fixture.engine->register_handler("other", do_nothing);
    const std::string id = fixture.engine->enqueue({.kind = "work"});
    CHECK(fixture.engine->run_here(id).state == JobState::failed);
    execute("DROP TRIGGER full");
    CHECK(fixture.engine->run_here(fixture.engine->enqueue({.kind = "other"})).state ==
          JobState::done);
    CHECK(fixture.engine->view(id).state == JobState::failed);
    CHECK(fixture.state->jobs.find(id)->view.state == JobState::running);
}

TEST_CASE("job engine: every exception ends the job, never the process", "[jobs]") {
    EngineFixture fixture;
    fixture.engine->register_handler("typed", [](JobContext&) -> JobOutcome {
        Error error{ErrorCode::no_space, "the share is full", "make room"};
        error.add_context("exporting web01");
        throw error;
    });
    fixture.engine->register_handler(
        "foreign", [](JobContext&) -> JobOutcome { throw std::out_of_range{"nine"}; });
    fixture.engine->register_handler("gave_up", [](JobContext&) -> JobOutcome {
        throw Error{ErrorCode::cancelled, "cancelled on the host"};
    });
    fixture.engine->start();

    const JobView typed = fixture.finished(fixture.engine->enqueue({.kind = "typed"}));
    CHECK(typed.state == JobState::failed);
    REQUIRE(typed.error);
    CHECK(typed.error->code == "no_space");
    CHECK(typed.error->hint == "make room");
    CHECK(typed.error->context == std::vector<std::string>{"exporting web01"});
    CHECK(typed.events.back().level == "error");

    const JobView foreign = fixture.finished(fixture.engine->enqueue({.kind = "foreign"}));
    CHECK(foreign.state == JobState::failed);
    REQUIRE(foreign.error);
    CHECK(foreign.error->code == "internal");
    CHECK(fixture.finished(fixture.engine->enqueue({.kind = "gave_up"})).state ==
          JobState::cancelled);
}

TEST_CASE("job engine: cancelling a queued, a running and an ended job", "[jobs]") {
    EngineFixture fixture;
    fixture.engine = fixture.make({.worker_count = 1});
    Gate started;
    Gate never;
    fixture.engine->register_handler("wait", [&](JobContext& job) -> JobOutcome {
        started.open();
        never.wait(job.stop());
        // As a host call does that a stop cut short.
        throw Error{ErrorCode::unreachable, "connection closed"};
    });
    fixture.engine->start();
    const std::string running = fixture.engine->enqueue({.kind = "wait"});
    const std::string queued = fixture.engine->enqueue({.kind = "wait"});
    REQUIRE(started.wait());
    CHECK(fixture.engine->view(running).state == JobState::running);

    fixture.engine->cancel(queued);
    CHECK(fixture.engine->view(queued).state == JobState::cancelled);
    CHECK(!fixture.engine->view(queued).started);
    CHECK(code_of([&] { fixture.engine->request_again(running); }) == ErrorCode::conflict);
    fixture.engine->cancel(running);
    CHECK(fixture.finished(running).state == JobState::cancelled);
    CHECK(code_of([&] { fixture.engine->cancel(running); }) == ErrorCode::conflict);
}

TEST_CASE("job engine: a failed job says what to do, whatever failed", "[jobs]") {
    EngineFixture fixture;
    const auto code = GENERATE(ErrorCode::io, ErrorCode::host_failure, ErrorCode::corrupt,
                               ErrorCode::unreachable, ErrorCode::limit, ErrorCode::internal);
    fixture.engine->register_handler("work", [code](JobContext&) -> JobOutcome {
        throw Error{code, "something"};
    });
    const JobView view = fixture.engine->run_here(fixture.engine->enqueue({.kind = "work"}));
    REQUIRE(view.error);
    CHECK(view.error->message == "something");
    CHECK(view.error->hint == default_hint(code));
    CHECK_FALSE(view.error->hint.empty());
    CHECK(default_hint(ErrorCode::cancelled).empty());
}

TEST_CASE("job engine: a retry is a new job with the same request", "[jobs]") {
    EngineFixture fixture;
    std::atomic<int> runs = 0;
    fixture.engine->register_handler("flaky", [&](JobContext&) -> JobOutcome {
        if (++runs == 1) throw Error{ErrorCode::unreachable, "no"};
        return {};
    });
    fixture.engine->start();
    const std::string first =
        fixture.engine->enqueue({.kind = "flaky", .subject = "vm", .once_key = "once"});
    CHECK(fixture.finished(first).state == JobState::failed);
    CHECK(fixture.engine->enqueue({.kind = "flaky", .once_key = "once"}) == first);
    const std::string second = fixture.engine->enqueue(fixture.engine->request_again(first));
    CHECK(second != first);
    CHECK(fixture.finished(second).state == JobState::done);
    CHECK(fixture.engine->view(second).subject == "vm");
}

TEST_CASE("job engine: jobs of one key never overlap, whatever the workers", "[jobs]") {
    EngineFixture fixture;
    std::atomic<int> inside = 0;
    std::atomic<bool> has_overlapped = false;
    fixture.engine->register_handler("exclusive", [&](JobContext& job) {
        if (++inside > 1) has_overlapped = true;
        job.note("inside");
        --inside;
        return JobOutcome{};
    });
    fixture.engine->start();
    std::vector<std::string> ids;
    for (int i = 0; i < 12; ++i) {
        ids.push_back(fixture.engine->enqueue({.kind = "exclusive", .exclusive_key = "vm"}));
    }
    for (const std::string& id : ids)
        CHECK(fixture.finished(id).state == JobState::done);
    CHECK(!has_overlapped);
}

TEST_CASE("job engine: after a crash a resumable job goes on with its journal", "[jobs]") {
    EngineFixture fixture;
    const auto handler = [](JobContext& job) {
        const int step = job.journal().find("step").value_or(0).get<int>() + 1;
        job.journal().put("step", step);
        if (step < 3) throw Crash{};
        return JobOutcome{JobState::done, {{"step", step}}};
    };
    const HandlerOptions resumable{.after_crash = AfterCrash::resume};
    fixture.engine->register_handler("steps", handler, resumable);
    const std::string id = fixture.engine->enqueue({.kind = "steps"});
    CHECK_THROWS_AS(fixture.engine->run_here(id), Crash);

    fixture.restart_process();
    const auto left = fixture.state->jobs.find(id);
    CHECK(left->view.state == JobState::running);
    CHECK(!left->view.error);
    fixture.engine->register_handler("steps", handler, resumable);
    CHECK_THROWS_AS(fixture.engine->run_here(id), Crash);

    fixture.restart_process();
    fixture.engine->register_handler("steps", handler, resumable);
    fixture.engine->start();
    const JobView view = fixture.finished(id);
    CHECK(view.state == JobState::done);
    CHECK(view.result == Json{{"step", 3}});
    CHECK(view.events.back().text.find("taken up again") != std::string::npos);
}

TEST_CASE("job engine: what cannot be resumed is interrupted, what was queued runs", "[jobs]") {
    EngineFixture fixture;
    fixture.engine->register_handler("plain", [](JobContext&) -> JobOutcome { throw Crash{}; });
    const std::string crashed = fixture.engine->enqueue({.kind = "plain"});
    CHECK_THROWS_AS(fixture.engine->run_here(crashed), Crash);
    const std::string queued = fixture.engine->enqueue({.kind = "plain"});

    fixture.restart_process();
    fixture.engine->register_handler("plain", do_nothing);
    CHECK(code_of([&] { fixture.engine->run_here(crashed); }) == ErrorCode::conflict);
    fixture.engine->start();
    CHECK(fixture.engine->view(crashed).state == JobState::interrupted);
    CHECK(fixture.engine->view(crashed).error->hint.find("retry") != std::string::npos);
    CHECK(fixture.finished(queued).state == JobState::done);
}

TEST_CASE("job engine: a job cancelled before a crash is resumed as stopped", "[jobs]") {
    EngineFixture fixture;
    const HandlerOptions resumable{.after_crash = AfterCrash::resume};
    fixture.engine->register_handler(
        "work",
        [&](JobContext& job) -> JobOutcome {
            fixture.engine->cancel(job.id());
            throw Crash{};
        },
        resumable);
    const std::string id = fixture.engine->enqueue({.kind = "work"});
    CHECK_THROWS_AS(fixture.engine->run_here(id), Crash);

    fixture.restart_process();
    fixture.engine->register_handler(
        "work",
        [](JobContext& job) -> JobOutcome {
            job.journal().put("undone", job.stop().stop_requested());
            job.work().throw_if_stopped();
            return {};
        },
        resumable);
    fixture.engine->start();
    CHECK(fixture.finished(id).state == JobState::cancelled);
    CHECK(fixture.state->journal.find(id, "undone") == Json(true));
}

TEST_CASE("job engine: a shutdown leaves resumable jobs for the next start", "[jobs]") {
    EngineFixture fixture;
    const HandlerOptions resumable{.after_crash = AfterCrash::resume};
    std::array<Gate, 2> started;
    const auto wait = [&](std::size_t which) {
        return [&started, which](JobContext& job) -> JobOutcome {
            started[which].open();
            Gate never;
            never.wait(job.stop());
            job.work().throw_if_stopped();
            return {};
        };
    };
    fixture.engine->register_handler("resumable", wait(0), resumable);
    fixture.engine->register_handler("plain", wait(1));
    fixture.engine->start();
    const std::string kept = fixture.engine->enqueue({.kind = "resumable"});
    const std::string lost = fixture.engine->enqueue({.kind = "plain"});
    REQUIRE(started[0].wait());
    REQUIRE(started[1].wait());
    fixture.engine->shutdown();
    CHECK(fixture.state->jobs.find(kept)->view.state == JobState::running);
    CHECK(fixture.state->jobs.find(lost)->view.state == JobState::interrupted);

    fixture.restart_process();
    fixture.engine->register_handler("resumable", do_nothing, resumable);
    fixture.engine->start();
    CHECK(fixture.finished(kept).state == JobState::done);
}

TEST_CASE("job engine: listeners hear every state, and progress at a bounded rate", "[jobs]") {
    EngineFixture fixture;
    fixture.engine->register_handler("work", [&](JobContext& job) {
        for (std::uint64_t i = 0; i < 1'000; ++i) {
            job.progress().report("bytes", i, 1'000);
            fixture.clock.advance(std::chrono::milliseconds{1});
        }
        job.note("half");
        return JobOutcome{};
    });
    std::vector<JobView> seen;
    auto subscription =
        fixture.engine->subscribe([&](const JobView& view) { seen.push_back(view); });
    const std::string id = fixture.engine->enqueue({.kind = "work"});
    fixture.engine->run_here(id);
    // Queued, running, progress at 0, 200, 400, 600 and 800 ms, the note, done.
    REQUIRE(seen.size() == 9);
    CHECK(seen[0].state == JobState::queued);
    CHECK(seen[1].state == JobState::running);
    CHECK(seen[3].done_bytes == 200);
    CHECK(seen[7].events.at(0).text == "half");
    CHECK(seen[8].state == JobState::done);
    subscription.reset();
    fixture.engine->enqueue({.kind = "work"});
    CHECK(seen.size() == 9);
}

TEST_CASE("job engine: run_here respects the bounds", "[jobs]") {
    EngineFixture fixture;
    std::string second;
    fixture.engine->register_handler("outer", [&](JobContext&) {
        CHECK(code_of([&] { fixture.engine->run_here(second); }) == ErrorCode::busy);
        return JobOutcome{};
    });
    const std::string first = fixture.engine->enqueue({.kind = "outer", .exclusive_key = "vm"});
    second = fixture.engine->enqueue({.kind = "outer", .exclusive_key = "vm"});
    CHECK(fixture.engine->run_here(first).state == JobState::done);
    CHECK(code_of([&] { fixture.engine->run_here(first); }) == ErrorCode::conflict);
    CHECK(fixture.engine->wait(second, std::chrono::milliseconds{0}).state == JobState::queued);
}

TEST_CASE("job engine: a job that is put off waits in the queue and says why", "[jobs]") {
    EngineFixture fixture;
    int runs = 0;
    fixture.engine->register_handler("work", [&](JobContext& job) {
        if (++runs < 3) throw Deferral{"the share is full", std::chrono::hours{1}};
        job.enter_stage("export");
        return JobOutcome{};
    });
    const std::string id = fixture.engine->enqueue({.kind = "work", .exclusive_key = "vm1"});
    for (int look = 0; look < 2; ++look) {
        const JobView view = fixture.engine->run_here(id);
        CHECK(view.state == JobState::queued);
        CHECK(view.waiting_for == "the share is full");
        CHECK(!view.started);
        // Said once, however often it is looked.
        REQUIRE(view.events.size() == 1);
        CHECK(view.events[0].text == "waiting: the share is full");
        CHECK(fixture.engine->list({}).jobs.at(0).waiting_for == "the share is full");
    }
    const JobView done = fixture.engine->run_here(id);
    CHECK(done.state == JobState::done);
    CHECK(done.waiting_for.empty());
}

TEST_CASE("job engine: what ends wakes what was put off, and a restart runs it", "[jobs]") {
    EngineFixture fixture;
    const auto put_off = [](JobContext&) -> JobOutcome {
        throw Deferral{"no room", std::chrono::hours{1}};
    };
    fixture.engine->register_handler("work", put_off);
    const std::string id = fixture.engine->enqueue({.kind = "work"});
    fixture.engine->run_here(id);
    fixture.restart_process();
    std::atomic<int> runs = 0;
    fixture.engine->register_handler("work", [&](JobContext&) -> JobOutcome {
        if (++runs == 1) throw Deferral{"no room", std::chrono::hours{1}};
        return {};
    });
    fixture.engine->register_handler("other", do_nothing);
    fixture.engine->start();
    // Each end wakes it, once it has been put off; nobody waits for the hour.
    SystemClock real;
    const SteadyTime deadline = real.steady_now() + kPatience;
    while (fixture.engine->view(id).state != JobState::done && real.steady_now() < deadline) {
        const std::string other = fixture.engine->enqueue({.kind = "other"});
        CHECK(fixture.finished(other).state == JobState::done);
    }
    CHECK(fixture.engine->view(id).state == JobState::done);
    CHECK(runs >= 2);
}

TEST_CASE("job engine: a job that was put off is cancelled at once", "[jobs]") {
    EngineFixture fixture;
    fixture.engine->register_handler("work", [](JobContext&) -> JobOutcome {
        throw Deferral{"no room", std::chrono::hours{1}};
    });
    const std::string id = fixture.engine->enqueue({.kind = "work"});
    fixture.engine->run_here(id);
    fixture.engine->cancel(id);
    CHECK(fixture.engine->view(id).state == JobState::cancelled);
    CHECK(fixture.engine->view(id).waiting_for.empty());
}

// Rows of jobs: paging, filters, prefixes, bounded events.
#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

using namespace entrepot;
using namespace entrepot::state;
using jobs::JobState;
using test::code_of;
using test::StateFixture;

namespace {

std::string id_of(int number) {
    return fmt::format("{:02x}{:030x}", number, 0);
}

JobRecord insert(StateFixture& fixture, int number, const jobs::JobRequest& request) {
    return fixture.state->jobs.insert(id_of(number), request, fixture.clock.wall_now());
}

}  // namespace

TEST_CASE("job store: a job comes back whole after a restart", "[state]") {
    StateFixture fixture;
    JobRecord record = insert(fixture, 1,
                              {.kind = "backup",
                               .subject = "web01 on hv01",
                               .parameters = {{"vm", "V"}},
                               .requested_by = "console",
                               .exclusive_key = "vm:1",
                               .group = "host:1",
                               .group_limit = 2,
                               .once_key = "once"});
    record.view.state = JobState::failed;
    record.view.stage = "export";
    record.view.done_bytes = 5;
    record.view.total_bytes = 10;
    record.view.started = fixture.clock.wall_now();
    record.view.ended = fixture.clock.wall_now();
    record.view.result = {{"a", 1}};
    record.view.error = jobs::JobError{"io", "disk gone", "look at it", {"one", "two"}};
    fixture.state->jobs.update(record.view);
    fixture.reopen();

    const auto found = fixture.state->jobs.find(id_of(1));
    REQUIRE(found);
    CHECK(found->view.state == JobState::failed);
    CHECK(found->view.stage == "export");
    CHECK(found->view.total_bytes == 10);
    CHECK(found->view.started == fixture.clock.wall_now());
    CHECK(found->view.result == Json{{"a", 1}});
    CHECK(found->view.error->context == std::vector<std::string>{"one", "two"});
    CHECK(found->request.exclusive_key == "vm:1");
    CHECK(found->request.group_limit == 2);
    CHECK(found->request.parameters == Json{{"vm", "V"}});
    CHECK(fixture.state->jobs.find_by_once_key("once")->view.id == id_of(1));
}

TEST_CASE("job store: a once_key is taken once, no key never is", "[state]") {
    StateFixture fixture;
    CHECK(insert(fixture, 1, {.kind = "a", .once_key = "k"}).view.id == id_of(1));
    CHECK(insert(fixture, 2, {.kind = "a", .once_key = "k"}).view.id == id_of(1));
    insert(fixture, 3, {.kind = "a"});
    insert(fixture, 4, {.kind = "a"});
    CHECK(!fixture.state->jobs.find_by_once_key(""));
    CHECK(fixture.state->jobs.list({}).jobs.size() == 3);
}

TEST_CASE("job store: pages by cursor, newest first, each job once", "[state]") {
    StateFixture fixture;
    for (int i = 1; i <= 7; ++i) {
        insert(fixture, i,
               {.kind = i % 2 == 0 ? "even" : "odd", .subject = fmt::format("vm_{}", i)});
    }
    std::string seen;
    std::string cursor;
    do {
        const JobPage page = fixture.state->jobs.list({.cursor = cursor, .limit = 3});
        for (const auto& job : page.jobs)
            seen += job.subject + " ";
        cursor = page.next_cursor;
    } while (!cursor.empty());
    CHECK(seen == "vm_7 vm_6 vm_5 vm_4 vm_3 vm_2 vm_1 ");

    CHECK(fixture.state->jobs.list({.kind = "even"}).jobs.size() == 3);
    CHECK(fixture.state->jobs.list({.subject_contains = "m_3"}).jobs.size() == 1);
    CHECK(fixture.state->jobs.list({.subject_contains = "%"}).jobs.empty());
    CHECK(fixture.state->jobs.list({.states = {JobState::done, JobState::queued}}).jobs.size() ==
          7);
    CHECK(fixture.state->jobs.list({.states = {JobState::done}}).jobs.empty());
    CHECK(code_of([&] { fixture.state->jobs.list({.cursor = "1 OR 1"}); }) == ErrorCode::invalid);
}

TEST_CASE("job store: an id may be shortened while it stays unique", "[state]") {
    StateFixture fixture;
    fixture.state->jobs.insert("aa11" + std::string(28, '0'), {.kind = "a"}, {});
    fixture.state->jobs.insert("aa12" + std::string(28, '0'), {.kind = "a"}, {});
    CHECK(fixture.state->jobs.resolve("aa12") == "aa12" + std::string(28, '0'));
    CHECK(code_of([&] { fixture.state->jobs.resolve("aa1"); }) == ErrorCode::invalid);
    CHECK(code_of([&] { fixture.state->jobs.resolve("ab"); }) == ErrorCode::not_found);
    CHECK(code_of([&] { fixture.state->jobs.resolve(""); }) == ErrorCode::not_found);
    CHECK(code_of([&] { fixture.state->jobs.resolve("%"); }) == ErrorCode::not_found);
}

TEST_CASE("job store: events are bounded, in number and in size", "[state]") {
    StateFixture fixture;
    insert(fixture, 1, {.kind = "a"});
    fixture.state->jobs.add_event(id_of(1), {.level = "note", .text = std::string(5'000, 'x')});
    CHECK(fixture.state->jobs.list_events(id_of(1))[0].text.size() == kJobEventBytesMax);
    for (std::size_t i = 0; i < kJobEventsMax + 5; ++i) {
        fixture.state->jobs.add_event(id_of(1), {.level = "note", .text = std::to_string(i)});
    }
    const auto events = fixture.state->jobs.list_events(id_of(1));
    REQUIRE(events.size() == kJobEventsMax);
    CHECK(events.front().text == "5");
    CHECK(events.back().text == std::to_string(kJobEventsMax + 4));
}

TEST_CASE("job store: old jobs go with their events and journal, running ones stay", "[state]") {
    StateFixture fixture;
    auto ended = insert(fixture, 1, {.kind = "a"});
    insert(fixture, 2, {.kind = "a"});
    ended.view.state = JobState::done;
    ended.view.ended = fixture.clock.wall_now();
    fixture.state->jobs.update(ended.view);
    fixture.state->jobs.add_event(id_of(1), {.level = "note", .text = "x"});
    fixture.state->journal.put(id_of(1), "k", 1);
    fixture.state->journal.put(id_of(2), "k", 1);
    CHECK(fixture.state->jobs.remove_ended({.before = fixture.clock.wall_now()}) == 0);
    fixture.clock.advance(std::chrono::hours{1});
    CHECK(fixture.state->jobs.remove_ended({.before = fixture.clock.wall_now()}) == 1);
    CHECK(!fixture.state->jobs.find(id_of(1)));
    CHECK(fixture.state->jobs.list_events(id_of(1)).empty());
    CHECK(fixture.state->journal.list_key("k").size() == 1);
}

// Admission: queue order, exclusive keys, groups.
#include "appliance/jobs/job_queue.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::jobs;

namespace {

state::JobRecord record_of(std::uint64_t number, const std::string& key,
                           const std::string& group = {}, std::uint32_t limit = 0,
                           JobState job_state = JobState::queued) {
    state::JobRecord record;
    record.view.id = std::to_string(number);
    record.view.state = job_state;
    record.number = number;
    record.request.exclusive_key = key;
    record.request.group = group;
    record.request.group_limit = limit;
    return record;
}

std::string next_id(JobQueue& queue, std::chrono::seconds now = {}) {
    const auto record = queue.take_next(SteadyTime{now});
    return record ? record->view.id : "none";
}

}  // namespace

TEST_CASE("job queue: jobs of one key follow each other in order, others pass", "[jobs]") {
    JobQueue queue;
    queue.add(record_of(1, "vm1"));
    queue.add(record_of(2, "vm1"));
    queue.add(record_of(3, "vm1"));
    queue.add(record_of(4, "vm2"));
    CHECK(next_id(queue) == "1");
    CHECK(next_id(queue) == "4");
    CHECK(next_id(queue) == "none");
    queue.release(record_of(1, "vm1"));
    CHECK(next_id(queue) == "2");
    CHECK(next_id(queue) == "none");
}

TEST_CASE("job queue: a group holds at most its limit", "[jobs]") {
    JobQueue queue;
    for (std::uint64_t i = 1; i <= 4; ++i)
        queue.add(record_of(i, "", "host", 2));
    queue.add(record_of(5, "", "other", 2));
    CHECK(next_id(queue) == "1");
    CHECK(next_id(queue) == "2");
    CHECK(next_id(queue) == "5");
    CHECK(next_id(queue) == "none");
    queue.release(record_of(2, "", "host", 2));
    CHECK(next_id(queue) == "3");
    CHECK(next_id(queue) == "none");
}

TEST_CASE("job queue: a job that waits for its group keeps its turn within its key", "[jobs]") {
    JobQueue queue;
    queue.add(record_of(1, "", "host", 1));
    queue.add(record_of(2, "vm1", "host", 1));
    queue.add(record_of(3, "vm1"));
    CHECK(next_id(queue) == "1");
    CHECK(next_id(queue) == "none");
    queue.release(record_of(1, "", "host", 1));
    CHECK(next_id(queue) == "2");
    CHECK(next_id(queue) == "none");
}

TEST_CASE("job queue: what a crash left running comes first", "[jobs]") {
    JobQueue queue;
    queue.add(record_of(1, "vm1"));
    queue.add(record_of(2, "vm1", "", 0, JobState::running));
    queue.add(record_of(2, "vm1", "", 0, JobState::running));
    CHECK(next_id(queue) == "2");
    CHECK(next_id(queue) == "none");
    queue.release(record_of(2, "vm1"));
    CHECK(next_id(queue) == "1");
    CHECK(next_id(queue) == "none");
}

TEST_CASE("job queue: what was put off waits for its time and keeps its place", "[jobs]") {
    JobQueue queue;
    queue.defer(record_of(1, "vm1"), SteadyTime{std::chrono::seconds{30}});
    queue.add(record_of(2, "vm1"));
    queue.add(record_of(3, "vm2"));
    CHECK(next_id(queue) == "3");
    CHECK(next_id(queue) == "none");
    CHECK(queue.has_deferred());
    CHECK(next_id(queue, std::chrono::seconds{30}) == "1");
    CHECK(!queue.has_deferred());
    CHECK(next_id(queue, std::chrono::seconds{30}) == "none");
    queue.release(record_of(1, "vm1"));
    CHECK(next_id(queue) == "2");
}

TEST_CASE("job queue: what was put off can be woken, taken by name, and removed", "[jobs]") {
    JobQueue queue;
    for (std::uint64_t number = 1; number <= 3; ++number)
        queue.defer(record_of(number, ""), SteadyTime{std::chrono::seconds{30}});
    CHECK(next_id(queue) == "none");
    CHECK(queue.take("2"));
    queue.remove("1");
    queue.wake_deferred();
    CHECK(next_id(queue) == "3");
    CHECK(next_id(queue) == "none");
    CHECK(!queue.has_deferred());
}

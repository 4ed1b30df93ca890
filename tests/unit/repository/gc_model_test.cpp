// Every schedule of up to three jobs in the model of gc, and of up to four with ENTREPOT_NIGHTLY=1.
#include "gc_model.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::repository::test {
namespace {

constexpr std::size_t kKinds = 6;

// All sets of at most `count_max` of the jobs.
std::vector<std::vector<ModelJob>> sets_of_jobs(std::size_t count_max) {
    std::vector<std::vector<ModelJob>> sets;
    for (unsigned bits = 1; bits < 1U << kKinds; ++bits) {
        std::vector<ModelJob> jobs;
        for (std::size_t kind = 0; kind < kKinds; ++kind) {
            if ((bits >> kind & 1) != 0) jobs.push_back(static_cast<ModelJob>(kind));
        }
        if (jobs.size() <= count_max) sets.push_back(std::move(jobs));
    }
    return sets;
}

std::string names_of(const std::vector<ModelJob>& jobs) {
    std::string names;
    for (const ModelJob job : jobs)
        names += (names.empty() ? "" : ", ") + to_string(job);
    return names;
}

bool is_nightly() {
    const char* value = std::getenv("ENTREPOT_NIGHTLY");
    return value != nullptr && std::string_view{value} == "1";
}

/// The first fault in any schedule of these sets of jobs; empty if there is none.
std::string find_fault(const Protocol& protocol, const std::vector<std::vector<ModelJob>>& sets) {
    for (const auto& jobs : sets) {
        const std::string fault = explore(protocol, jobs).fault;
        if (!fault.empty()) return fault;
    }
    return {};
}

}  // namespace

TEST_CASE("gc model: no schedule of three jobs loses a chunk or refuses a commit", "[gc][model]") {
    const std::size_t count_max = is_nightly() ? 4 : 3;
    double schedules = 0;
    std::size_t states = 0;
    for (const auto& jobs : sets_of_jobs(count_max)) {
        INFO(names_of(jobs));
        const ModelVerdict verdict = explore({}, jobs);
        CHECK(verdict.fault == "");
        CHECK(verdict.schedules >= 1);
        schedules += verdict.schedules;
        states += verdict.states;
    }
    WARN(fmt::format("{:.0f} schedules of up to {} jobs, {} states", schedules, count_max, states));
    CHECK(schedules > 1'000'000);
}

TEST_CASE("gc model: each piece of the protocol is needed", "[gc][model]") {
    struct Row {
        const char* missing;
        Protocol broken;
    };
    const std::vector<Row> rows = {
        {"nobody is waited for", {.waits = false}},
        {"no second mark", {.marks_again = false}},
        {"a commit does not revive", {.revives = false}},
        {"a session does not keep what it stands on", {.pins = false}},
        {"lookups find what is condemned", {.hides_condemned = false}},
        {"whom to wait for is noted too early", {.numbers_afterwards = false}},
    };
    for (const Row& row : rows) {
        const std::string fault = find_fault(row.broken, sets_of_jobs(3));
        INFO(row.missing << ": " << fault);
        CHECK_FALSE(fault.empty());
    }
    // It takes four to see what happens where commits go on while packs are condemned.
    const std::vector<ModelJob> four = {ModelJob::ingest, ModelJob::increment,
                                        ModelJob::second_increment, ModelJob::gc};
    CHECK_FALSE(explore({.locks_commits_out = false}, four).fault.empty());
}

}  // namespace entrepot::repository::test

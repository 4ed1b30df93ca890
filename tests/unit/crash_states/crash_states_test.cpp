// A power cut at any moment of a repository's life, by seed: no acknowledged point is lost or
// altered, no half point shows, and nobody has to do anything. 8,000 states, or 1,000,000 with
// ENTREPOT_NIGHTLY=1, or ENTREPOT_CRASH_STATES=N; ENTREPOT_SEED=N begins at that seed.
#include "tests/support/disk/crash_states.h"
#include "moments.h"
#include "store.h"
#include "workload.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace entrepot::repository::test {
namespace {

using entrepot::test::Change;
using entrepot::test::CrashStates;

bool is_nightly() {
    const char* value = std::getenv("ENTREPOT_NIGHTLY");
    return value != nullptr && std::string_view{value} == "1";
}

std::uint64_t first_seed() {
    const char* value = std::getenv("ENTREPOT_SEED");
    if (value != nullptr) return std::strtoull(value, nullptr, 10);
    return is_nightly() ? SystemRandom{}.u64() % 1'000'000'000 : 1;
}

std::size_t wanted_states() {
    const char* value = std::getenv("ENTREPOT_CRASH_STATES");
    if (value != nullptr) return std::strtoull(value, nullptr, 10);
    return is_nightly() ? 1'000'000 : 8'000;
}

struct Faults {
    std::size_t states = 0;
    std::vector<std::string> found;
};

void look_at_moment(const Recording& recording, const CrashStates& states, std::size_t moment,
                    std::uint64_t seed, Faults& faults) {
    ++faults.states;
    const std::string fault = find_fault(states.crash(seed), look_of(recording, moment, seed));
    if (fault.empty()) return;
    faults.found.push_back(
        fmt::format("seed {}, change {} of {} ({}), in '{}': {}", recording.seed, moment,
                    recording.record.changes.size(),
                    moment == 0 ? "begin" : describe(recording.record.changes[moment - 1]),
                    step_at(recording, moment).name, fault));
}

}  // namespace

TEST_CASE("crash states: what was acknowledged is there, and nothing half", "[crash-states]") {
    const std::size_t wanted = wanted_states();
    Faults faults;
    std::map<std::string, std::size_t> steps;
    std::uint64_t removed = 0;
    std::uint64_t compacted = 0;
    const std::uint64_t first = first_seed();
    std::uint64_t seed = first;
    for (; faults.states < wanted && faults.found.size() < 20; ++seed) {
        const Recording recording = record_workload(seed);
        removed += recording.packs_removed;
        compacted += recording.packs_compacted;
        for (const Step& step : recording.steps)
            ++steps[step.name];
        CrashStates states{recording.record};
        for (std::size_t moment = 0; moment <= states.change_count(); ++moment) {
            if (faults.states == wanted) break;
            states.advance_to(moment);
            look_at_moment(recording, states, moment, mix(seed, moment), faults);
        }
    }
    std::string operations;
    for (const auto& [name, count] : steps)
        operations += fmt::format(", {} {}", count, name);
    WARN(fmt::format("{} crash states, seeds {} to {}{}; {} packs removed, {} compacted",
                     faults.states, first, seed - 1, operations, removed, compacted));
    for (const std::string& fault : faults.found)
        UNSCOPED_INFO(fault);
    CHECK(faults.found.empty());
    if (wanted < 10'000) return;
    CHECK(removed > 0);
    CHECK(compacted > 0);
}

}  // namespace entrepot::repository::test

// How to look at a recorded life at one of its moments.
#pragma once

#include "store.h"
#include "workload.h"

namespace entrepot::repository::test {

/// Another seed for each number.
inline std::uint64_t mix(std::uint64_t seed, std::uint64_t number) {
    SeededRandom random{seed * 0x100000001b3 + number};
    return random.u64();
}

/// What must hold after a crash at that moment, and, by seed, what else is to be tried.
inline Look look_of(const Recording& recording, std::size_t change_count, std::uint64_t seed) {
    const Step& step = step_at(recording, change_count);
    SeededRandom random{seed};
    // Behind the end of a step only what it promised counts.
    const bool is_over = change_count == step.end;
    return {.before = is_over ? step.after : step.before,
            .after = step.after,
            .now = step.now,
            .seed = seed,
            .index = age_index(step.index, random),
            .goes_on = random.u64() % 12 == 0,
            .dies_again = random.u64() % 6 == 0};
}

}  // namespace entrepot::repository::test

// A life of a repository, by seed: what its disk was told, and what people were told meanwhile.
#pragma once

#include "store.h"
#include "tests/support/disk/disk_record.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace entrepot::repository::test {

/// One operation. A crash within its changes leaves `before` or `after`, one behind them `after`.
struct Step {
    std::string name;
    std::size_t begin = 0;  ///< Changes that were asked for before it.
    std::size_t end = 0;    ///< And when it had returned.
    Expectation before;
    Expectation after;
    IndexEntries index;  ///< When it began.
    WallTime now{};      ///< When it ended.
};

struct Recording {
    std::uint64_t seed = 0;
    entrepot::test::DiskRecord record;
    std::vector<Step> steps;
    Secret recovery_key;
    std::uint64_t packs_removed = 0;
    std::uint64_t packs_compacted = 0;
};

struct WorkloadOptions {
    std::size_t step_count = 24;
    IndexOpener open_index{};  ///< Empty: one in memory.
    std::function<void()> after_step{};
};

/// The same for the same seed, down to each change.
Recording record_workload(std::uint64_t seed, const WorkloadOptions& options = {});

/// The step that a crash after `change_count` changes falls into, or that ended before it.
const Step& step_at(const Recording& recording, std::size_t change_count);

}  // namespace entrepot::repository::test

// The protocol of gc beside ingests, deletions and restores, as a small machine that can be driven
// through every order of its steps (storage/LOCKING.md, "Gc"). A step is what happens at one
// moment: a look at memory, or one transaction.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace entrepot::repository::test {

/// What takes part. `ingest`: a full that finds chunks which only garbage holds. `increment`: on
/// the point that `prune` deletes. `second_increment`: on the increment's point, if that is there
/// yet.
enum class ModelJob { ingest, increment, second_increment, prune, restore, gc };

std::string to_string(ModelJob job);

/// As it is, or with a piece missing.
struct Protocol {
    bool waits = true;               ///< For writers that began before packs were condemned.
    bool marks_again = true;         ///< After that.
    bool revives = true;             ///< A commit makes live again what it refers to.
    bool pins = true;                ///< A session keeps the point it stands on.
    bool hides_condemned = true;     ///< Lookups find nothing in packs that are condemned.
    bool numbers_afterwards = true;  ///< Whom to wait for is noted after condemning, not before.
    bool locks_commits_out = true;   ///< While it condemns, in memory and in the catalog.
};

struct ModelVerdict {
    double schedules = 0;
    std::size_t states = 0;
    std::string fault;  ///< The first that was found, and the steps to it; empty: none.
};

/// Goes through every order of the jobs' steps.
ModelVerdict explore(const Protocol& protocol, const std::vector<ModelJob>& jobs);

}  // namespace entrepot::repository::test

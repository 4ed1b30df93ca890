// The second step: one recovery snapshot of ours, at the best consistency that policy and guest
// allow.
#pragma once

#include "appliance/backup/host_objects.h"
#include "appliance/backup/run.h"

#include "exporter/hyperv/hyperv_host.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::backup {

class SnapshotStep {
public:
    explicit SnapshotStep(Run& run) : run_(run) {}

    /// Afterwards the journal names the snapshot and the level reached.
    void run();

private:
    struct Outcome {
        std::optional<std::string> id;
        std::string refusal;  ///< Why the host made none; empty if it simply did nothing.
        std::string hint;
    };
    std::vector<hyperv::ConsistencyLevel> levels() const;
    Outcome attempt(int number, hyperv::ConsistencyLevel level);
    void ask(int number, hyperv::ConsistencyLevel level, Outcome& outcome);
    Outcome look(int number, std::chrono::seconds patience);
    /// Throws Error{conflict}: nothing is touched, and no other snapshot is asked for.
    [[noreturn]] void throw_in_doubt(const std::vector<std::string>& ids) const;
    void adopt(const std::string& id, hyperv::ConsistencyLevel level, const std::string& note);
    void finish();
    /// A VM that changed between plan and snapshot is backed up in full.
    void check_still_as_planned();

    Run& run_;
};

/// Ends a CreateSnapshot of ours that the host has not ended: a guest's VSS may hang in it for
/// long.
void end_snapshot_jobs(Run& run);

}  // namespace entrepot::backup

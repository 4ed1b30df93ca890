// The third and fourth step: an export onto the share that is proven to be whole, first as planned
// and, where an incremental fails for a reason that is not the share's, once as a full.
#pragma once

#include "appliance/backup/export_attempts.h"
#include "appliance/backup/run.h"

#include <cstdint>
#include <string>

namespace entrepot::backup {

class ExportStep {
public:
    explicit ExportStep(Run& run) : run_(run), attempts_(run, key::kExport) {}

    /// Afterwards the journal names the run's directory and what it holds. Throws the host's
    /// failure, Error{no_space} before anything is asked, Error{timeout} if nothing moves.
    void run();

private:
    using Attempt = ExportAttempts::Attempt;
    using Outcome = ExportAttempts::Outcome;
    using Ended = ExportAttempts::Ended;

    /// True if the export is what it must be; false if a full shall follow, in `goal`.
    bool prove(const Attempt& attempt, ExportGoal& goal);
    void go_over_to_full(const Attempt& attempt, const std::string& why, ExportGoal& goal);
    void check_space(int number, const ExportGoal& goal);

    Run& run_;
    ExportAttempts attempts_;
};

/// Free bytes that the share must have before the host is asked, as far as we can know.
std::uint64_t export_bytes_needed(Run& run, repository::PointKind kind);

}  // namespace entrepot::backup

// The sixth step: the recovery snapshot becomes a reference point, from which the next increment
// counts. Before ingest, so that the snapshot lives no longer than it must.
#pragma once

#include "appliance/backup/run.h"

#include <string>

namespace entrepot::backup {

class ConvertStep {
public:
    explicit ConvertStep(Run& run) : run_(run) {}

    /// Afterwards the journal says which reference point is ours, or why there is none; the
    /// snapshot is gone in both cases. A failed conversion does not fail the run: the next one is a
    /// full. Throws only if the snapshot can't be removed, or nobody answers.
    void run();

private:
    void ask(const std::string& snapshot_id);
    void settle(const std::string& snapshot_id);
    void give_up(const std::string& snapshot_id, const std::string& why);

    Run& run_;
};

/// The reference point of this run as journalled; empty if there is none.
std::string reference_point_of(Run& run);

/// Destroys the reference point that this run made. For clean-up.
void undo_convert(Run& run);

}  // namespace entrepot::backup

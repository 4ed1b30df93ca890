// What a full is compared with: the changes that an increment would have transferred, exported from
// the same recovery snapshot before the full. Whatever fails here, the full goes on without it.
#pragma once

#include "appliance/backup/export_attempts.h"
#include "appliance/backup/ingest.h"
#include "appliance/backup/run.h"

#include <string>
#include <vector>

namespace entrepot::backup {

/// Nothing happens in a run whose plan has no comparison.
class ComparisonExport {
public:
    explicit ComparisonExport(Run& run) : run_(run), attempts_(run, key::kComparison) {}

    /// Afterwards the journal names the directory with the changes, or the obstacle. Throws only
    /// what the full could not survive either: Error{cancelled}, and a host that is silent.
    void run();
    /// Moves the changes out of the host's reach, as TakeStep does with the full.
    void take();

private:
    /// Empty if the changes are there and proven to be an export of this VM.
    std::string find_obstacle();
    std::string prove(const ExportAttempts::Attempt& attempt);
    std::string find_lack_of_room();
    void give_up(const std::string& why);

    Run& run_;
    ExportAttempts attempts_;
};

/// The images of the changes stand for the content of the full's, too: the host may name either as
/// the parent of the next increment.
void add_compared_images(Run& run, std::vector<DiskPlan>& disks);

/// Gives the changes up for attempt `number` at the full, which needs their room. True if that is
/// what happened, in this life or in an earlier one: the full may be tried again.
bool make_room(Run& run, int number, const std::string& why);

/// True where an error must end the run rather than the comparison: it is being stopped.
bool ends_run(Run& run, const Error& error);

}  // namespace entrepot::backup

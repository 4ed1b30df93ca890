// The seventh step: out of the host's reach, into the repository, and committed.
#pragma once

#include "appliance/backup/export_analysis.h"
#include "appliance/backup/ingest.h"
#include "appliance/backup/run.h"

#include "storage/repository/repository.h"

#include <optional>
#include <string>

namespace entrepot::backup {

/// Moves the export out of the host's reach and journals what was moved.
class TakeStep {
public:
    explicit TakeStep(Run& run) : run_(run) {}
    void run();

private:
    Run& run_;
};

/// Writes the point and commits it; afterwards the journal names it. A point of this run that an
/// earlier life committed is found in the repository and not written again.
class IngestStep {
public:
    explicit IngestStep(Run& run) : run_(run) {}
    repository::PointSummary run();

private:
    repository::PointDraft make_draft(const ExportGoal& goal, const ExportAnalysis& analysis,
                                      const std::string& run_id);
    void check_as_taken(const ExportAnalysis& analysis) const;

    Run& run_;
};

/// Identity of each image of an export, to be compared later: what left the host's reach changes no
/// more.
Json image_identities(const ExportAnalysis& analysis);

/// The committed point of this run, if there is one.
std::optional<repository::PointSummary> find_committed_point(Run& run);

}  // namespace entrepot::backup

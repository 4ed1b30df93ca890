// The seventh step: out of the host's reach, into the repository, and committed.
#pragma once

#include "appliance/backup/export_analysis.h"
#include "appliance/backup/ingest.h"
#include "appliance/backup/run.h"

#include "storage/repository/repository.h"

#include <memory>
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
    /// Waits while gc or a rebuild has the repository to itself.
    std::unique_ptr<repository::PointWriter> write_when_free(const IngestPlan& plan);

    Run& run_;
};

/// The committed point of this run, if there is one.
std::optional<repository::PointSummary> find_committed_point(Run& run);

}  // namespace entrepot::backup

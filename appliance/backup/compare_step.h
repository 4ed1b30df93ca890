// After the conversion, before the ingest: the changes over their base point against the full, disk
// by disk. What disagrees is reported; the full is the truth and becomes the point whatever is
// found.
#pragma once

#include "appliance/backup/comparison_report.h"
#include "appliance/backup/run.h"

#include "base/json.h"

namespace entrepot::backup {

/// Nothing happens in a run whose plan has no comparison.
class CompareStep {
public:
    explicit CompareStep(Run& run) : run_(run) {}

    /// Journals the report and tells it. Throws only when the run is being stopped.
    void run();

private:
    ComparisonReport compare();
    ComparisonReport compare_exports(const Json& exported);
    void list_suspects(ComparisonReport& report) const;
    /// A warning, unless all is well or there was nothing to compare from the beginning.
    void tell(const Json& report);

    Run& run_;
};

}  // namespace entrepot::backup

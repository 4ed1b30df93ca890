// The last step, after the commit: the superseded reference point, the export's folder, and the
// proof that the host is clean.
#pragma once

#include "appliance/backup/run.h"

#include "storage/repository/repository.h"

#include <vector>

namespace entrepot::backup {

/// May be run again at any time. What can't be done is a warning and residue: the point is safe.
class TidyStep {
public:
    explicit TidyStep(Run& run) : run_(run) {}
    std::vector<state::Residue> run(const repository::PointSummary& point);

private:
    void destroy_superseded();
    void remove_folders();
    void clear_flags(const repository::PointSummary& point);

    Run& run_;
};

}  // namespace entrepot::backup

// The first step: what is restored, where to, under which name, and whether that can work.
#pragma once

#include "appliance/restore/restore_run.h"

namespace entrepot::restore {

class PlanStep {
public:
    explicit PlanStep(RestoreRun& run) : run_(run) {}

    /// Afterwards the run has its plan, and the journal too. Throws Error{conflict} for what a
    /// preflight blocks, with the cure as its hint.
    void run();

private:
    void check(const repository::PointSummary& point);

    RestoreRun& run_;
};

}  // namespace entrepot::restore

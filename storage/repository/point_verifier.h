// Checking points at three depths. Follows the architecture, "Manifest" and "Damage".
#pragma once

#include "storage/repository/repository_core.h"

namespace entrepot::repository {

/// Returns the verdicts, quarantines the slots that are damaged, and remembers both in the catalog.
std::vector<PointVerdict> verify_points(RepositoryCore& core,
                                        const std::vector<catalog::PointRow>& points,
                                        VerifyDepth depth, const Work& work);

}  // namespace entrepot::repository

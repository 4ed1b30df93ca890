// Checking points at three depths. Follows the architecture, "Manifest" and "Damage".
#pragma once

#include "storage/repository/repository_core.h"

namespace entrepot::repository {

/// As the catalog keeps a verdict: "damaged", "sound", "sound packs", "sound data".
std::string verified_text(bool is_sound, VerifyDepth depth);
/// To what depth a text says that a point is sound; nullopt if it does not.
std::optional<VerifyDepth> verified_depth(std::string_view text);

/// Returns the verdicts, quarantines the slots that are damaged, and remembers both in the catalog.
/// Goes on where an earlier call for the run was cut off; see VerifyOptions. `limit` may be null.
std::vector<PointVerdict> verify_points(RepositoryCore& core,
                                        const std::vector<catalog::PointRow>& points,
                                        VerificationRun run, RateLimit* limit, const Work& work);

}  // namespace entrepot::repository

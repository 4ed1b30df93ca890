// A point that stays readable while somebody uses it, whoever deletes it and whatever gc removes.
#pragma once

#include "storage/repository/repository_core.h"

#include <memory>
#include <string>

namespace entrepot::repository {

/// Error{not_found} if there is no such point, or if it is being deleted.
catalog::PointRow require_point(RepositoryCore& core, const std::string& id);

/// What the point's manifest says, after the session has pinned it.
std::shared_ptr<const PointContent> pin_point(RepositoryCore& core, Sessions::Guard& session,
                                              const std::string& id);

}  // namespace entrepot::repository

// Reading a committed point.
#pragma once

#include "storage/repository/manifest.h"
#include "storage/repository/repository.h"
#include "storage/repository/repository_core.h"

#include <memory>

namespace entrepot::repository {

/// Error{not_found} if there is no such point.
std::unique_ptr<PointReader> make_point_reader(std::shared_ptr<RepositoryCore> core,
                                               const std::string& id);

}  // namespace entrepot::repository

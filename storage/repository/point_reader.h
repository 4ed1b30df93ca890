// Reading a committed point.
#pragma once

#include "storage/repository/manifest.h"
#include "storage/repository/repository.h"
#include "storage/repository/repository_core.h"

#include <memory>

namespace entrepot::repository {

/// Requires a committed point's row.
std::unique_ptr<PointReader> make_point_reader(std::shared_ptr<RepositoryCore> core,
                                               const catalog::PointRow& row);

}  // namespace entrepot::repository

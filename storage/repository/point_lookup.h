// What people call a recovery point: an id, a unique prefix of one, or VM@latest; and a disk of
// one.
#pragma once

#include "storage/repository/repository.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::repository {

/// The VM of "VM@latest"; nullopt for anything else.
std::optional<std::string> vm_of_latest(std::string_view text);

/// The last of a VM's points, which are given oldest first. Error{not_found}; Error{invalid} if the
/// points are of several VMs of one name.
PointSummary latest_point(const std::vector<PointSummary>& points, const std::string& vm);

/// Error{not_found}, Error{invalid} if several ids begin so.
PointSummary point_by_id(const std::vector<PointSummary>& points, std::string_view text);

/// A disk of a point by its number from 0 or its id. Error{not_found}.
const DiskSummary& find_disk(const PointSummary& point, std::string_view text);

}  // namespace entrepot::repository

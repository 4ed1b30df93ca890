// A point under construction.
#pragma once

#include "storage/repository/manifest.h"
#include "storage/repository/repository.h"
#include "storage/repository/repository_core.h"

namespace entrepot::repository {

/// The core is shared with the repository and with every writer and reader, which may outlive it.
std::unique_ptr<PointWriter> make_point_writer(std::shared_ptr<RepositoryCore> core,
                                               const PointDraft& draft);

/// The row of a point, with its body read and what only the catalog knows filled in.
PointSummary summary_of(const catalog::PointRow& row);
/// Its two halves: what the point is, for good; and what has become known of it since.
PointSummary immutable_summary_of(const catalog::PointRow& row);
void add_what_is_known(const catalog::PointRow& row, PointSummary& summary);

/// Removes the objects of a point that was never committed or is to vanish: its manifest first,
/// then, if `with_maps`, the maps that are named after it.
enum class Maps { keep, remove };
void remove_point_objects(object::Store& store, const std::string& point, Maps maps);

}  // namespace entrepot::repository

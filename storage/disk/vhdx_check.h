// The parts of a check of a VHDX (MS-VHDX; vhdx.md sections 1 to 3 and 6), in the order in which
// one leads to the next. Each adds what it finds and returns what the next can work with, even from
// a damaged structure.
#pragma once

#include "storage/disk/image_check.h"
#include "storage/disk/image_view.h"
#include "storage/disk/vhdx_metadata.h"
#include "storage/disk/vhdx_region_table.h"

#include <optional>

namespace entrepot::disk::vhdx {

void check_vhdx(const File& file, const Work& work, ImageCheck& check);

/// Nullopt if the table or the metadata cannot be found.
std::optional<Regions> check_region_tables(const ImageView& view, const FileRange& log,
                                           ImageCheck& check);

/// Nullopt if the sizes that say how to read the table are not there or not possible.
std::optional<Metadata> check_metadata(const ImageView& view, const FileRange& region,
                                       ImageCheck& check);

/// The whole table, and who owns which part of the file.
void check_blocks(const ImageView& view, const Regions& regions, const Metadata& metadata,
                  const Work& work, ImageCheck& check);

}  // namespace entrepot::disk::vhdx

// The blocks of ext4 files, read by ourselves: The Sleuth Kit 4.11 refuses every tree of extents
// that has two leaf blocks, and cuts block numbers to 32 bits.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest/file_extents.h"

#include "base/bytes.h"

#include <vector>

namespace entrepot::guest {

/// The written extents below the root of a tree, that is an inode's 60 bytes, in the file's order.
/// What they leave out is zeros: holes, and blocks that were promised and not written.
/// Error{corrupt} for what no Linux writes; Error{limit}.
std::vector<FileExtent> read_extents(const disk::DiskSource& volume, const BlockGeometry& geometry,
                                     ByteView root);

}  // namespace entrepot::guest

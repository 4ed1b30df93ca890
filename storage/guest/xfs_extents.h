// The blocks of an XFS file: a list in its inode, or a tree. Follows "XFS Algorithms & Data
// Structures", chapter 18 "Data Extents".
#pragma once

#include "storage/guest/file_extents.h"
#include "storage/guest/xfs_inode.h"
#include "storage/guest/xfs_volume.h"

#include <cstdint>
#include <vector>

namespace entrepot::guest {

struct XfsExtents {
    std::vector<FileExtent> written;  ///< In the file's order; what they leave out is zeros.
    bool has_unwritten = false;       ///< Blocks that were promised, which read as zeros.
};

/// Requires an inode whose content is in extents or in a tree. Error{corrupt} for what no kernel
/// writes; Error{limit}.
XfsExtents read_xfs_extents(const XfsVolume& volume, const XfsInode& inode);

}  // namespace entrepot::guest

// Where a symbolic link of XFS leads. Follows "XFS Algorithms & Data Structures", chapter 21
// "Symbolic Links".
#pragma once

#include "storage/guest/xfs_inode.h"
#include "storage/guest/xfs_volume.h"

#include <string>

namespace entrepot::guest {

/// As it stands on the disk. Requires a link's inode. Error{corrupt}.
std::string read_xfs_link(const XfsVolume& volume, const XfsInode& inode);

}  // namespace entrepot::guest

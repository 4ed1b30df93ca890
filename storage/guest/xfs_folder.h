// The names in a folder of XFS. Follows "XFS Algorithms & Data Structures", chapter 19
// "Directories".
#pragma once

#include "storage/guest/folder_names.h"
#include "storage/guest/xfs_inode.h"
#include "storage/guest/xfs_volume.h"

namespace entrepot::guest {

/// All of them. Requires a folder's inode. Error{corrupt} if any may be missing; Error{limit}.
FolderNames read_xfs_folder(const XfsVolume& volume, const XfsInode& inode);

}  // namespace entrepot::guest

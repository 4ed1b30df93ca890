// Whether XFS was unmounted in order, as its log tells. Follows "XFS Algorithms & Data Structures",
// chapter 14 "Journaling Log".
#pragma once

#include "storage/guest/xfs_volume.h"

namespace entrepot::guest {

enum class XfsLog {
    clean,    ///< All that it held stands in its place.
    in_use,   ///< What was written last may be in the log alone.
    outside,  ///< It lies on another device, and nobody can tell.
};

/// Where the log is not as a clean one should be, it is in use.
XfsLog read_xfs_log(const XfsVolume& volume);

}  // namespace entrepot::guest

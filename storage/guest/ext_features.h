// What an ext file system says a reader must know to read it rightly.
#pragma once

#include "storage/disk/disk_source.h"

namespace entrepot::guest {

/// Throws Error{unsupported} for a feature that our reader would read wrongly, without noticing.
void check_ext_features(const disk::DiskSource& volume);

}  // namespace entrepot::guest

// A check of a VHD: footer and copy, dynamic header, every table entry, file space (vhdx.md 8).
#pragma once

#include "storage/disk/image_check.h"

namespace entrepot::disk::vhd {

void check_vhd(const File& file, const Work& work, ImageCheck& check);

}  // namespace entrepot::disk::vhd

// The bytes of a disk that are not zero, in order.
#pragma once

#include "storage/disk/disk_source.h"

#include "base/progress.h"

#include <cstdint>
#include <functional>

namespace entrepot::disk {

/// Calls the sink with each run of content that is not zero, from the start of the disk to its end;
/// a run has at most 1 MiB. Zeros of 4 KiB and more are left out. Reports progress and stops
/// between reads. Throws Error{parent_missing} for an incomplete chain.
void scan_content(const DiskSource& source, const Work& work,
                  const std::function<void(std::uint64_t offset, ByteView content)>& sink);

}  // namespace entrepot::disk

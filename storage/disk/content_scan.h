// The bytes of a disk that are not zero, in order.
#pragma once

#include "storage/disk/disk_source.h"

#include "base/progress.h"

#include <cstdint>
#include <functional>

namespace entrepot::disk {

/// Small enough that what was read is in the processor's cache still when it is looked through and
/// copied on.
inline constexpr std::size_t kRunBytesMax = 256 * kKiB;

/// Calls the sink with each run of content that is not zero, from the start of the disk to its end;
/// a run ends at the next multiple of `run_bytes_max` at the latest. Zeros of 4 KiB and more are
/// left out. Reports progress and stops between reads. Throws Error{parent_missing} for an
/// incomplete chain. Requires run_bytes_max to be a divisor of kRunBytesMax, 4 KiB or more.
void scan_content(const DiskSource& source, const Work& work, std::size_t run_bytes_max,
                  const std::function<void(std::uint64_t offset, ByteView content)>& sink);

}  // namespace entrepot::disk

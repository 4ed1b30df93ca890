// Change tracking: a digest per granule of what a disk held at a reference point.
#pragma once

#include "tests/hostsim/disk/content.h"

#include <filesystem>
#include <functional>
#include <vector>

namespace entrepot::hostsim {

using CheckStop = std::function<void()>;

/// Remembers the content at this granularity. `check` may throw to end it.
void write_digests(const DiskContent& content, std::uint32_t granularity_bytes,
                   const std::filesystem::path& file, const CheckStop& check);

/// The ranges whose content differs from what was remembered, at the remembered granularity; the
/// last one ends where the disk ends.
std::vector<ByteRange> find_changes(const DiskContent& content, const std::filesystem::path& file,
                                    const CheckStop& check);

}  // namespace entrepot::hostsim

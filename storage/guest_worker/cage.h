// What a process gives up before it looks at the first byte of a guest. Follows P11 of the threats.
#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace entrepot::guest {

struct CageLimits {
    std::uint64_t memory_bytes = 512 * kMiB;
    /// Of the whole life of a worker; each question has its own deadline in the parent.
    std::uint64_t cpu_seconds = 3600;
};

/// The descriptor that stays: the socket to the parent.
inline constexpr int kParentDescriptor = 0;

/// From here on this process can compute, and read and write kParentDescriptor; any other system
/// call that does something ends it. No other descriptors, no network and no other processes even
/// to name, where the kernel has namespaces; no user's rights if it had root's; limits on memory,
/// time and files. Cannot be undone. Throws Error{internal} if anything but the namespaces fails.
void enter_cage(const CageLimits& limits);

}  // namespace entrepot::guest

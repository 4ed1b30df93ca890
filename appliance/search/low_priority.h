// Work that takes what others leave of processor and disk.
#pragma once

#include <functional>

namespace entrepot::search {

/// Runs the body in a thread of its own, whose processes are of low priority, too; what it throws
/// comes to the caller. Where the system refuses, it runs as anything else does.
void run_at_low_priority(const std::function<void()>& body);

}  // namespace entrepot::search

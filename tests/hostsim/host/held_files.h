// Files that stay open, or are written to, after the job that made them has ended (F-SH-02, 03).
#pragma once

#include "tests/hostsim/disk/share_target.h"

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace entrepot::hostsim {

/// Safe to share. Whatever is still held at the end is closed.
class HeldFiles {
public:
    /// Closes the file after that time; before, writes noise at the offset if there is one.
    void hold(std::unique_ptr<TargetFile> file, std::chrono::milliseconds time,
              std::optional<std::uint64_t> write_at);

private:
    std::mutex mutex_;
    std::list<std::jthread> holders_;
};

}  // namespace entrepot::hostsim

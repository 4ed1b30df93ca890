// Files that stay open, or are written to, after the job that made them has ended (F-SH-02, 03).
#pragma once

#include "tests/hostsim/disk/share_target.h"

#include "base/bytes.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace entrepot::hostsim {

struct LateContent {
    std::uint64_t offset = 0;
    Bytes bytes;
};

/// Safe to share. Whatever is still held at the end is closed.
class HeldFiles {
public:
    /// Closes the file after that time; before, writes what is still to come.
    void hold(std::unique_ptr<TargetFile> file, std::chrono::milliseconds time,
              std::optional<LateContent> late);

private:
    std::mutex mutex_;
    std::list<std::jthread> holders_;
};

}  // namespace entrepot::hostsim

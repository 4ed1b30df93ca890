// One life of the appliance: everything opened over its directories, in a process of its own that
// can be killed anywhere. Nothing of it is left in the caller's process.
#pragma once

#include "base/json.h"
#include "exporter/hyperv/hyperv_host.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace entrepot::test {

struct Place {
    std::filesystem::path data;
    std::filesystem::path share;
    std::string unc;
    hyperv::Connection connection;
    std::string vm_id;
    std::uint32_t full_every = 0;  ///< Of every backup; 0: never forced.
};

/// Which event of a backup is the last.
struct KillPoint {
    enum class Kind {
        step,  ///< Before or after a host call or a journal write.
        file,  ///< A change of a file or directory; a write leaves half of its bytes.
    };
    Kind kind = Kind::step;
    std::uint64_t number = 0;
};

enum class Task {
    /// Makes the appliance if there is none, removes all points but the newest, runs one backup.
    back_up,
    /// As the daemon's start: takes up the jobs that an earlier life left.
    resume,
};

/// What a life told: "points_before" and "points_after" with the SHA-256 of each disk as a restore
/// gives it, "jobs" and how they ended, "residue".
struct Told {
    bool is_killed = false;
    std::string event;  ///< Where it was killed.
    Json said;
};

/// Throws if the process ends in any other way than by itself or at the kill point.
Told live(const Place& place, Task task, const std::optional<KillPoint>& kill_point = std::nullopt);

}  // namespace entrepot::test

// Copies the state database into the repository: every day, and soon after somebody changed what is
// configured. Also lets the repository look at the clock. Follows the architecture, "Catalog and
// state".
#pragma once

#include "appliance/state/state.h"
#include "storage/repository/repository.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace entrepot::daemon {

struct StateKeeperOptions {
    std::chrono::milliseconds interval{std::chrono::minutes{1}};
    /// Changes that follow each other make one copy.
    std::chrono::milliseconds quiet_min{std::chrono::minutes{2}};
    std::chrono::milliseconds age_max{std::chrono::hours{24}};
};

/// What is passed must outlive it.
class StateKeeper {
public:
    /// The repository, or nullptr while it is not open.
    using FindRepository = std::function<repository::Repository*()>;

    StateKeeper(Clock& clock, Log& log, FileSystem& file_system, state::State& state,
                FindRepository find_repository, const StateKeeperOptions& options)
        : clock_(clock),
          log_(log),
          file_system_(file_system),
          state_(state),
          find_repository_(std::move(find_repository)),
          options_(options) {}
    ~StateKeeper();  ///< As stop().

    void start();
    void stop();

    enum class Haste { wait_for_quiet, now };
    /// Makes a copy if one is due. Returns whether it did.
    bool run_once(Haste haste);

private:
    bool is_due(const std::string& digest, Haste haste);
    void copy(repository::Repository& repository, const std::string& digest);

    Clock& clock_;
    Log& log_;
    FileSystem& file_system_;
    state::State& state_;
    FindRepository find_repository_;
    StateKeeperOptions options_;
    std::mutex mutex_;
    std::string seen_digest_;
    SteadyTime seen_{};  ///< When the digest was first what it is.
    std::jthread thread_;
};

}  // namespace entrepot::daemon

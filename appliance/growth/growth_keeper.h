// Writes down how large the repository is, once an hour over the sample of the day.
#pragma once

#include "appliance/state/state.h"
#include "storage/repository/repository.h"

#include "base/clock.h"
#include "base/log.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

namespace entrepot::growth {

struct GrowthKeeperOptions {
    std::chrono::milliseconds interval{std::chrono::minutes{5}};
    std::chrono::milliseconds sample_age_max{std::chrono::hours{1}};
};

/// What is passed must outlive it.
class GrowthKeeper {
public:
    /// The repository, or nullptr while it is not open.
    using FindRepository = std::function<repository::Repository*()>;

    /// `directory` is the repository's: whose file system is asked for its space.
    GrowthKeeper(Clock& clock, Log& log, state::State& state, std::filesystem::path directory,
                 FindRepository find_repository, const GrowthKeeperOptions& options)
        : clock_(clock),
          log_(log),
          state_(state),
          directory_(std::move(directory)),
          find_repository_(std::move(find_repository)),
          options_(options) {}
    ~GrowthKeeper();  ///< As stop().

    void start();
    void stop();
    /// Takes a sample if the newest is old, or of a clock that went back since. Returns whether it
    /// did.
    bool run_once();

private:
    Clock& clock_;
    Log& log_;
    state::State& state_;
    std::filesystem::path directory_;
    FindRepository find_repository_;
    GrowthKeeperOptions options_;
    std::jthread thread_;
};

}  // namespace entrepot::growth

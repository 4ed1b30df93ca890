// See growth_keeper.h.
#include "appliance/growth/growth_keeper.h"

#include <system_error>

namespace entrepot::growth {
namespace {

state::GrowthSample take_sample(repository::Repository& repository,
                                const std::filesystem::path& directory, WallTime now) {
    const repository::RepositoryInfo info = repository.info();
    state::GrowthSample sample{.time = now,
                               .stored_bytes = info.stored_bytes,
                               .logical_bytes = info.logical_bytes,
                               .points = info.points};
    std::error_code error;
    const auto space = std::filesystem::space(directory, error);
    if (!error) {
        sample.free_bytes = space.available;
        sample.capacity_bytes = space.capacity;
    }
    return sample;
}

}  // namespace

GrowthKeeper::~GrowthKeeper() {
    stop();
}

void GrowthKeeper::start() {
    thread_ = std::jthread{[this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            try {
                run_once();
            } catch (const std::exception& error) {
                log_.error("the repository's size could not be written down",
                           {{"error", error.what()}});
            }
            clock_.sleep_for(options_.interval, stop);
        }
    }};
}

void GrowthKeeper::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

bool GrowthKeeper::run_once() {
    repository::Repository* repository = find_repository_();
    if (repository == nullptr) return false;
    const WallTime now = clock_.wall_now();
    if (const auto newest = state_.growth.find_newest()) {
        const auto age = now - newest->time;
        if (age.count() >= 0 && age < options_.sample_age_max) return false;
    }
    state_.growth.put(take_sample(*repository, directory_, now));
    return true;
}

}  // namespace entrepot::growth

// See state_keeper.h.
#include "appliance/daemon/state_keeper.h"

#include "appliance/state/config_digest.h"

#include "base/error.h"

#include <utility>

namespace entrepot::daemon {
namespace {

constexpr std::size_t kStateBytesMax = 256 * kMiB;

}  // namespace

StateKeeper::~StateKeeper() {
    stop();
}

void StateKeeper::start() {
    thread_ = std::jthread{[this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            try {
                run_once(Haste::wait_for_quiet);
            } catch (const std::exception& error) {
                log_.error("the state could not be copied into the repository",
                           {{"error", error.what()}});
            }
            clock_.sleep_for(options_.interval, stop);
        }
    }};
}

void StateKeeper::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

bool StateKeeper::run_once(Haste haste) {
    const std::scoped_lock lock{mutex_};
    repository::Repository* repository = find_repository_();
    if (repository == nullptr) return false;
    repository->time_state();
    const std::string digest = state::config_digest(state_.database());
    if (!is_due(digest, haste)) return false;
    copy(*repository, digest);
    return true;
}

bool StateKeeper::is_due(const std::string& digest, Haste haste) {
    if (digest != std::exchange(seen_digest_, digest)) seen_ = clock_.steady_now();
    const auto last = state_.settings.find(state::kStateCopySetting);
    if (!last) return true;
    const WallTime copied{std::chrono::milliseconds{last->value("time_ms", std::int64_t{0})}};
    const auto age = clock_.wall_now() - copied;
    // Negative where the clock was set back: how old the copy is nobody knows then.
    if (age >= options_.age_max || age.count() < 0) return true;
    if (last->value("digest", "") == digest) return false;
    return haste == Haste::now || clock_.steady_now() - seen_ >= options_.quiet_min;
}

void StateKeeper::copy(repository::Repository& repository, const std::string& digest) {
    const std::filesystem::path file = state_.database().file().string() + ".copy";
    file_system_.remove(file);  // Of a process that died.
    try {
        state_.database().copy_to(file);
        const auto copy = repository.put_state_copy(file_system_.read_file(file, kStateBytesMax));
        log_.info("state copied into the repository", {{"copy", copy.name}});
    } catch (...) {
        file_system_.remove(file);
        throw;
    }
    file_system_.remove(file);
    state_.settings.put(
        state::kStateCopySetting,
        {{"time_ms", clock_.wall_now().time_since_epoch().count()}, {"digest", digest}});
}

}  // namespace entrepot::daemon

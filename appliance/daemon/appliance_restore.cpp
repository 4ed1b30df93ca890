// The state appears under its name last, when all is well with it.
#include "appliance/daemon/appliance_restore.h"

#include "appliance/state/state.h"

#include "base/atomic_file.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::daemon {
namespace {

void require_new(FileSystem& file_system, const config::Config& config) {
    if (!file_system.exists(config.state_file())) return;
    throw Error{ErrorCode::already_exists,
                fmt::format("{} already holds an appliance", config.data_directory.string()),
                "entrepot info shows it"};
}

// Hosts have gone on since: what a job of then believed is not true any more.
std::uint64_t end_open_jobs(state::State& state, WallTime now) {
    std::uint64_t count = 0;
    for (const auto job_state : {jobs::JobState::queued, jobs::JobState::running}) {
        for (const state::JobRecord& record : state.jobs.list_in_state(job_state)) {
            jobs::JobView view = record.view;
            view.state = jobs::JobState::interrupted;
            view.ended = now;
            state.jobs.update(view);
            ++count;
        }
    }
    return count;
}

void fill(state::State& state, RestoredAppliance& restored, WallTime now) {
    const auto id = state.settings.find(kRepositoryIdSetting);
    const bool is_ours =
        !id || (id->is_string() && id->get<std::string>() == restored.repository_id);
    if (!is_ours) throw Error{ErrorCode::conflict, "the copy is of another repository's appliance"};
    state.settings.put(kRepositoryIdSetting, restored.repository_id);
    restored.ended_jobs = end_open_jobs(state, now);
    restored.hosts = state.hosts.list().size();
    restored.policies = state.policies.list().size();
}

class Restore {
public:
    Restore(const World& world, const config::Config& config, repository::Repository& repository)
        : world_(world),
          config_(config),
          repository_(repository),
          temporary_(config.state_file().string() + ".restoring") {}

    RestoredAppliance run(const std::string& copy_name) {
        restored_.repository_id = repository_.info().id;
        restored_.points = repository_.info().points;
        if (!take_newest(copy_name)) make({});
        world_.file_system.rename(temporary_, config_.state_file());
        world_.file_system.sync_directory(config_.data_directory);
        return restored_;
    }

private:
    bool take_newest(const std::string& copy_name) {
        const auto copies = repository_.list_state_copies();
        if (!copy_name.empty()) {
            const auto found = std::ranges::find(copies, copy_name, &repository::StateCopy::name);
            if (found == copies.end()) {
                throw Error{ErrorCode::not_found,
                            fmt::format("there is no state copy '{}'", copy_name)};
            }
            make(*found);
            return true;
        }
        for (std::size_t i = 0; i < copies.size(); ++i) {
            try {
                make(copies[i]);
                return true;
            } catch (const Error& error) {
                if (error.code() != ErrorCode::corrupt || i + 1 == copies.size()) throw;
                world_.log.error("a state copy is damaged, an older one is taken",
                                 {{"copy", copies[i].name}, {"error", error.what()}});
            }
        }
        return false;
    }

    void make(const std::optional<repository::StateCopy>& copy) {
        world_.file_system.remove(temporary_);
        world_.file_system.remove(temporary_.string() + "-wal");
        if (copy) {
            write_file_atomically(world_.file_system, temporary_,
                                  repository_.read_state_copy(copy->name));
        }
        state::State state{temporary_, world_.clock, world_.random};
        fill(state, restored_, world_.clock.wall_now());
        restored_.copy = copy;
    }

    const World& world_;
    const config::Config& config_;
    repository::Repository& repository_;
    std::filesystem::path temporary_;
    RestoredAppliance restored_;
};

}  // namespace

RestoredAppliance restore_appliance(const World& world, const config::Config& config,
                                    const KeyReader& read_key, const std::string& copy_name) {
    world.file_system.make_directories(config.data_directory);
    std::filesystem::permissions(config.data_directory, std::filesystem::perms::owner_all);
    const auto lock = lock_data_directory(world.file_system, config);
    require_new(world.file_system, config);
    const auto repository =
        open_repository_with_key(world, config.repository_directory(), {}, read_key);
    return Restore{world, config, *repository}.run(copy_name);
}

}  // namespace entrepot::daemon

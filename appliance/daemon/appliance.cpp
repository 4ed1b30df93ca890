// The parts in the order in which they need each other; they go in the opposite one.
#include "appliance/daemon/appliance.h"

#include "appliance/api/inventory.h"
#include "appliance/api/routes.h"
#include "appliance/backup/handlers.h"
#include "appliance/backup/maintenance_jobs.h"
#include "appliance/backup/services.h"
#include "appliance/daemon/host_connector.h"
#include "appliance/daemon/version.h"
#include "appliance/policy/record_keeper.h"

#include "base/error.h"
#include "base/process.h"

#include <fmt/format.h>

#include <mutex>

namespace entrepot::daemon {
namespace {

constexpr std::string_view kRepositoryIdSetting = "repository_id";

jobs::EngineOptions engine_options(const config::Config& config) {
    jobs::EngineOptions options;
    options.worker_count = config.worker_count;
    return options;
}

policy::RecordKeeperOptions record_keeper_options(const config::Config& config) {
    policy::RecordKeeperOptions options;
    options.job_age_max = std::chrono::days{config.job_keep_days};
    options.job_count_max = config.job_keep_count;
    return options;
}

void require_initialised(FileSystem& file_system, const config::Config& config) {
    if (file_system.exists(config.data_directory) && file_system.exists(config.state_file())) {
        return;
    }
    throw Error{ErrorCode::not_found,
                fmt::format("there is no appliance in {}", config.data_directory.string()),
                "entrepot init makes one; --data or ENTREPOT_DATA names another directory"};
}

repository::Environment repository_environment(const World& world) {
    return {world.file_system, world.clock, world.random, world.log};
}

Error no_key_error(const std::string& message) {
    return Error{ErrorCode::locked, message,
                 "give --passphrase-file, set ENTREPOT_PASSPHRASE_FILE, or run it on a terminal"};
}

}  // namespace

std::filesystem::path socket_path(const config::Config& config) {
    return config.data_directory / "entrepot.sock";
}

std::unique_ptr<FileLock> lock_data_directory(FileSystem& file_system,
                                              const config::Config& config) {
    auto lock = file_system.try_lock(config.data_directory / "lock");
    if (lock) return lock;
    throw Error{ErrorCode::busy,
                fmt::format("another command holds {}", config.data_directory.string()),
                "wait until it has ended; with entrepotd running, commands work side by side"};
}

repository::Created create_appliance(const World& world, const config::Config& config,
                                     const std::optional<Secret>& passphrase) {
    auto& file_system = world.file_system;
    file_system.make_directories(config.data_directory);
    std::filesystem::permissions(config.data_directory, std::filesystem::perms::owner_all);
    const auto lock = lock_data_directory(file_system, config);
    if (file_system.exists(config.state_file())) {
        throw Error{ErrorCode::already_exists,
                    fmt::format("{} already holds an appliance", config.data_directory.string()),
                    "entrepot info shows it"};
    }
    repository::CreateOptions options;
    options.passphrase = passphrase;
    auto created = repository::Repository::create(repository_environment(world),
                                                  config.repository_directory(), options);
    state::State state{config.state_file(), world.clock, world.random};
    state.settings.put(kRepositoryIdSetting, created.repository_id);
    return created;
}

class Appliance::Parts {
public:
    Parts(const World& world, const config::Config& config, KeyReader read_key)
        : world_(world),
          config_(config),
          read_key_(std::move(read_key)),
          lock_(take_lock(world, config)),
          state_(config.state_file(), world.clock, world.random),
          shares_({world.file_system, world.clock, state_.shares, state_.hosts}),
          zones_(world.file_system),
          processes_(world.clock),
          engine_({world.clock, world.random, world.log, state_.jobs, state_.journal},
                  engine_options(config)),
          scheduler_({world.clock, world.log, state_, engine_, zones_}, scheduler_options()),
          record_keeper_(world.clock, world.log, state_, record_keeper_options(config)),
          sessions_(world.clock, world.random),
          services_(make_services()),
          router_(world.log) {
        api::add_all_routes(router_, services_);
    }

    ~Parts() { shutdown(); }

    repository::Repository& open_repository() {
        const std::scoped_lock lock{mutex_};
        if (!repository_) {
            repository_ = open_with_key();
            backup_services_ =
                std::make_unique<backup::Services>(make_backup_services(*repository_));
        }
        return *repository_;
    }

    void start_jobs() {
        open_repository();
        const std::scoped_lock lock{mutex_};
        if (is_started_) return;
        backup::register_handlers(engine_, *backup_services_);
        engine_.start();
        is_started_ = true;
    }

    void start_policies() {
        scheduler_.start();
        record_keeper_.start();
    }

    void shutdown() {
        record_keeper_.stop();
        scheduler_.stop();
        engine_.shutdown();
    }

    const api::Router& router() const { return router_; }
    api::SessionStore& sessions() { return sessions_; }

private:
    static std::unique_ptr<FileLock> take_lock(const World& world, const config::Config& config) {
        require_initialised(world.file_system, config);
        return lock_data_directory(world.file_system, config);
    }

    std::unique_ptr<repository::Repository> open_with_key() {
        repository::OpenOptions options;
        const auto id = state_.settings.find(kRepositoryIdSetting);
        if (id && id->is_string()) options.expected_id = id->get<std::string>();
        const auto environment = repository_environment(world_);
        try {
            return repository::Repository::open(environment, config_.repository_directory(),
                                                options);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::locked) throw;
            options.key = read_key_();
            if (!options.key) throw no_key_error(error.message());
        }
        return repository::Repository::open(environment, config_.repository_directory(), options);
    }

    std::unique_ptr<hyperv::HyperVHost> connect(const state::HostRecord& host,
                                                std::stop_token stop) {
        Secret password;
        if (host.has_password) {
            password = state_.hosts.read_password(host.id, open_repository().credential_key());
        }
        hyperv::Connection connection = make_connection(host, password);
        if (!config_.record_directory.empty()) {
            connection.record_directory = config_.record_directory / host.draft.name;
        }
        return hyperv::connect({world_.clock, world_.log}, connection, stop);
    }

    api::HostInventory read_inventory(const state::HostRecord& host, std::stop_token stop) {
        try {
            const auto connection = connect(host, stop);
            api::HostInventory inventory{connection->read_facts(), connection->list_vms()};
            api::remember_inventory(inventory, host, state_, world_.clock);
            api::remember_contact(state_, world_.clock, host.id, nullptr);
            return inventory;
        } catch (Error& error) {
            error.add_context(fmt::format("asking host {}", host.draft.name));
            api::remember_contact(state_, world_.clock, host.id, &error);
            throw;
        }
    }

    void delete_point(const repository::PointSummary& point) {
        open_repository();
        backup::delete_point(*backup_services_, point);
    }

    policy::SchedulerOptions scheduler_options() {
        policy::SchedulerOptions options;
        options.time_zone = config_.time_zone;
        options.jobs_per_host_max = config_.jobs_per_host_max;
        options.refresh_host = [this](const state::HostRecord& host, const std::stop_token& stop) {
            read_inventory(host, stop);
        };
        return options;
    }

    backup::Services make_backup_services(repository::Repository& repository) {
        if (!config_.smb_conf.empty()) {
            file_server_ =
                share::make_samba_server(config_.smb_conf, world_.file_system, processes_);
        }
        return backup::Services{
            .repository = repository,
            .state = state_,
            .shares = shares_,
            .connect = [this](const state::HostRecord& host,
                              std::stop_token stop) { return connect(host, stop); },
            .clock = world_.clock,
            .random = world_.random,
            .log = world_.log,
            .file_system = world_.file_system,
            .file_server = file_server_.get(),
            .time_zone = config_.time_zone,
        };
    }

    api::Services make_services() {
        return api::Services{
            .clock = world_.clock,
            .file_system = world_.file_system,
            .log = world_.log,
            .config = config_,
            .state = state_,
            .engine = engine_,
            .scheduler = scheduler_,
            .zones = zones_,
            .shares = shares_,
            .sessions = sessions_,
            .version = std::string{kVersion},
            .repository = [this]() -> repository::Repository& { return open_repository(); },
            .read_inventory = [this](const state::HostRecord& host,
                                     std::stop_token stop) { return read_inventory(host, stop); },
            .delete_point = [this](const repository::PointSummary& point) { delete_point(point); },
        };
    }

    World world_;
    config::Config config_;
    KeyReader read_key_;
    std::unique_ptr<FileLock> lock_;
    state::State state_;
    share::ShareRegistry shares_;
    TimeZones zones_;
    std::mutex mutex_;  ///< Guards what is made late: the repository and the handlers.
    std::unique_ptr<repository::Repository> repository_;
    PosixProcessRunner processes_;
    std::unique_ptr<share::FileServer> file_server_;
    std::unique_ptr<backup::Services> backup_services_;
    bool is_started_ = false;
    jobs::JobEngine engine_;
    policy::Scheduler scheduler_;
    policy::RecordKeeper record_keeper_;
    api::SessionStore sessions_;
    api::Services services_;
    api::Router router_;
};

Appliance::Appliance(const World& world, const config::Config& config, KeyReader read_key)
    : parts_(std::make_unique<Parts>(world, config, std::move(read_key))) {}

Appliance::~Appliance() = default;

repository::Repository& Appliance::open_repository() {
    return parts_->open_repository();
}

void Appliance::start_jobs() {
    parts_->start_jobs();
}

void Appliance::start_policies() {
    parts_->start_policies();
}

void Appliance::shutdown() {
    parts_->shutdown();
}

const api::Router& Appliance::router() const {
    return parts_->router();
}

api::SessionStore& Appliance::sessions() {
    return parts_->sessions();
}

}  // namespace entrepot::daemon

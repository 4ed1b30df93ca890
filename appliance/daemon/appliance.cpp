// The parts in the order in which they need each other; they go in the opposite one.
#include "appliance/daemon/appliance.h"

#include "appliance/api/audit_trail.h"
#include "appliance/api/inventory.h"
#include "appliance/api/openapi.h"
#include "appliance/api/routes.h"
#include "appliance/backup/handlers.h"
#include "appliance/backup/host_records.h"
#include "appliance/backup/leftovers.h"
#include "appliance/backup/maintenance_jobs.h"
#include "appliance/backup/services.h"
#include "appliance/daemon/certificate.h"
#include "appliance/daemon/host_connector.h"
#include "appliance/daemon/host_gates.h"
#include "appliance/daemon/state_keeper.h"
#include "appliance/daemon/version.h"
#include "appliance/doctor/doctor.h"
#include "appliance/growth/growth_keeper.h"
#include "appliance/policy/record_keeper.h"
#include "appliance/restore/checker.h"
#include "appliance/restore/handlers.h"
#include "appliance/restore/services.h"
#include "appliance/search/index_jobs.h"
#include "appliance/share/managed_shares.h"

#include "exporter/hyperv/host_probe.h"
#include "exporter/wsman/network_probe.h"

#include "base/background_process.h"
#include "base/error.h"
#include "base/process.h"

#include <Poco/Net/DNS.h>

#include <fmt/format.h>

#include <unistd.h>

#include <mutex>
#include <thread>

namespace entrepot::daemon {
namespace {

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

std::unique_ptr<repository::Repository> open_repository_with_key(
    const World& world, const std::filesystem::path& directory, repository::OpenOptions options,
    const KeyReader& read_key) {
    const auto environment = repository_environment(world);
    try {
        return repository::Repository::open(environment, directory, options);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::locked) throw;
        options.key = read_key();
        if (!options.key) throw no_key_error(error.message());
    }
    return repository::Repository::open(environment, directory, options);
}

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
                                     const repository::CreateOptions& options) {
    auto& file_system = world.file_system;
    file_system.make_directories(config.data_directory);
    std::filesystem::permissions(config.data_directory, std::filesystem::perms::owner_all);
    const auto lock = lock_data_directory(file_system, config);
    if (file_system.exists(config.state_file())) {
        throw Error{ErrorCode::already_exists,
                    fmt::format("{} already holds an appliance", config.data_directory.string()),
                    "entrepot info shows it"};
    }
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
          processes_(world.clock),
          shares_(registry_environment()),
          managed_shares_(managed_environment(), samba_environment(),
                          share::SambaPlaces{config.samba_place()}),
          zones_(world.file_system),
          gates_(world.clock, world.log, state_.settings),
          engine_({world.clock, world.random, world.log, state_.jobs, state_.journal},
                  engine_options(config)),
          scheduler_({world.clock, world.log, state_, engine_, zones_}, scheduler_options()),
          record_keeper_(world.clock, world.log, state_, record_keeper_options(config)),
          state_keeper_(world.clock, world.log, world.file_system, state_,
                        [this] { return find_repository(); }, {}),
          growth_keeper_(world.clock, world.log, state_, config.repository_directory(),
                         [this] { return find_repository(); }, {}),
          access_(world.clock, world.random, world.log, state_.database(), state_.settings),
          services_(make_services()),
          router_(world.log, contract_, &audit_trail_) {
        api::add_all_routes(router_, services_);
    }

    ~Parts() { shutdown(); }

    repository::Repository& open_repository() {
        const std::scoped_lock lock{mutex_};
        if (!repository_) {
            repository_ = open_with_key();
            backup_services_ =
                std::make_unique<backup::Services>(make_backup_services(*repository_));
            restore_services_ = std::make_unique<restore::Services>(restore::Services{
                *backup_services_, [this](const state::HostRecord& host, std::stop_token stop) {
                    return hyperv::connect_for_restore({world_.clock, world_.log},
                                                       connection_of(host), stop);
                }});
            restore_checker_ = std::make_unique<restore::Checker>(*restore_services_);
        }
        return *repository_;
    }

    void start_jobs() {
        open_repository();
        const std::scoped_lock lock{mutex_};
        if (is_started_) return;
        backup::register_handlers(engine_, *backup_services_);
        restore::register_handlers(engine_, *restore_services_);
        register_doctor();
        search::register_index_job(engine_, index_services_);
        engine_.start();
        is_started_ = true;
    }

    void start_policies() {
        scheduler_.start();
        record_keeper_.start();
        state_keeper_.start();
        growth_keeper_.start();
        if (config_.indexes_files) index_keeper_.start();
        look_ahead_ =
            std::jthread{[this](const std::stop_token& stop) { read_points_ahead(stop); }};
    }

    void start_shares() {
        managed_shares_.start();
        clearing_ = std::jthread{[this] { backup::clear_leftovers(*backup_services_); }};
    }

    // Reading the points of all VMs takes seconds where there are a hundred thousand: the first who
    // looks must not wait for it.
    void read_points_ahead(const std::stop_token& stop) noexcept {
        try {
            services_.vm_points->read(open_repository(), stop);
        } catch (const std::exception& error) {
            // Whoever looks reads them, and is told what is wrong.
            world_.log.debug("points were not read ahead", {{"error", error.what()}});
        }
    }

    void shutdown() {
        look_ahead_ = {};
        growth_keeper_.stop();
        index_keeper_.stop();
        state_keeper_.stop();
        record_keeper_.stop();
        scheduler_.stop();
        engine_.shutdown();
        guest_files_.close();
        copy_state_last();
        if (clearing_.joinable()) clearing_.join();
        // Last: jobs that let go may still close files.
        managed_shares_.stop();
    }

    const api::Router& router() const { return router_; }
    access::Access& access() { return access_; }

private:
    static std::unique_ptr<FileLock> take_lock(const World& world, const config::Config& config) {
        require_initialised(world.file_system, config);
        return lock_data_directory(world.file_system, config);
    }

    std::unique_ptr<repository::Repository> open_with_key() {
        const auto id = state_.settings.find(kRepositoryIdSetting);
        repository::OpenOptions options;
        if (id && id->is_string()) options.expected_id = id->get<std::string>();
        options.compression_level = config_.zstd_level;
        return open_repository_with_key(world_, config_.repository_directory(), std::move(options),
                                        read_key_);
    }

    hyperv::Connection connection_of(const state::HostRecord& host) {
        Secret password;
        if (host.has_password) {
            password = state_.hosts.read_password(host.id, open_repository().credential_key());
        }
        hyperv::Connection connection = make_connection(host, password);
        if (!config_.record_directory.empty()) {
            connection.record_directory = config_.record_directory / host.draft.name;
        }
        connection.gate = gates_.gate_of(host.id);
        connection.allows_local_names = config_.allow_loopback_hosts;
        return connection;
    }

    std::unique_ptr<hyperv::HyperVHost> connect(const state::HostRecord& host,
                                                std::stop_token stop) {
        return hyperv::connect({world_.clock, world_.log}, connection_of(host), stop);
    }

    Json check_vm_restore(const Json& parameters, std::stop_token stop) {
        open_repository();
        return restore_checker_->check(restore::restore_request_from(parameters), stop);
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

    repository::Repository* find_repository() {
        const std::scoped_lock lock{mutex_};
        return repository_.get();
    }

    // Commands without a daemon work in processes too short for any other moment.
    void copy_state_last() {
        if (!is_started_) return;
        try {
            state_keeper_.run_once(StateKeeper::Haste::now);
        } catch (const std::exception& error) {
            world_.log.error("the state could not be copied into the repository",
                             {{"error", error.what()}});
        }
    }

    void delete_point(const repository::PointSummary& point) {
        open_repository();
        const std::string id = point.id;  // The point may be the repository's own.
        backup::delete_point(*backup_services_, point);
        try {
            file_index_.drop_point(id);
        } catch (const Error& error) {
            world_.log.warning("the index of a deleted point is left for later",
                               {{"point", id}, {"error", error.what()}});
        }
    }

    share::RegistryEnvironment registry_environment() {
        return {.file_system = world_.file_system,
                .clock = world_.clock,
                .shares = state_.shares,
                .hosts = state_.hosts,
                .accounts = &state_.share_accounts,
                .system_accounts = &system_accounts_,
                .own_name = Poco::Net::DNS::hostName()};
    }

    share::ManagedEnvironment managed_environment() {
        return {.file_system = world_.file_system,
                .random = world_.random,
                .log = world_.log,
                .state = state_,
                .registry = shares_,
                .system_accounts = system_accounts_,
                .credential_key = [this] { return open_repository().credential_key(); },
                .samba_include = config_.samba_include};
    }

    share::SambaEnvironment samba_environment() {
        return {.clock = world_.clock,
                .random = world_.random,
                .log = world_.log,
                .file_system = world_.file_system,
                .processes = processes_,
                .starter = starter_,
                .is_port_taken = share::is_tcp_port_taken,
                .is_root = ::geteuid() == 0};
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
            file_server_ = share::make_samba_server({.smb_conf = config_.smb_conf},
                                                    world_.file_system, processes_);
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
            .own_file_server = &managed_shares_.server(),
            .own_file_server_life = [this] { return managed_shares_.life(); },
            .time_zone = config_.time_zone,
            .space_wait_max = std::chrono::minutes{config_.space_wait_minutes},
            .holes = config_.accept_holes ? backup::HolePolicy::accept : backup::HolePolicy::refuse,
            .ingest_limit = &speed_limits_.limit_of(state::SpeedKind::ingest),
            .verify_limit = &speed_limits_.limit_of(state::SpeedKind::verify),
        };
    }

    doctor::Knowledge make_knowledge() {
        return doctor::Knowledge{
            .connection_of = [this](const state::HostRecord& host) { return connection_of(host); },
            .make_probe =
                [this](const hyperv::Connection& connection, std::stop_token stop) {
                    return hyperv::make_host_probe({world_.clock, world_.log}, connection, stop);
                },
            .is_our_snapshot =
                [this](const hyperv::Snapshot& snapshot) {
                    return backup::is_our_snapshot(state_, snapshot);
                },
            .list_spare_reference_points =
                [this](const std::string& host_id, const hyperv::Vm& vm) {
                    return backup::list_spare_reference_points(*backup_services_, host_id, vm);
                },
            .find_export_proof =
                [this](const std::string& host_id) -> std::optional<doctor::ExportProof> {
                const auto point = backup::find_newest_export(*backup_services_, host_id);
                if (!point) return std::nullopt;
                return doctor::ExportProof{point->time, point->draft.vm_name};
            },
        };
    }

    void register_doctor() {
        doctor_services_ = std::make_unique<doctor::Services>(doctor::Services{
            .clock = world_.clock,
            .random = world_.random,
            .log = world_.log,
            .file_system = world_.file_system,
            .state = state_,
            .shares = shares_,
            .network = *network_probe_,
            .knowledge = make_knowledge(),
            .file_server = file_server_.get(),
            .smb_conf = config_.smb_conf,
            .allows_local_names = config_.allow_loopback_hosts,
            .own_file_server = &managed_shares_.server(),
        });
        engine_.register_handler("doctor", [this](jobs::JobContext& job) {
            return doctor::run_doctor(*doctor_services_, job);
        });
    }

    std::optional<WallTime> certificate_end() {
        const auto file = certificate_files(config_.data_directory / "tls").certificate;
        if (!world_.file_system.exists(file)) return std::nullopt;
        return end_of(world_.file_system, file);
    }

    api::Services make_services() {
        return api::Services{
            .clock = world_.clock,
            .file_system = world_.file_system,
            .log = world_.log,
            .config = config_,
            .state = state_,
            .speed_limits = speed_limits_,
            .engine = engine_,
            .scheduler = scheduler_,
            .zones = zones_,
            .shares = shares_,
            .managed_shares = managed_shares_,
            .access = access_,
            .guest_files = guest_files_,
            .file_index = file_index_,
            .version = std::string{kVersion},
            .repository = [this]() -> repository::Repository& { return open_repository(); },
            .read_inventory = [this](const state::HostRecord& host,
                                     std::stop_token stop) { return read_inventory(host, stop); },
            .check_vm_restore =
                [this](const Json& parameters, std::stop_token stop) {
                    return check_vm_restore(parameters, stop);
                },
            .read_vm =
                [this](const state::HostRecord& host, const std::string& vm_id,
                       std::stop_token stop) {
                    return with_context(fmt::format("asking host {}", host.draft.name),
                                        [&] { return connect(host, stop)->read_vm(vm_id); });
                },
            .make_room = [this] { open_repository().make_room(); },
            .delete_point = [this](const repository::PointSummary& point) { delete_point(point); },
            .certificate_end = [this] { return certificate_end(); },
        };
    }

    World world_;
    config::Config config_;
    KeyReader read_key_;
    std::unique_ptr<FileLock> lock_;
    state::State state_;
    PosixProcessRunner processes_;
    PosixProcessStarter starter_;
    share::PosixSystemAccounts system_accounts_;
    share::ShareRegistry shares_;
    share::ManagedShares managed_shares_;
    std::jthread clearing_;
    std::jthread look_ahead_;
    TimeZones zones_;
    std::mutex mutex_;  ///< Guards what is made late: the repository and the handlers.
    std::unique_ptr<repository::Repository> repository_;
    std::unique_ptr<share::FileServer> file_server_;
    state::SpeedLimits speed_limits_{world_.clock,
                                     state_.settings,
                                     {config_.ingest_mib_per_second, config_.verify_mib_per_second,
                                      static_cast<std::uint32_t>(config::kMibPerSecondMax)}};
    std::unique_ptr<backup::Services> backup_services_;
    std::unique_ptr<restore::Services> restore_services_;
    std::unique_ptr<restore::Checker> restore_checker_;
    HostGates gates_;
    std::unique_ptr<wsman::NetworkProbe> network_probe_ = wsman::make_network_probe();
    std::unique_ptr<doctor::Services> doctor_services_;
    bool is_started_ = false;
    jobs::JobEngine engine_;
    policy::Scheduler scheduler_;
    policy::RecordKeeper record_keeper_;
    StateKeeper state_keeper_;
    growth::GrowthKeeper growth_keeper_;
    access::Access access_;
    files::GuestFiles guest_files_{world_.clock, world_.log, [this]() -> repository::Repository& {
                                       return open_repository();
                                   }};
    search::IndexStore file_index_{world_.file_system, world_.random,
                                   config_.file_index_directory(),
                                   [this] { return open_repository().credential_key(); }};
    search::IndexServices index_services_{world_.clock, world_.log, file_index_, guest_files_,
                                          [this] { return find_repository(); }};
    search::IndexKeeper index_keeper_{engine_, index_services_};
    api::Services services_;
    api::Contract contract_{api::openapi_document()};
    api::AuditTrail audit_trail_{access_.audit, world_.clock, world_.log,
                                 [this] { open_repository().make_room(); }};
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

void Appliance::start_shares() {
    parts_->start_shares();
}

void Appliance::shutdown() {
    parts_->shutdown();
}

const api::Router& Appliance::router() const {
    return parts_->router();
}

access::Access& Appliance::access() {
    return parts_->access();
}

}  // namespace entrepot::daemon

// The routes over a real state database in a temporary directory, with a locked repository and a
// host that a test describes.
#pragma once

#include "appliance/api/audit_trail.h"
#include "appliance/api/openapi.h"
#include "appliance/api/router.h"
#include "appliance/api/routes.h"
#include "appliance/api/services.h"
#include "tests/support/recording_log.h"
#include "tests/support/temporary_directory.h"

#include "appliance/api/inventory.h"
#include "appliance/share/managed_shares.h"

#include "base/background_process.h"
#include "base/error.h"
#include "base/process.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace entrepot::test {

/// The first so many accounts are there, all of them root's in truth.
class FakeSystemAccounts final : public share::SystemAccounts {
public:
    std::uint32_t count = 2;
    std::optional<share::SystemAccount> find(const std::string& name) override {
        for (std::uint32_t number = 1; number <= count; ++number) {
            if (name == share::share_account_name(number)) return share::SystemAccount{};
        }
        return std::nullopt;
    }
};

class ApiFixture {
public:
    ApiFixture()
        : clock(*parse_time("2026-03-01T12:00:00Z")),
          state(directory.path() / "state.db", clock, random),
          processes(clock),
          shares({file_system, clock, state.shares, state.hosts, &state.share_accounts,
                  &system_accounts, "appliance"}),
          managed_shares({file_system,
                          random,
                          log,
                          state,
                          shares,
                          system_accounts,
                          [] { return Secret{"a credential key of a test"}; },
                          {}},
                         {clock, random, log, file_system, processes, starter,
                          [](const std::string&, std::uint16_t) { return true; }, false},
                         {directory.path() / "samba"}),
          zones(file_system),
          engine({clock, random, log, state.jobs, state.journal}, {}),
          scheduler({clock, log, state, engine, zones}, {}),
          access(clock, random, log, state.database(), state.settings, {1, 8 * kKiB}),
          speed_limits(clock, state.settings,
                       {config.ingest_mib_per_second, config.verify_mib_per_second, 100'000}),
          services(make_services()),
          router(log, contract, &audit_trail) {
        config.data_directory = directory.path();
        api::add_all_routes(router, services);
    }

    api::Response send(api::Method method, std::string path, const std::string& body = {},
                       api::Privilege privilege = api::Privilege::administrator) {
        api::Request request;
        request.method = method;
        const std::size_t mark = path.find('?');
        if (mark != std::string::npos) {
            request.query = api::parse_query(std::string_view{path}.substr(mark + 1));
        }
        request.path = path.substr(0, mark);
        request.body = body;
        request.user.name = "tester";
        request.user.privilege = privilege;
        request.user.is_local = is_local;
        request.user.is_confirmed = true;
        if (privilege != api::Privilege::none) request.user.via = access::Via::local;
        return router.dispatch(std::move(request));
    }

    Json send_json(api::Method method, const std::string& path, const Json& body) {
        return parse_json(send(method, path, dump_json(body)).body, "answer");
    }

    TemporaryDirectory directory;
    ManualClock clock;
    SystemRandom random;
    PosixFileSystem file_system;
    RecordingLog log;
    /// The repository that the routes see; locked while there is none.
    std::unique_ptr<repository::Repository> repository;
    config::Config config;
    state::State state;
    PosixProcessRunner processes;
    PosixProcessStarter starter;
    FakeSystemAccounts system_accounts;
    share::ShareRegistry shares;
    share::ManagedShares managed_shares;  ///< Not started: nothing is served.
    TimeZones zones;
    jobs::JobEngine engine;
    policy::Scheduler scheduler;
    access::Access access;
    state::SpeedLimits speed_limits;
    files::GuestFiles guest_files{clock, log, [this]() -> repository::Repository& {
                                      if (repository) return *repository;
                                      throw Error{ErrorCode::locked, "the repository is locked"};
                                  }};
    search::IndexStore file_index{file_system, random, directory.path() / "file-index",
                                  [] { return Secret{"a credential key of a test"}; }};
    /// What every host answers; nullopt: it is unreachable.
    std::optional<api::HostInventory> inventory;
    bool is_local = true;
    api::Services services;
    api::Contract contract{api::openapi_document()};
    api::AuditTrail audit_trail{access.audit, clock, log, [] {}};
    api::Router router;

private:
    api::Services make_services() {
        return api::Services{
            .clock = clock,
            .file_system = file_system,
            .log = log,
            .config = config,
            .state = state,
            .speed_limits = speed_limits,
            .engine = engine,
            .scheduler = scheduler,
            .zones = zones,
            .shares = shares,
            .managed_shares = managed_shares,
            .access = access,
            .guest_files = guest_files,
            .file_index = file_index,
            .version = "test",
            .repository = [this]() -> repository::Repository& {
                if (repository) return *repository;
                throw Error{ErrorCode::locked, "the repository is locked"};
            },
            .read_inventory =
                [this](const state::HostRecord& host, std::stop_token) {
                    if (!inventory) throw Error{ErrorCode::unreachable, "nobody answers"};
                    api::remember_inventory(*inventory, host, state, clock);
                    return *inventory;
                },
            .check_vm_restore = {},
            .read_vm = {},
            .make_room = [] {},
            .delete_point =
                [this](const repository::PointSummary& point) {
                    repository->delete_point(point.id);
                },
        };
    }
};

}  // namespace entrepot::test

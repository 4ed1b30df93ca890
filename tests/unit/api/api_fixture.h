// The routes over a real state database in a temporary directory, with a locked repository and a
// host that a test describes.
#pragma once

#include "appliance/api/router.h"
#include "appliance/api/routes.h"
#include "appliance/api/services.h"
#include "tests/support/temporary_directory.h"

#include "appliance/api/inventory.h"

#include "base/error.h"

#include <optional>
#include <string>
#include <utility>

namespace entrepot::test {

class ApiFixture {
public:
    ApiFixture()
        : clock(*parse_time("2026-03-01T12:00:00Z")),
          state(directory.path() / "state.db", clock, random),
          shares({file_system, clock, state.shares, state.hosts}),
          zones(file_system),
          engine({clock, random, log, state.jobs, state.journal}, {}),
          scheduler({clock, log, state, engine, zones}, {}),
          sessions(clock, random),
          services(make_services()),
          router(log) {
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
        request.user = {"tester", privilege, is_local};
        return router.dispatch(std::move(request));
    }

    Json send_json(api::Method method, const std::string& path, const Json& body) {
        return parse_json(send(method, path, dump_json(body)).body, "answer");
    }

    TemporaryDirectory directory;
    ManualClock clock;
    SystemRandom random;
    PosixFileSystem file_system;
    NullLog log;
    config::Config config;
    state::State state;
    share::ShareRegistry shares;
    TimeZones zones;
    jobs::JobEngine engine;
    policy::Scheduler scheduler;
    api::SessionStore sessions;
    /// What every host answers; nullopt: it is unreachable.
    std::optional<api::HostInventory> inventory;
    bool is_local = true;
    api::Services services;
    api::Router router;

private:
    api::Services make_services() {
        return api::Services{
            .clock = clock,
            .file_system = file_system,
            .log = log,
            .config = config,
            .state = state,
            .engine = engine,
            .scheduler = scheduler,
            .zones = zones,
            .shares = shares,
            .sessions = sessions,
            .version = "test",
            .repository = []() -> repository::Repository& {
                throw Error{ErrorCode::locked, "the repository is locked"};
            },
            .read_inventory =
                [this](const state::HostRecord& host, std::stop_token) {
                    if (!inventory) throw Error{ErrorCode::unreachable, "nobody answers"};
                    api::remember_inventory(*inventory, host, state, clock);
                    return *inventory;
                },
            .delete_point = [](const repository::PointSummary&) {},
        };
    }
};

}  // namespace entrepot::test

// The state goes into the repository by itself, and comes back on a fresh appliance.
#include "appliance/daemon/appliance_restore.h"
#include "appliance/daemon/state_keeper.h"
#include "appliance/state/config_digest.h"
#include "tests/support/temporary_directory.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace entrepot;
using daemon::StateKeeper;
using namespace std::chrono_literals;

namespace {

const Secret kKey{std::string_view{"correct horse battery"}};

state::HostDraft host_draft(const std::string& name) {
    state::HostDraft draft;
    draft.name = name;
    draft.url = "https://192.0.2.1:5986/wsman";
    draft.authentication = "ntlm";
    return draft;
}

// An appliance's directory with a repository beside it, and a clock to move.
struct Scene {
    Scene() {
        config.data_directory = directory.path() / "data";
        config.repository_path = directory.path() / "volume" / "repository";
        std::filesystem::create_directory(directory.path() / "volume");
        repository::CreateOptions options;
        options.passphrase = kKey;
        options.key_cost = {1, 8 * kKiB};
        daemon::create_appliance(world(), config, options);
        open();
    }

    void open() {
        state = std::make_unique<state::State>(config.state_file(), clock, random);
        opened = daemon::open_repository_with_key(world(), config.repository_directory(), {},
                                                  [] { return kKey; });
        keeper = std::make_unique<StateKeeper>(
            clock, log, file_system, *state, [this] { return opened.get(); },
            daemon::StateKeeperOptions{});
    }

    void close() {
        keeper.reset();
        opened.reset();
        state.reset();
    }

    /// As when the machine is lost and the volume is not.
    void lose_machine() {
        close();
        std::filesystem::remove_all(config.data_directory);
    }

    std::string add_point() {
        repository::PointDraft draft;
        draft.vm_id = "vm";
        draft.vm_name = "web01";
        return opened->begin_point(draft)->commit().id;
    }

    daemon::World world() { return {clock, random, file_system, log}; }
    daemon::RestoredAppliance restore(const std::string& copy = {}) {
        return daemon::restore_appliance(
            world(), config, [] { return kKey; }, copy);
    }

    test::TemporaryDirectory directory;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    SystemRandom random;
    PosixFileSystem file_system;
    NullLog log;
    config::Config config;
    std::unique_ptr<state::State> state;
    std::unique_ptr<repository::Repository> opened;
    std::unique_ptr<StateKeeper> keeper;
};

}  // namespace

TEST_CASE("state copy: daily, and once changes have come to rest", "[state_copy]") {
    Scene scene;
    CHECK(scene.keeper->run_once(StateKeeper::Haste::wait_for_quiet));
    CHECK_FALSE(scene.keeper->run_once(StateKeeper::Haste::wait_for_quiet));

    for (int i = 0; i < 5; ++i) {
        scene.state->hosts.add(host_draft("hv0" + std::to_string(i)));
        CHECK_FALSE(scene.keeper->run_once(StateKeeper::Haste::wait_for_quiet));
        scene.clock.advance(1min);
    }
    scene.clock.advance(2min);
    CHECK(scene.keeper->run_once(StateKeeper::Haste::wait_for_quiet));
    CHECK_FALSE(scene.keeper->run_once(StateKeeper::Haste::now));
    CHECK(scene.opened->list_state_copies().size() == 2);

    scene.clock.advance(23h);
    CHECK_FALSE(scene.keeper->run_once(StateKeeper::Haste::wait_for_quiet));
    scene.clock.advance(1h);
    CHECK(scene.keeper->run_once(StateKeeper::Haste::wait_for_quiet));
    scene.state->hosts.add(host_draft("last"));
    CHECK(scene.keeper->run_once(StateKeeper::Haste::now));
    CHECK(scene.opened->list_state_copies().size() == 4);
}

TEST_CASE("state copy: the last ten stay, and each day's last of two weeks", "[state_copy]") {
    Scene scene;
    for (int day = 0; day < 30; ++day) {
        for (int i = 0; i < 2; ++i) {
            scene.opened->put_state_copy(as_bytes("state"));
            scene.clock.advance(12h);
        }
    }
    const auto copies = scene.opened->list_state_copies();
    // Ten of the last five days, one each of the nine before them.
    CHECK(copies.size() == 10 + 9);
    CHECK(copies.front().time > copies.back().time);
}

TEST_CASE("state copy: a fresh appliance, the repository and its key are everything again",
          "[state_copy]") {
    Scene scene;
    const std::string point = scene.add_point();
    const auto host = scene.state->hosts.add(host_draft("hv01"));
    const Secret password{std::string_view{"sesame-4711"}};
    scene.state->hosts.set_password(host.id, password, scene.opened->credential_key());
    jobs::JobRequest request;
    request.kind = "backup";
    request.subject = "web01";
    scene.state->jobs.insert("job-1", request, scene.clock.wall_now());
    scene.keeper->run_once(StateKeeper::Haste::now);

    // Nothing in the repository shows what the state holds.
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator{scene.config.repository_path / "states"}) {
        if (!entry.is_regular_file()) continue;
        const Bytes bytes = scene.file_system.read_file(entry.path(), kMiB);
        CHECK(as_text(bytes).find("hv01") == std::string_view::npos);
        CHECK(as_text(bytes).find("sesame") == std::string_view::npos);
    }

    scene.lose_machine();
    const auto restored = scene.restore();
    CHECK(restored.points == 1);
    CHECK(restored.hosts == 1);
    CHECK(restored.ended_jobs == 1);
    REQUIRE(restored.copy);
    CHECK_THROWS_AS(scene.restore(), Error);  // It is there already.

    scene.open();
    CHECK(scene.opened->find_point(point).id == point);
    CHECK(scene.state->hosts.list().at(0).draft.name == "hv01");
    CHECK(scene.state->hosts.read_password(host.id, scene.opened->credential_key()).reveal_text() ==
          "sesame-4711");
    CHECK(scene.state->jobs.find("job-1")->view.state == jobs::JobState::interrupted);
}

TEST_CASE("state copy: an older one is taken where the newest is damaged, or by name",
          "[state_copy]") {
    Scene scene;
    scene.keeper->run_once(StateKeeper::Haste::now);
    scene.clock.advance(1h);
    scene.state->hosts.add(host_draft("hv01"));
    scene.keeper->run_once(StateKeeper::Haste::now);
    const auto copies = scene.opened->list_state_copies();
    REQUIRE(copies.size() == 2);
    CHECK_THROWS_AS(scene.opened->read_state_copy("../../etc/passwd"), Error);
    scene.lose_machine();

    const bool is_by_name = GENERATE(true, false);
    if (!is_by_name) {
        const auto newest =
            scene.config.repository_path / "states" / copies[0].name.substr(0, 2) / copies[0].name;
        std::filesystem::resize_file(newest, std::filesystem::file_size(newest) - 1);
    }
    const auto restored = scene.restore(is_by_name ? copies[1].name : "");
    REQUIRE(restored.copy);
    CHECK(restored.copy->name == copies[1].name);
    CHECK(restored.hosts == 0);
}

TEST_CASE("state copy: without one the points are there all the same", "[state_copy]") {
    Scene scene;
    const std::string point = scene.add_point();
    scene.lose_machine();
    const auto restored = scene.restore();
    CHECK_FALSE(restored.copy);
    CHECK(restored.points == 1);
    scene.open();
    CHECK(scene.opened->find_point(point).id == point);
    CHECK(scene.state->settings.find(daemon::kRepositoryIdSetting)->get<std::string>() ==
          restored.repository_id);
}

// Our Samba as it is looked after: starts, deaths, changes, and what an earlier process left.
#include "appliance/share/samba_supervisor.h"

#include "tests/unit/share/fake_samba.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::share;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct SupervisorFixture {
    test::TemporaryDirectory directory;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    SeededRandom random{1};
    NullLog log;
    PosixFileSystem files;
    test::FakeTools tools;
    test::FakeStarter starter;
    bool is_port_taken = false;
    bool is_root = true;
    SambaPlaces places{directory.path() / "samba"};
    std::unique_ptr<SambaSupervisor> supervisor = make();

    SupervisorFixture() { files.make_directories(directory.path() / "exports"); }

    std::unique_ptr<SambaSupervisor> make() {
        return std::make_unique<SambaSupervisor>(
            SambaEnvironment{clock, random, log, files, tools, starter,
                             [this](const std::string&, std::uint16_t) { return is_port_taken; },
                             is_root},
            places);
    }
    WantedSamba wanted(const std::map<std::string, std::string>& accounts) const {
        WantedSamba wanted;
        wanted.settings.address = "192.0.2.7";
        wanted.settings.shares = {{"exports", directory.path() / "exports", {}}};
        for (const auto& [name, password] : accounts) {
            wanted.settings.shares[0].accounts.push_back(name);
            wanted.accounts.push_back({name, Secret{password}, "made with " + password});
        }
        return wanted;
    }
    /// Looks until it runs.
    void run(const WantedSamba& what) {
        supervisor->want(what);
        supervisor->look();
        supervisor->look();
        REQUIRE(supervisor->health().state == SambaState::running);
    }
    void die() { starter.lives.back()->runs = false; }
    SambaState state() const { return supervisor->health().state; }
    std::string read(const fs::path& file) {
        return std::string{as_text(files.read_file(file, kMiB))};
    }
};

}  // namespace

TEST_CASE("samba supervisor: without a share nothing is started", "[share]") {
    SupervisorFixture fixture;
    fixture.supervisor->want({});
    fixture.supervisor->look();
    CHECK(fixture.state() == SambaState::off);
    CHECK(fixture.starter.commands.empty());
    CHECK(fixture.supervisor->acted_on() == 1);
}

TEST_CASE("samba supervisor: it is started with few powers and runs when it answers", "[share]") {
    SupervisorFixture fixture;
    fixture.tools.answers_pings = false;
    const auto wish = fixture.supervisor->want(fixture.wanted({{"entrepot-share-01", "pass-1"}}));
    fixture.supervisor->look();
    CHECK(fixture.state() == SambaState::starting);
    CHECK(fixture.supervisor->acted_on() < wish);
    fixture.tools.answers_pings = true;
    fixture.supervisor->look();
    CHECK(fixture.state() == SambaState::running);
    CHECK(fixture.supervisor->acted_on() == wish);
    CHECK(!fixture.supervisor->life().empty());

    REQUIRE(fixture.starter.commands.size() == 1);
    const auto& words = fixture.starter.commands[0].arguments;
    CHECK(fixture.starter.commands[0].program == "setpriv");
    CHECK(words[0] == "--bounding-set=-all,+setuid,+setgid,+net_bind_service");
    CHECK(words.back() == "--configfile=" + fixture.places.smb_conf().string());
    CHECK(fixture.tools.accounts ==
          std::map<std::string, std::string>{{"entrepot-share-01", "pass-1"}});
    for (const Command& command : fixture.tools.commands) {
        for (const std::string& word : command.arguments)
            CHECK(word.find("pass-1") == std::string::npos);
    }
    CHECK(fixture.read(fixture.places.smb_conf()).find("pass-1") == std::string::npos);
    CHECK(fixture.files.find_status(fixture.places.directory / "private")->mode == 0700);
}

TEST_CASE("samba supervisor: what keeps it from starting is said, with what to do", "[share]") {
    SupervisorFixture fixture;
    std::string message;
    std::string hint;
    SECTION("no Samba") {
        fixture.starter.is_missing = true;
        message = "smbd is not there";
        hint = "samba";
    }
    SECTION("not root") {
        fixture.is_root = false;
        fixture.supervisor = fixture.make();
        message = "only be started by root";
        hint = "as root";
    }
    SECTION("another listener") {
        fixture.is_port_taken = true;
        message = "192.0.2.7:445";
        hint = "systemctl disable --now smbd";
    }
    SECTION("an account that can't run what answers for free space") {
        fixture.tools.can_run_script = false;
        message = ".free-space";
        hint = "noexec";
    }
    SECTION("no system account") {
        fixture.tools.smbpasswd_failure = "Failed to add entry for user entrepot-share-01.";
        message = "Failed to add entry";
        hint = "entrepot share setup";
    }
    const auto wish = fixture.supervisor->want(fixture.wanted({{"entrepot-share-01", "p"}}));
    fixture.supervisor->look();
    const SambaHealth health = fixture.supervisor->health();
    CHECK(health.state == SambaState::failed);
    CHECK(health.message.find(message) != std::string::npos);
    CHECK(health.hint.find(hint) != std::string::npos);
    CHECK(fixture.starter.lives.empty());
    CHECK(fixture.supervisor->acted_on() == wish);
}

TEST_CASE("samba supervisor: it is started again when it dies, ever later", "[share]") {
    SupervisorFixture fixture;
    fixture.run(fixture.wanted({{"entrepot-share-01", "p"}}));
    const std::string first_life = fixture.supervisor->life();
    for (const auto delay : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        const std::size_t before = fixture.starter.lives.size();
        fixture.die();
        fixture.supervisor->look();
        CHECK(fixture.state() == SambaState::failed);
        CHECK(fixture.supervisor->life().empty());
        fixture.clock.advance(delay - 1ms);
        fixture.supervisor->look();
        CHECK(fixture.starter.lives.size() == before);
        fixture.clock.advance(1ms);
        fixture.supervisor->look();
        CHECK(fixture.starter.lives.size() == before + 1);
        fixture.supervisor->look();
        CHECK(fixture.state() == SambaState::running);
    }
    CHECK(fixture.supervisor->life() != first_life);
    CHECK(fixture.supervisor->health().restart_count == 8);
    CHECK(fixture.supervisor->health().message.empty());

    // One that lived well is no bad sign.
    fixture.clock.advance(61s);
    fixture.supervisor->look();
    fixture.die();
    fixture.supervisor->look();
    fixture.clock.advance(1s);
    fixture.supervisor->look();
    fixture.supervisor->look();
    CHECK(fixture.state() == SambaState::running);
}

TEST_CASE("samba supervisor: one that does not answer is ended and started again", "[share]") {
    SupervisorFixture fixture;
    fixture.run(fixture.wanted({{"entrepot-share-01", "p"}}));
    fixture.starter.lives[0]->is_stubborn = true;
    fixture.tools.answers_pings = false;
    for (int look = 0; look < 3; ++look) {
        CHECK(fixture.state() == SambaState::running);
        fixture.clock.advance(11s);
        fixture.supervisor->look();
    }
    CHECK(fixture.state() == SambaState::failed);
    CHECK(fixture.starter.lives[0]->asked_to_end == 1);
    CHECK(fixture.starter.lives[0]->killed == 1);
    CHECK(fixture.supervisor->health().message.find("does not answer") != std::string::npos);
    CHECK(fixture.supervisor->life().empty());
    fixture.tools.answers_pings = true;
    fixture.clock.advance(2s);
    fixture.supervisor->look();
    fixture.supervisor->look();
    CHECK(fixture.state() == SambaState::running);

    SECTION("nor does one that never answered") {
        fixture.die();
        fixture.tools.answers_pings = false;
        fixture.supervisor->look();
        fixture.clock.advance(5s);
        fixture.supervisor->look();
        CHECK(fixture.state() == SambaState::starting);
        fixture.clock.advance(21s);
        fixture.supervisor->look();
        CHECK(fixture.state() == SambaState::failed);
    }
}

TEST_CASE("samba supervisor: a change is told, and only changed logins end", "[share]") {
    SupervisorFixture fixture;
    fixture.run(fixture.wanted({{"entrepot-share-01", "one"}, {"entrepot-share-02", "two"}}));
    fixture.tools.logged_in = {{"11", "entrepot-share-01"}, {"12", "entrepot-share-02"}};
    SECTION("an account more") {
        fixture.run(fixture.wanted({{"entrepot-share-01", "one"},
                                    {"entrepot-share-02", "two"},
                                    {"entrepot-share-03", "three"}}));
        CHECK(fixture.tools.logged_in.size() == 2);
        CHECK(fixture.tools.accounts.size() == 3);
    }
    SECTION("another password") {
        fixture.run(fixture.wanted({{"entrepot-share-01", "new"}, {"entrepot-share-02", "two"}}));
        CHECK(fixture.tools.accounts["entrepot-share-01"] == "new");
        CHECK(fixture.tools.logged_in ==
              std::map<std::string, std::string>{{"12", "entrepot-share-02"}});
    }
    SECTION("an account less") {
        fixture.run(fixture.wanted({{"entrepot-share-02", "two"}}));
        CHECK(fixture.tools.accounts.size() == 1);
        CHECK(fixture.tools.logged_in.size() == 1);
    }
    SECTION("another share for an account") {
        WantedSamba wanted =
            fixture.wanted({{"entrepot-share-01", "one"}, {"entrepot-share-02", "two"}});
        wanted.settings.shares[0].accounts.pop_back();
        fixture.run(wanted);
        CHECK(fixture.tools.logged_in ==
              std::map<std::string, std::string>{{"11", "entrepot-share-01"}});
    }
    CHECK(fixture.tools.count("smbcontrol", "reload-config") == 1);
    CHECK(fixture.starter.lives.size() == 1);
}

TEST_CASE("samba supervisor: a change that fails is tried again, others are served on", "[share]") {
    SupervisorFixture fixture;
    fixture.run(fixture.wanted({{"entrepot-share-01", "one"}}));
    fixture.tools.takes_reload = false;
    fixture.supervisor->want(fixture.wanted({{"entrepot-share-01", "two"}}));
    fixture.supervisor->look();
    CHECK(fixture.state() == SambaState::running);
    CHECK(fixture.supervisor->health().message.find("new configuration") != std::string::npos);
    fixture.tools.takes_reload = true;
    fixture.supervisor->look();
    CHECK(fixture.supervisor->health().message.empty());
    CHECK(fixture.starter.lives.size() == 1);
}

TEST_CASE("samba supervisor: another address takes another start", "[share]") {
    SupervisorFixture fixture;
    WantedSamba wanted = fixture.wanted({{"entrepot-share-01", "one"}});
    fixture.run(wanted);
    wanted.settings.port = 4450;
    fixture.run(wanted);
    CHECK(fixture.starter.lives.size() == 2);
    CHECK(fixture.starter.lives[0]->asked_to_end == 1);
    CHECK(fixture.supervisor->health().restart_count == 0);
}

TEST_CASE("samba supervisor: one that outlived its daemon is taken over", "[share]") {
    SupervisorFixture fixture;
    const WantedSamba wanted = fixture.wanted({{"entrepot-share-01", "one"}});
    fixture.run(wanted);
    const std::string life = fixture.supervisor->life();
    fixture.supervisor = fixture.make();
    fixture.is_port_taken = true;  // By itself.

    SECTION("and goes on") {
        fixture.run(wanted);
        CHECK(fixture.starter.lives.size() == 1);
        CHECK(fixture.supervisor->life() == life);
        fixture.die();
        fixture.supervisor->look();
        CHECK(fixture.state() == SambaState::failed);
    }
    SECTION("but not with a login that was changed in between") {
        fixture.tools.logged_in = {{"11", "entrepot-share-01"}};
        fixture.run(fixture.wanted({{"entrepot-share-01", "new"}}));
        CHECK(fixture.starter.lives.size() == 1);
        CHECK(fixture.tools.logged_in.empty());
    }
    SECTION("and ended if nothing is served any more") {
        fixture.supervisor->want({});
        fixture.supervisor->look();
        CHECK(fixture.state() == SambaState::off);
        CHECK(!fixture.starter.lives[0]->runs);
    }
    SECTION("but not if its id is somebody else's now") {
        fixture.starter.lives[0]->id = 77;
        fixture.is_port_taken = false;
        fixture.run(wanted);
        CHECK(fixture.starter.lives.size() == 2);
        CHECK(fixture.starter.lives[0]->asked_to_end == 0);
    }
    SECTION("nor from a record that is none") {
        fs::remove(fixture.places.process_file());
        const char* text = GENERATE("{\"process\":[]}", "{", "{\"process\":1000}");
        fixture.files.create(fixture.places.process_file())
            ->write(0, as_bytes(std::string_view{text}));
        fixture.is_port_taken = false;
        fixture.run(wanted);
        CHECK(fixture.starter.lives.size() == 2);
    }
}

TEST_CASE("samba supervisor: in the end no process and no password is left", "[share]") {
    SupervisorFixture fixture;
    fixture.run(fixture.wanted({{"entrepot-share-01", "one"}}));
    fixture.starter.lives[0]->is_stubborn = GENERATE(false, true);
    fixture.supervisor->shut_down();
    CHECK(!fixture.starter.lives[0]->runs);
    CHECK(fixture.state() == SambaState::off);
    CHECK(!fs::exists(fixture.places.directory / "private"));
    CHECK(!fs::exists(fixture.places.process_file()));
}

// What is wrong with the appliance itself: each cause comes, says what to do, and goes.
#include "tests/unit/api/api_fixture.h"
#include "tests/unit/backup/memory_repository.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace entrepot;
using api::Method;
using api::Privilege;
using namespace std::chrono_literals;

namespace {

class WarningFixture : public test::ApiFixture {
public:
    WarningFixture() : stored(clock) {
        services.repository = [this]() -> repository::Repository& { return stored; };
        for (const char* kind : {"gc", "prune"}) {
            engine.register_handler(kind, [this](jobs::JobContext&) -> jobs::JobOutcome {
                if (fails) throw Error{ErrorCode::no_space, "the disk is full"};
                return {};
            });
        }
    }

    Json list(Privilege role = Privilege::administrator) {
        const auto response = send(Method::get, "/api/v1/warnings", {}, role);
        REQUIRE(response.status == 200);
        const Json warnings = parse_json(response.body, "answer").at("warnings");
        for (const Json& warning : warnings)
            CHECK_FALSE(warning.at("hint").get<std::string>().empty());
        return warnings;
    }

    std::vector<std::string> ids(Privilege role = Privilege::administrator) {
        std::vector<std::string> ids;
        for (const Json& warning : list(role))
            ids.push_back(warning.at("id"));
        return ids;
    }

    std::string run(const std::string& kind, const std::string& subject) {
        jobs::JobRequest request;
        request.kind = kind;
        request.subject = subject;
        const std::string id = engine.enqueue(request);
        engine.run_here(id);
        return id;
    }

    test::MemoryRepository stored;
    bool fails = false;
};

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("warnings: there are none where nothing is wrong", "[api]") {
    WarningFixture fixture;
    fixture.services.certificate_end = [&] { return fixture.clock.wall_now() + 24h * 31; };
    fixture.run("gc", "repository");
    CHECK(fixture.ids().empty());
}

TEST_CASE("warnings: the console's certificate, thirty days before it ends (F-WB-21)", "[api]") {
    WarningFixture fixture;
    const WallTime end = fixture.clock.wall_now() + 24h * 31;
    fixture.services.certificate_end = [end] { return end; };
    CHECK(fixture.ids().empty());
    fixture.clock.advance(25h);
    CHECK(fixture.ids() == Ids{"certificate.ends"});
    CHECK(fixture.list().at(0).at("severity") == "warning");
    fixture.clock.advance(24h * 30);
    CHECK(fixture.list().at(0).at("severity") == "bad");
    fixture.services.certificate_end = []() -> std::optional<WallTime> {
        throw Error{ErrorCode::invalid, "no certificate in PEM"};
    };
    CHECK(fixture.ids() == Ids{"certificate.ends"});
}

TEST_CASE("warnings: what keeps the repository from being what it should be", "[api]") {
    WarningFixture fixture;
    fixture.stored.frozen = "the clock was set back by 3 days";
    CHECK(fixture.ids() == Ids{"repository.deletion-frozen"});
    fixture.stored.damaged_chunks = 2;
    CHECK(fixture.ids() == Ids{"repository.damaged-chunks", "repository.deletion-frozen"});
    fixture.stored.frozen.clear();
    fixture.stored.damaged_chunks = 0;
    fixture.stored.state_copies = {{"a", fixture.clock.wall_now(), 1}};
    fixture.clock.advance(24h * 3);
    CHECK(fixture.ids().empty());
    fixture.clock.advance(1h);
    CHECK(fixture.ids() == Ids{"repository.state-copy-old"});
    fixture.stored.state_copies.clear();
    CHECK(fixture.ids().empty());  // Nothing was there to be copied.
}

TEST_CASE("warnings: upkeep that failed, until it succeeded or is history", "[api]") {
    WarningFixture fixture;
    fixture.fails = true;
    const std::string gc = fixture.run("gc", "repository");
    fixture.clock.advance(1min);
    fixture.run("prune", "web01 on hv01");
    fixture.clock.advance(1min);
    fixture.run("prune", "db01 on hv01");
    CHECK(fixture.ids() == Ids{"job.gc-failed", "job.prune-failed"});
    const Json warnings = fixture.list();
    CHECK(warnings.at(0).at("job") == gc);
    CHECK(warnings.at(0).at("text") == "repository: the disk is full");
    CHECK(warnings.at(1).at("text") == "db01 on hv01 (and 1 more): the disk is full");

    fixture.fails = false;
    fixture.clock.advance(1min);
    fixture.run("gc", "repository");
    fixture.run("prune", "db01 on hv01");
    CHECK(fixture.list().at(0).at("text") == "web01 on hv01: the disk is full");
    fixture.clock.advance(24h * 15);
    CHECK(fixture.ids().empty());
}

TEST_CASE("warnings: failures of before the start are known, cancelled jobs are none", "[api]") {
    WarningFixture fixture;
    fixture.fails = true;
    fixture.run("gc", "repository");
    jobs::JobRequest request;
    request.kind = "prune";
    request.subject = "web01 on hv01";
    fixture.engine.cancel(fixture.engine.enqueue(request));
    CHECK(fixture.ids() == Ids{"job.gc-failed"});
}

TEST_CASE("warnings: many refused logins, for administrators alone (F-WB-01)", "[api]") {
    WarningFixture fixture;
    fixture.access.add_user("ada", Privilege::administrator, Secret{"four words in a row"});
    const auto guess = [&](const std::string& name, const std::string& address) {
        fixture.access.sign_in(name, Secret{"wrong"}, {address, ""});
        fixture.clock.advance(16min);
    };
    for (int i = 0; i < 9; ++i)
        guess("ada", "192.0.2.66");
    CHECK(fixture.ids().empty());
    guess("eve", "192.0.2.66");
    CHECK(fixture.ids() == Ids{"login.refused-address"});
    CHECK(fixture.list().at(0).at("text") == "10 logins in a row were refused from 192.0.2.66");
    guess("ada", "192.0.2.67");
    CHECK(fixture.ids().size() == 2);
    CHECK(fixture.ids(Privilege::operator_).empty());
    fixture.access.sign_in("ada", Secret{"four words in a row"}, {"192.0.2.1", ""});
    CHECK(fixture.ids() == Ids{"login.refused-address"});
    fixture.clock.advance(25h);
    CHECK(fixture.ids().empty());
}

TEST_CASE("warnings: the metrics have them by id", "[api]") {
    WarningFixture fixture;
    fixture.stored.damaged_chunks = 1;
    const std::string metrics = fixture.send(Method::get, "/metrics").body;
    CHECK(metrics.find("entrepot_warnings{id=\"repository.damaged-chunks\"} 1\n") !=
          std::string::npos);
}

TEST_CASE("warnings: a file server that cannot run", "[api]") {
    WarningFixture fixture;
    const auto path = fixture.directory.path() / "exports";
    std::filesystem::create_directory(path);
    fixture.file_system.set_access(path, {.mode = 0755});
    fixture.file_system.set_access(fixture.directory.path(), {.mode = 0711});
    const Json body{{"name", "exports"}, {"path", path.string()}, {"managed", true}};
    REQUIRE(fixture.send(Method::post, "/api/v1/shares", dump_json(body)).status == 201);
    fixture.managed_shares.start();
    fixture.managed_shares.refresh();  // Returns when it was acted on.
    CHECK(fixture.ids() == Ids{"share.server-down"});
    fixture.managed_shares.stop();
}

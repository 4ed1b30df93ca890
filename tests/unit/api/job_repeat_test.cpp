// Jobs that are repeated or ended by others than those who asked for them: what a job's own
// operation asks for, its repetition asks for, too.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using api::Method;
using api::Privilege;

namespace {

class RepeatFixture : public test::ApiFixture {
public:
    RepeatFixture() {
        for (const auto& operation : contract.operations()) {
            if (operation.job_kind.empty()) continue;
            engine.register_handler(operation.job_kind,
                                    [](jobs::JobContext&) { return jobs::JobOutcome{}; });
        }
        config.restore_directory = directory.path() / "restored";
    }

    /// A job that has ended, of which nobody knows who asked for it.
    std::string ended(const std::string& kind, const Json& parameters = Json::object()) {
        jobs::JobRequest request;
        request.kind = kind;
        request.subject = "something";
        request.parameters = parameters;
        request.requested_by = "command line";
        const std::string id = engine.enqueue(request);
        engine.cancel(id);
        return id;
    }

    api::Response repeat(const std::string& id, Privilege role, bool is_confirmed = true,
                         const std::string& key = {}) {
        api::Request request;
        request.method = Method::post;
        request.path = "/api/v1/jobs/" + id + "/retry";
        request.user.name = "bob";
        request.user.privilege = role;
        request.user.via = access::Via::session;
        request.user.is_confirmed = is_confirmed;
        if (!key.empty()) request.headers["idempotency-key"] = key;
        return router.dispatch(std::move(request));
    }
};

Json job_of(const api::Response& response) {
    return parse_json(response.body, "answer").at("job");
}

}  // namespace

TEST_CASE("job repeat: each kind takes the role and the password of the operation that starts it",
          "[api]") {
    RepeatFixture fixture;
    std::size_t kind_count = 0;
    for (const auto& operation : fixture.contract.operations()) {
        if (operation.job_kind.empty()) continue;
        ++kind_count;
        const std::string inside = (fixture.config.restore_directory / "a.vhdx").string();
        const std::string id = fixture.ended(operation.job_kind, {{"to", inside}});
        for (const Privilege role :
             {Privilege::restore_operator, Privilege::operator_, Privilege::administrator}) {
            INFO(operation.job_kind << " as " << to_string(role));
            const bool is_allowed = role >= operation.privilege;
            CHECK(fixture.repeat(id, role).status == (is_allowed ? 202 : 403));
            const bool needs_password = operation.needs_confirmation;
            CHECK(fixture.repeat(id, role, false).status ==
                  (is_allowed && !needs_password ? 202 : 403));
        }
    }
    CHECK(kind_count == 11);
}

TEST_CASE("job repeat: what would destroy is in the audit log before it runs", "[api]") {
    RepeatFixture fixture;
    const std::string id = fixture.ended("prune", {{"keep_last", 1}});
    const auto unconfirmed = fixture.repeat(id, Privilege::administrator, false);
    CHECK(parse_json(unconfirmed.body, "answer").at("type") ==
          std::string{api::kConfirmationProblem});
    CHECK(fixture.repeat(id, Privilege::administrator).status == 202);
    const auto entries = fixture.access.audit.list({.action = "startPrune"});
    REQUIRE(entries.size() == 1);
    CHECK(entries.front().draft.result == "asked");
    CHECK(entries.front().draft.object == id);
}

TEST_CASE("job repeat: who repeats it asked for it", "[api]") {
    RepeatFixture fixture;
    const std::string id = fixture.ended("backup", {{"vm", "x"}});
    const Json job = job_of(fixture.repeat(id, Privilege::operator_));
    CHECK(job.at("requested_by") == "bob");
    CHECK(job.at("parameters") == Json{{"vm", "x"}});
}

TEST_CASE("job repeat: over the network no other place of the appliance is reached", "[api]") {
    RepeatFixture fixture;
    const auto inside = (fixture.config.restore_directory / "a.vhdx").string();
    const auto status = [&](const std::string& kind, const Json& parameters) {
        return fixture.repeat(fixture.ended(kind, parameters), Privilege::administrator).status;
    };
    CHECK(status("restore_disk", {{"to", "/etc/cron.d/job"}}) == 403);
    CHECK(status("restore_disk", {{"to", inside}}) == 202);
    CHECK(status("ingest", {{"paths", {"/var/lib/other/disk.vhdx"}}}) == 403);
    CHECK(status("doctor", {{"host", "x"}, {"record", "/root"}}) == 403);
    CHECK(status("doctor", {{"host", "x"}}) == 202);
}

TEST_CASE("job repeat: sent again with its key it makes no second job (F-WB-22)", "[api]") {
    RepeatFixture fixture;
    const std::string id = fixture.ended("backup");
    const auto again = [&](const std::string& key) {
        return job_of(fixture.repeat(id, Privilege::operator_, true, key)).at("id");
    };
    const Json first = again("k1");
    CHECK(again("k1") == first);
    CHECK(again("k2") != first);
    CHECK(fixture.repeat(id, Privilege::operator_, true, "with a blank").status == 400);
}

TEST_CASE("job cancel: whoever may start such jobs ends them, an operator all", "[api]") {
    RepeatFixture fixture;
    const auto cancel = [&](const std::string& kind, Privilege role) {
        jobs::JobRequest request;
        request.kind = kind;
        request.subject = "something";
        const std::string path = "/api/v1/jobs/" + fixture.engine.enqueue(request) + "/cancel";
        return fixture.send(Method::post, path, {}, role).status;
    };
    CHECK(cancel("restore_vm", Privilege::restore_operator) == 202);
    CHECK(cancel("backup", Privilege::restore_operator) == 403);
    CHECK(cancel("restore_vm", Privilege::viewer) == 403);
    CHECK(cancel("gc", Privilege::operator_) == 202);
}

TEST_CASE("ingests: over the network only from shares and one folder of the configuration",
          "[api]") {
    RepeatFixture fixture;
    const auto here = fixture.directory.path();
    for (const char* name : {"exports", "exports-other", "inbox"})
        std::filesystem::create_directories(here / name / "run");
    std::filesystem::create_directory_symlink("/etc", here / "exports" / "away");
    fixture.send(Method::post, "/api/v1/shares",
                 dump_json({{"name", "exports"},
                            {"unc", "\\\\appliance\\exports"},
                            {"path", (here / "exports").string()}}));
    const auto status = [&](const std::filesystem::path& path) {
        const Json body{{"vm", "web01"}, {"paths", {path.string()}}};
        return fixture.send(Method::post, "/api/v1/ingests", dump_json(body), Privilege::operator_)
            .status;
    };
    CHECK(status("/var/lib/other/disk.vhdx") == 202);  // Asked on the appliance itself.
    fixture.is_local = false;
    CHECK(status(here / "exports" / "run") == 202);
    for (const auto& path :
         {here / "exports", here / "exports-other" / "run", here / "exports" / ".." / "inbox",
          here / "exports" / "away" / "passwd", here / "inbox" / "run",
          std::filesystem::path{"/var/lib/other/disk.vhdx"}}) {
        INFO(path);
        CHECK(status(path) == 403);
    }
    fixture.config.ingest_directory = here / "inbox";
    CHECK(status(here / "inbox" / "run" / "disk.vhdx") == 202);
}

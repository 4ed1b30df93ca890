// Arguments, exit statuses, questions, one document on standard output.
#include "tests/unit/ctl/fake_terminal.h"

#include "appliance/api/openapi.h"
#include "appliance/api/problem.h"
#include "appliance/ctl/age.h"
#include "appliance/ctl/own_client.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using test::Shell;

namespace {

const std::string kId = "0123456789abcdef0123456789abcdef";

Json job(const std::string& state, const Json& result = nullptr, const Json& error = nullptr) {
    return {
        {"id", "j1"},      {"kind", "verify"},       {"subject", "all points"}, {"state", state},
        {"stage", "read"}, {"done_bytes", 5},        {"total_bytes", 10},       {"result", result},
        {"error", error},  {"events", Json::array()}};
}

Json point() {
    return {{"id", kId},
            {"vm", {{"name", "web01"}}},
            {"time", "2026-03-01T11:00:00.000Z"},
            {"kind", "full"}};
}

}  // namespace

TEST_CASE("run: what cannot be parsed is a usage error, help is none", "[ctl]") {
    Shell shell;
    CHECK(shell.run({"--help"}) == 0);
    CHECK(shell.terminal.out_text().find("backup") != std::string::npos);
    CHECK(shell.run({}) == 2);
    CHECK(shell.run({"frobnicate"}) == 2);
    CHECK(shell.run({"restore", "disk", "p"}) == 2);
    CHECK(shell.run({"verify", "--depth", "deep"}) == 2);
    CHECK(shell.run({"prune"}) == 2);
    CHECK(shell.run({"backup"}) == 2);
    CHECK(shell.run({"backup", "web01", "--all"}) == 2);
    CHECK(shell.appliance.requests.empty());
}

TEST_CASE("run: with --json a usage error is a document, too", "[ctl]") {
    Shell shell;
    CHECK(shell.run({"point", "frobnicate", "--json"}) == 2);
    const Json document = parse_json(shell.terminal.out_text(), "output");
    CHECK(document.at("error").at("code") == "usage");
    CHECK(shell.terminal.err_text().empty());
}

TEST_CASE("run: global options stand before or after the command", "[ctl]") {
    const auto arguments = GENERATE(std::vector<std::string>{"--json", "info"},
                                    std::vector<std::string>{"info", "--json"});
    Shell shell;
    shell.appliance.expect(200, {{"points", 3}});
    CHECK(shell.run(arguments) == 0);
    CHECK(parse_json(shell.terminal.out_text(), "output").at("points") == 3);
}

TEST_CASE("run: a key of one's own goes with what starts jobs, and with nothing else", "[ctl]") {
    Shell shell;
    shell.appliance.expect(202, {{"job", job("done", Json{{"freed_bytes", 0}})}});
    shell.appliance.expect(200, job("done", Json{{"freed_bytes", 0}}));
    CHECK(shell.run({"gc", "--once", "gc-of-the-week"}) == 0);
    REQUIRE(shell.appliance.requests.size() == 2);
    CHECK(shell.appliance.requests.at(0).header("idempotency-key") == "gc-of-the-week");
    CHECK(shell.appliance.requests.at(1).header("idempotency-key").empty());
}

TEST_CASE("host change: only what was said, with the password where it must be given anew",
          "[ctl]") {
    const Json host{{"name", "hv01"}, {"user", "HV01\\backup"}, {"secret", "password"}};
    const auto change = [&](const std::vector<std::string>& options, const std::string& password) {
        Shell shell;
        shell.terminal.is_person = true;
        shell.terminal.answers = {password};
        shell.appliance.expect(200, host);
        shell.appliance.expect(200, host);
        std::vector<std::string> arguments{"host", "change", "hv01"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        CHECK(shell.run(arguments) == 0);
        REQUIRE(shell.appliance.requests.size() == 2);
        CHECK(shell.appliance.requests.at(1).method == api::Method::patch);
        CHECK(shell.appliance.requests.at(1).path == "/api/v1/hosts/hv01");
        return parse_json(shell.appliance.requests.at(1).body, "body");
    };
    CHECK(change({"--rename", "hv-01", "--share", "exports"}, "unasked") ==
          Json{{"name", "hv-01"}, {"share", "exports"}});
    CHECK(change({"--pin", "ab"}, "secret") == Json{{"pin", "ab"}, {"password", "secret"}});
    CHECK(change({"--system-ca"}, "secret") ==
          Json{{"pin", ""}, {"ca", ""}, {"password", "secret"}});

    Shell shell;
    shell.appliance.expect(200, host);
    CHECK(shell.run({"host", "change", "hv01"}) == 2);
}

TEST_CASE("job list: asks for what it was told, and shows where a job failed", "[ctl]") {
    Shell shell;
    shell.appliance.expect(200, {{"jobs", Json::array()}, {"next_cursor", nullptr}});
    CHECK(shell.run({"job", "list", "--kind", "backup", "--vm", kId, "--host", "hv01"}) == 0);
    CHECK(shell.appliance.requests.at(0).query ==
          std::map<std::string, std::string>{{"kind", "backup"}, {"vm", kId}, {"host", "hv01"}});
    Shell failed;
    failed.appliance.expect(200, job("failed", nullptr,
                                     {{"code", "io"},
                                      {"message", "the share is gone"},
                                      {"hint", "Mount it."},
                                      {"context", {"exporting web01"}}}));
    CHECK(failed.run({"job", "show", "j1"}) == 0);
    const std::string text = failed.terminal.out_text();
    for (const char* line : {"Failed in     read", "Error         the share is gone",
                             "While         exporting web01", "Hint          Mount it."}) {
        CHECK(text.find(line) != std::string::npos);
    }
}

TEST_CASE("policy change: what is not named is said as it was", "[ctl]") {
    const Json policy{
        {"name", "nightly"},         {"vms", {"web*"}},
        {"calendar", "*-*-* 01:30"}, {"consistency", "crash"},
        {"full_every", 30},          {"retention", {{"keep_last", 3}, {"keep_daily", 7}}},
        {"next_runs", Json::array()}};
    const auto change = [&](const std::vector<std::string>& options) {
        Shell shell;
        shell.appliance.expect(200, policy);
        shell.appliance.expect(200, policy);
        std::vector<std::string> arguments{"policy", "change", "nightly"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        CHECK(shell.run(arguments) == 0);
        REQUIRE(shell.appliance.requests.size() == 2);
        CHECK(shell.appliance.requests.at(1).method == api::Method::put);
        return parse_json(shell.appliance.requests.at(1).body, "body");
    };
    Json same = policy;
    same.erase("next_runs");
    CHECK(change({}) == same);
    Json wanted = same;
    wanted["calendar"] = "hourly";
    wanted["full_every"] = 0;
    wanted["retention"] = {{"keep_weekly", 4}};
    CHECK(change({"--calendar", "hourly", "--full-every", "0", "--keep-weekly", "4"}) == wanted);
}

TEST_CASE("warnings: each with what to do and its job; none is a sentence", "[ctl]") {
    Shell shell;
    shell.appliance.expect(200, {{"warnings", Json::array({{{"id", "job.gc-failed"},
                                                            {"severity", "bad"},
                                                            {"text", "the disk is full"},
                                                            {"hint", "Make room."},
                                                            {"job", kId}}})},
                                 {"next_cursor", nullptr}});
    CHECK(shell.run({"warnings"}) == 0);
    const std::string text = shell.terminal.out_text();
    CHECK(text.find("bad:     the disk is full (job.gc-failed)") != std::string::npos);
    CHECK(text.find("Make room.") != std::string::npos);
    CHECK(text.find("entrepot job show 0123456789ab") != std::string::npos);

    Shell fine;
    fine.appliance.expect(200, {{"warnings", Json::array()}, {"next_cursor", nullptr}});
    CHECK(fine.run({"warnings"}) == 0);
    CHECK(fine.terminal.out_text().find("Nothing is wrong") != std::string::npos);
}

TEST_CASE("growth: days as a table, and when space runs out; or why nobody knows", "[ctl]") {
    const Json sample{{"time", "2026-03-01T11:00:00.000Z"},
                      {"stored_bytes", 2048},
                      {"logical_bytes", 8192},
                      {"points", 3},
                      {"free_bytes", nullptr},
                      {"capacity_bytes", nullptr}};
    Shell known;
    known.appliance.expect(200, {{"samples", Json::array({sample})},
                                 {"bytes_per_day", 1024},
                                 {"full_at", "2026-09-01T00:00:00.000Z"},
                                 {"based_on_days", 30},
                                 {"reason", nullptr}});
    CHECK(known.run({"growth", "--days", "5"}) == 0);
    CHECK(known.appliance.requests.at(0).query_value("days") == "5");
    CHECK(known.terminal.out_text().find("2026-03-01  2.0 KiB") != std::string::npos);
    CHECK(known.terminal.out_text().find(
              "1.0 KiB more a day, by the last 30 days: full about 2026-09-01") !=
          std::string::npos);

    Shell unknown;
    unknown.appliance.expect(200, {{"samples", Json::array()},
                                   {"bytes_per_day", nullptr},
                                   {"full_at", nullptr},
                                   {"based_on_days", 0},
                                   {"reason", "nothing was recorded yet"}});
    CHECK(unknown.run({"growth"}) == 0);
    CHECK(unknown.terminal.out_text() == "No forecast: nothing was recorded yet\n");
    CHECK(Shell{}.run({"growth", "--days", "0"}) == 2);
}

TEST_CASE("run: an error of the appliance keeps message, hint and status", "[ctl]") {
    Shell shell;
    const Error error{ErrorCode::corrupt, "pack 7 is damaged", "run verify"};
    shell.appliance.answers.push_back(api::problem(error));
    CHECK(shell.run({"info"}) == 4);
    CHECK(shell.terminal.out_text().empty());
    CHECK(shell.terminal.err_text().find("pack 7 is damaged") != std::string::npos);
    CHECK(shell.terminal.err_text().find("hint: run verify") != std::string::npos);
}

TEST_CASE("run: a job is followed to its end, damage is exit status 4", "[ctl]") {
    Shell shell;
    const Json damage{{"disk", 0}, {"offset", 65536}, {"length", 65536}, {"reason", "digest"}};
    const Json result{{"points", {{{"id", kId}, {"result", "damaged"}, {"damage", {damage}}}}}};
    shell.appliance.expect(202, {{"job", job("queued")}});
    shell.appliance.expect(200, job("running"));
    shell.appliance.expect(200, job("done", result));
    CHECK(shell.run({"verify", "--read-data", "--json"}) == 4);
    CHECK(parse_json(shell.terminal.out_text(), "output") == result);
    CHECK(shell.terminal.err_text().empty());
    CHECK(parse_json(shell.appliance.requests.at(0).body, "body").at("depth") == "data");
    CHECK(shell.appliance.requests.at(1).path == "/api/v1/jobs/j1");
}

TEST_CASE("run: partly done is exit status 3, failed 1 with the job's error", "[ctl]") {
    Shell shell;
    shell.appliance.expect(202, {{"job", job("queued")}});
    shell.appliance.expect(200, job("partly", {{"points", Json::array()}}));
    CHECK(shell.run({"verify"}) == 3);
    const Json error{{"code", "no_space"}, {"message", "the disk is full"}, {"hint", ""}};
    shell.appliance.expect(202, {{"job", job("queued")}});
    shell.appliance.expect(200, job("failed", nullptr, error));
    CHECK(shell.run({"gc"}) == 1);
    CHECK(shell.terminal.err_text().find("the disk is full") != std::string::npos);
}

TEST_CASE("run: gc --dry-run says of each pack what would be done and why", "[ctl]") {
    Shell shell;
    const Json result{{"freed_bytes", 3 * kMiB},
                      {"waste_bytes", kMiB},
                      {"packs_not_told", 7},
                      {"packs",
                       {{{"pack", std::string(32, 'a')},
                         {"fate", "compacted"},
                         {"reason", "points need 12 % of it, less than 60 %"},
                         {"size_bytes", 4 * kMiB},
                         {"dead_bytes", 3 * kMiB}}}}};
    shell.appliance.expect(202, {{"job", job("queued")}});
    shell.appliance.expect(200, job("done", result));
    CHECK(shell.run({"gc", "--dry-run"}) == 0);
    CHECK(parse_json(shell.appliance.requests.at(0).body, "body").at("dry_run") == true);
    const std::string text = shell.terminal.out_text();
    for (const char* words :
         {"aaaaaaaaaaaa  4.0 MiB  3.0 MiB  would be compacted",
          "points need 12 % of it, less than 60 %", "and 7 packs with less waste",
          "3.0 MiB would be freed, 1.0 MiB of waste would stay"}) {
        INFO(text);
        CHECK(text.find(words) != std::string::npos);
    }
    Shell other;
    other.appliance.expect(202, {{"job", job("queued")}});
    other.appliance.expect(200, job("done", result));
    CHECK(other.run({"gc", "--dry-run", "--json"}) == 0);
    CHECK(parse_json(other.terminal.out_text(), "output") == result);
}

TEST_CASE("run: several backups end with what each of them did", "[ctl]") {
    Shell shell;
    const Json error{{"code", "unreachable"}, {"message", "no answer"}, {"hint", ""}};
    Json second = job("queued");
    second["id"] = "j2";
    shell.appliance.expect(202, {{"jobs", {job("queued"), second}}});
    shell.appliance.expect(200, job("done", {{"point", kId}}));
    shell.appliance.expect(200, job("failed", nullptr, error));
    CHECK(shell.run({"backup", "--all", "--json"}) == 3);
    const Json document = parse_json(shell.terminal.out_text(), "output");
    CHECK(document.at("points").at(0).at("point") == kId);
    CHECK(document.at("failed").at(0).at("error").at("code") == "unreachable");
}

TEST_CASE("run: a point is deleted only after a yes", "[ctl]") {
    Shell shell;
    shell.appliance.expect(200, point());
    CHECK(shell.run({"point", "delete", "0123"}) == 2);
    CHECK(shell.appliance.requests.size() == 1);

    shell.terminal.is_person = true;
    shell.terminal.answers = {"n"};
    shell.appliance.expect(200, point());
    CHECK(shell.run({"point", "delete", "0123"}) == 1);
    CHECK(shell.appliance.requests.size() == 2);

    shell.terminal.answers = {"y"};
    shell.appliance.expect(200, point());
    shell.appliance.expect(204, Json::object());
    CHECK(shell.run({"point", "delete", "0123"}) == 0);
    CHECK(shell.appliance.requests.back().method == api::Method::delete_);
    CHECK(shell.appliance.requests.back().path == "/api/v1/points/" + kId);
    CHECK(shell.terminal.questions.size() == 2);
}

TEST_CASE("run: scripts prune without being asked", "[ctl]") {
    Shell shell;
    shell.appliance.expect(202, {{"job", job("queued")}});
    shell.appliance.expect(200, job("done", {{"kept", Json::array()}}));
    CHECK(shell.run({"prune", "web01", "--keep-last", "7", "--json"}) == 0);
    const Json body = parse_json(shell.appliance.requests.at(0).body, "body");
    CHECK(body.at("rule") == Json{{"keep_last", 7}});
    CHECK(body.at("vm") == "web01");
}

TEST_CASE("run: lists come whole, however many pages they have", "[ctl]") {
    Shell shell;
    shell.appliance.expect(200, {{"points", {point()}}, {"next_cursor", "5"}});
    shell.appliance.expect(200, {{"points", {point()}}, {"next_cursor", nullptr}});
    CHECK(shell.run({"point", "list", "web01", "--json"}) == 0);
    CHECK(parse_json(shell.terminal.out_text(), "output").at("points").size() == 2);
    CHECK(shell.appliance.requests.at(0).query.at("vm") == "web01");
    CHECK(shell.appliance.requests.at(1).query.at("cursor") == "5");
}

TEST_CASE("run: Ctrl-C cancels the job and waits for its end", "[ctl]") {
    class Impatient final : public ctl::ApiClient {
    public:
        explicit Impatient(Shell& shell) : shell_(shell) {}
        api::Response send(const api::Request& request) override {
            paths.push_back(request.path);
            if (request.path.ends_with("/cancel")) {
                is_cancelled_ = true;
                return api::Response::json({{"job", job("running")}}, 202);
            }
            if (request.method == api::Method::post) {
                return api::Response::json({{"job", job("queued")}}, 202);
            }
            shell_.terminal.interrupts = 1;
            return api::Response::json(job(is_cancelled_ ? "cancelled" : "running"));
        }
        std::vector<std::string> paths;

    private:
        Shell& shell_;
        bool is_cancelled_ = false;
    };
    Shell shell;
    const int status = ctl::run({"gc"}, {{shell.clock, shell.random, shell.file_system, shell.log},
                                         shell.terminal,
                                         [&](const config::Config&, const ctl::GlobalOptions&) {
                                             return std::make_unique<Impatient>(shell);
                                         }});
    CHECK(status == 1);
    CHECK(shell.terminal.err_text().find("cancelled") != std::string::npos);
}

TEST_CASE("own client: requests that become jobs are known", "[ctl]") {
    const auto makes = [](api::Method method, const std::string& path) {
        api::Request request;
        request.method = method;
        request.path = path;
        return ctl::makes_jobs(request);
    };
    CHECK(makes(api::Method::post, "/api/v1/ingests"));
    CHECK(makes(api::Method::post, "/api/v1/jobs/1/retry"));
    CHECK(makes(api::Method::post, "/api/v1/policies/p/run"));
    CHECK_FALSE(makes(api::Method::get, "/api/v1/jobs"));
    CHECK_FALSE(makes(api::Method::post, "/api/v1/policies"));
    CHECK_FALSE(makes(api::Method::post, "/api/v1/shares"));
    CHECK_FALSE(makes(api::Method::get, "/api/v1/hosts/hv01/doctor"));
    CHECK_FALSE(makes(api::Method::post, "/api/v1/hosts"));
}

TEST_CASE("own client: every request that the interface answers with a job is known", "[ctl]") {
    const Json document = parse_json(api::openapi_document(), "the OpenAPI document");
    int known = 0;
    for (const auto& [path, operations] : document.at("paths").items()) {
        if (!operations.contains("post")) continue;
        if (!operations.at("post").at("responses").contains("202")) continue;
        api::Request request;
        request.method = api::Method::post;
        request.path = "/api/v1" + path;
        CAPTURE(path);
        // It ends a job, and needs none to run.
        CHECK(ctl::makes_jobs(request) == !path.ends_with("/cancel"));
        ++known;
    }
    CHECK(known > 10);
}

TEST_CASE("run: an age has a number and a unit", "[ctl]") {
    using std::chrono::seconds;
    CHECK(ctl::parse_age("30d") == seconds{30 * 86'400});
    CHECK(ctl::parse_age("2w") == seconds{14 * 86'400});
    CHECK(ctl::parse_age("12h") == seconds{43'200});
    for (const char* text :
         {"", "d", "30", "-1d", "1y", "1d ", " 1d", "1.5d", "9223372036854775807w"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(ctl::parse_age(text), Error);
    }
    CHECK(ctl::age_text(seconds{0}) == "none");
    CHECK(ctl::age_text(seconds{30 * 86'400}) == "30 days");
    CHECK(ctl::age_text(seconds{90}) == "90 seconds");
}

TEST_CASE("run: a minimum age and a clock need a yes, since nobody can take them back", "[ctl]") {
    Shell shell;
    CHECK(shell.run({"minimum-age", "30d"}) == 2);
    CHECK(shell.appliance.requests.empty());
    shell.appliance.expect(200, {{"minimum_age_seconds", 30 * 86'400}});
    CHECK(shell.run({"minimum-age", "30d", "--yes"}) == 0);
    CHECK(shell.appliance.requests.back().path == "/api/v1/minimum-age");
    CHECK(shell.terminal.out_text().find("30 days") != std::string::npos);

    const Json clock{{"time", "2026-03-01T12:00:00.000Z"},
                     {"clock", "2036-03-01T12:00:00.000Z"},
                     {"frozen", "the clock jumped"},
                     {"minimum_age_seconds", 0}};
    shell.appliance.expect(200, clock);
    CHECK(shell.run({"clock", "confirm"}) == 2);
    shell.terminal.is_person = true;
    shell.terminal.answers = {"y"};
    shell.appliance.expect(200, clock);
    shell.appliance.expect(200, clock);
    CHECK(shell.run({"clock", "confirm"}) == 0);
    CHECK(shell.terminal.questions.back().find("2036-03-01") != std::string::npos);
    CHECK(parse_json(shell.appliance.requests.back().body, "body") ==
          Json{{"clock", "2036-03-01T12:00:00.000Z"}});
}

TEST_CASE("run: a user is added with a password from a file, or gets a link", "[ctl]") {
    Shell shell;
    const Json user{{"name", "bob"}, {"role", "viewer"}, {"has_password", false}};
    Json invited = user;
    invited["link"] = {{"token", "abc"}, {"expires", "2026-03-01T11:00:00.000Z"}};
    shell.appliance.expect(201, invited);
    CHECK(shell.run({"user", "add", "bob", "--role", "viewer"}) == 0);
    CHECK(shell.terminal.out_text().find("/#token=abc") != std::string::npos);
    const Json body = parse_json(shell.appliance.requests.at(0).body, "body");
    CHECK(body == Json{{"name", "bob"}, {"role", "viewer"}});
    CHECK(shell.run({"user", "add", "bob"}) == 2);
    CHECK(shell.run({"user", "change", "bob"}) == 2);
    CHECK(shell.run({"user", "change", "bob", "--shut-out", "--let-in"}) == 2);
    CHECK(shell.run({"user", "remove", "bob"}) == 2);
    CHECK(shell.appliance.requests.size() == 1);
}

TEST_CASE("run: a log that was tampered with is damage", "[ctl]") {
    Shell shell;
    shell.appliance.expect(200, {{"is_sound", false},
                                 {"entries", 3},
                                 {"digest", "00"},
                                 {"bad_entry", 4},
                                 {"reason", "entry 4 is missing"}});
    CHECK(shell.run({"audit", "verify"}) == 4);
    CHECK(shell.terminal.out_text().find("entry 4 is missing") != std::string::npos);
    shell.appliance.expect(200, {{"is_sound", true}, {"entries", 3}, {"digest", "00"}});
    CHECK(shell.run({"audit", "verify", "--known-digest", "ab", "--json"}) == 0);
    CHECK(parse_json(shell.appliance.requests.back().body, "body").at("known_digest") == "ab");
}

TEST_CASE("run: a token is printed once, with its end", "[ctl]") {
    Shell shell;
    shell.appliance.expect(201,
                           {{"secret", "entrepot_x"}, {"expires", "2026-03-01T11:00:00.000Z"}});
    CHECK(shell.run({"token", "add", "prometheus", "--role", "viewer", "--days", "7"}) == 0);
    CHECK(shell.terminal.out_text().starts_with("entrepot_x\n"));
    CHECK(parse_json(shell.appliance.requests.at(0).body, "body").at("days") == 7);
    CHECK(shell.run({"token", "add", "p", "--role", "viewer", "--days", "367"}) == 2);
}

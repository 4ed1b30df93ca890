// What is given in secret comes out nowhere: not in any answer, not in a refusal, not in the audit
// log, not in the daemon's (F-WB-16). Nor does whether there is a user (F-WB-01).
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

#include <map>

using namespace entrepot;
using api::Method;
using api::Privilege;

namespace {

// Recognised in any output, and long enough for every rule.
const std::string kCanary = "canary-5e3f-four-words-in-a-row";

class SecretFixture : public test::ApiFixture {
public:
    SecretFixture() {
        const repository::Environment environment{file_system, clock, random, log};
        const auto path = directory.path() / "repository";
        const Secret passphrase{std::string_view{kCanary}};
        repository::CreateOptions creation;
        creation.passphrase = passphrase;
        repository::Repository::create(environment, path, creation);
        repository::OpenOptions opening;
        opening.key = passphrase;
        repository = repository::Repository::open(environment, path, opening);
    }

    /// The status; nothing of the answer, its head included, holds the canary.
    int ask(Method method, const std::string& path, const Json& body = nullptr) {
        const auto response =
            send(method, "/api/v1" + path, body.is_null() ? std::string{} : dump_json(body));
        std::string text = response.body;
        for (const auto& [name, value] : response.headers)
            text += name + value;
        if (response.stream) {
            int pieces = 0;
            response.stream(
                [&](std::string_view piece) {
                    text += piece;
                    return ++pieces < 1000 && path != "/events";
                },
                {});
        }
        INFO(path << " " << text);
        CHECK(text.find(kCanary) == std::string::npos);
        return response.status;
    }

    void add_secrets() {
        std::filesystem::create_directory(directory.path() / "exports");
        file_system.set_access(directory.path() / "exports", {.mode = 0755});
        file_system.set_access(directory.path(), {.mode = 0711});
        CHECK(ask(Method::post, "/shares",
                  {{"name", "exports"},
                   {"path", (directory.path() / "exports").string()},
                   {"managed", true}}) == 201);
        CHECK(ask(Method::post, "/hosts",
                  {{"name", "hv01"},
                   {"url", "https://192.0.2.1:5986/wsman"},
                   {"auth", "ntlm"},
                   {"user", "backup"},
                   {"password", kCanary}}) == 201);
        CHECK(ask(Method::patch, "/hosts/hv01", {{"user", "other"}, {"password", kCanary + "2"}}) ==
              200);
        CHECK(ask(Method::post, "/users",
                  {{"name", "ada"}, {"role", "administrator"}, {"password", kCanary}}) == 201);
        CHECK(ask(Method::post, "/keys", {{"passphrase", kCanary + "3"}}) == 201);
        CHECK(ask(Method::post, "/keys/change",
                  {{"old_passphrase", kCanary + "3"}, {"new_passphrase", kCanary + "4"}}) == 204);
        CHECK(ask(Method::post, "/policies",
                  {{"name", "nightly"},
                   {"vms", {"*"}},
                   {"calendar", "daily"},
                   {"retention", {{"keep_last", 1}}}}) == 201);
    }
};

/// What a stranger hears of a wrong password for this name, so many times: all of it.
std::vector<std::string> refusals_of(test::ApiFixture& fixture, const std::string& name) {
    std::vector<std::string> heard;
    for (int turn = 0; turn < 8; ++turn) {
        api::Request request;
        request.method = Method::post;
        request.path = "/api/v1/session";
        request.body = dump_json({{"name", name}, {"password", kCanary}});
        // Another address for each name: none waits for what another one tried.
        request.peer = "of " + name;
        const auto response = fixture.router.dispatch(request);
        std::string text = std::to_string(response.status) + "\n";
        for (const auto& [header, value] : response.headers)
            text += header + ": " + value + "\n";
        heard.push_back(text + response.body);
    }
    return heard;
}

/// For the parameters of a path, something that is there.
std::string filled(std::string pattern) {
    const std::map<std::string, std::string> values{{"{name}", "hv01"}, {"{id}", "0"},
                                                    {"{vm}", "x"},      {"{disk}", "0"},
                                                    {"{volume}", "0"},  {"{slot}", "0"}};
    for (const auto& [parameter, value] : values) {
        const std::size_t at = pattern.find(parameter);
        if (at != std::string::npos) pattern.replace(at, parameter.size(), value);
    }
    return pattern;
}

}  // namespace

TEST_CASE("secrets: no answer shows one that was given, and neither does a log (F-WB-16)",
          "[api]") {
    SecretFixture fixture;
    fixture.add_secrets();
    const std::string prefix = "/api/v1";
    std::size_t answered = 0;
    for (const auto& operation : fixture.contract.operations()) {
        if (operation.method != Method::get || !operation.pattern.starts_with(prefix)) continue;
        if (operation.id == "followEvents" || operation.id == "exportAudit") continue;
        if (fixture.ask(Method::get, filled(operation.pattern.substr(prefix.size()))) == 200) {
            ++answered;
        }
    }
    CHECK(answered > 20);
    CHECK(fixture.ask(Method::get, "/users/ada") == 200);
    CHECK(fixture.ask(Method::get, "/policies/nightly") == 200);
    CHECK(fixture.ask(Method::get, "/audit/export") == 200);
    CHECK(fixture.send(Method::get, "/metrics").body.find(kCanary) == std::string::npos);
    CHECK_FALSE(fixture.log.holds(kCanary));
}

TEST_CASE("secrets: a refusal does not repeat what was wrong with one (F-WB-16)", "[api]") {
    SecretFixture fixture;
    const auto refused = [&](const std::string& path, const Json& body,
                             Method method = Method::post) {
        CHECK(fixture.ask(method, path, body) >= 400);
    };
    const Json host{
        {"name", "hv01"}, {"url", "https://192.0.2.1:5986/wsman"}, {"auth", "certificate"}};
    Json bad = host;
    bad["password"] = kCanary;
    refused("/hosts", bad);
    bad = host;
    bad["certificate"] = kCanary;
    bad["key"] = kCanary + "\x01";
    bad["keytab"] = kCanary;
    refused("/hosts", bad);
    refused("/hosts",
            {{"name", "x"}, {"url", "https://h/"}, {"auth", "ntlm"}, {"pasword", kCanary}});
    refused("/hosts/none", {{"password", kCanary}}, Method::patch);
    refused("/session", {{"name", "nobody"}, {"password", kCanary}});
    refused("/setup", {{"token", kCanary}, {"name", "eve"}, {"password", kCanary}});
    refused("/setup/look", {{"token", kCanary}});
    refused("/users", {{"name", kCanary.substr(0, 2)}, {"role", "god"}, {"password", kCanary}});
    refused("/users",
            {{"name", "bob"}, {"role", "viewer"}, {"password", std::string(300, 'x') + kCanary}});
    refused("/keys/change", {{"old_passphrase", kCanary + "?"}, {"new_passphrase", kCanary}});
    refused("/session/password", {{"old_password", kCanary}, {"new_password", kCanary}});
    CHECK(fixture.ask(Method::get, "/audit/export") == 200);
    CHECK_FALSE(fixture.log.holds(kCanary));
}

TEST_CASE("secrets: a body that is no JSON is not repeated (F-WB-16)", "[api]") {
    SecretFixture fixture;
    const std::string before = R"({"name":"hv01","password":")" + kCanary;
    for (const std::string& body :
         {before, before + "\n\"}", before + "\\q\"}", before + "\xff\"}", before + "\"", kCanary,
          "'" + kCanary + "'", "{\"password\":" + kCanary + "}"}) {
        for (const std::string path : {"/hosts", "/session", "/users", "/keys", "/setup"}) {
            const auto response = fixture.send(Method::post, "/api/v1" + path, body);
            INFO(path << " " << body << " " << response.body);
            CHECK(response.status == 400);
            CHECK(response.body.find(kCanary) == std::string::npos);
        }
    }
    CHECK(fixture.ask(Method::get, "/audit/export") == 200);
    CHECK_FALSE(fixture.log.holds(kCanary));
}

TEST_CASE("secrets: whether there is a user is told to nobody (F-WB-01)", "[api]") {
    test::ApiFixture fixture;
    const Secret password{std::string_view{"four words in a row"}};
    fixture.access.add_user("ada", Privilege::administrator, password);
    fixture.access.add_user("shut-out", Privilege::viewer, password);
    fixture.access.set_disabled("shut-out", true);
    fixture.access.add_user("invited", Privilege::viewer, std::nullopt);
    const auto of_ada = refusals_of(fixture, "ada");
    CHECK(of_ada.front().starts_with("401\n"));
    CHECK(of_ada.back().starts_with("429\n"));
    for (const std::string name : {"nobody", "shut-out", "invited", "Ada", "ada "})
        CHECK(refusals_of(fixture, name) == of_ada);
}

// Users, tokens, sessions, links and the audit log over the routes.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace std::chrono_literals;
using access::Privilege;
using api::Method;

namespace {

constexpr const char* kPassword = "four words in a row";

class UsersFixture : public test::ApiFixture {
public:
    /// A request of somebody who signed in.
    api::Response send_as(const access::User& user, Method method, const std::string& path,
                          const Json& body = Json::object()) {
        api::Request request;
        request.method = method;
        request.path = "/api/v1" + path;
        if (method != Method::get) request.body = dump_json(body);
        request.user = user;
        request.peer = "192.0.2.7";
        return router.dispatch(std::move(request));
    }

    access::User sign_in(const std::string& name, Privilege role) {
        access.add_user(name, role, Secret{std::string_view{kPassword}});
        return access.sign_in(name, Secret{std::string_view{kPassword}}, {"192.0.2.7", "browser"})
            .session->user;
    }

    Json json_as(const access::User& user, Method method, const std::string& path,
                 const Json& body = Json::object()) {
        return parse_json(send_as(user, method, path, body).body, "answer");
    }
};

}  // namespace

TEST_CASE("sign-in: name and password open a session with a guarded cookie", "[api]") {
    UsersFixture fixture;
    fixture.access.add_user("ada", Privilege::administrator, Secret{std::string_view{kPassword}});
    const auto response =
        fixture.send_as({}, Method::post, "/session", {{"name", "ada"}, {"password", kPassword}});
    REQUIRE(response.status == 200);
    const std::string cookie = response.headers.at("set-cookie");
    CHECK(cookie.starts_with("__Host-entrepot="));
    for (const std::string flag : {"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"})
        CHECK(cookie.find(flag) != std::string::npos);
    CHECK(cookie.find("Domain") == std::string::npos);
    const Json session = parse_json(response.body, "answer");
    CHECK(session.at("user") == "ada");
    CHECK(session.at("privilege") == "administrator");
    CHECK(response.body.find(cookie.substr(16, 64)) == std::string::npos);
}

TEST_CASE("sign-in: an unknown name and a wrong password get the same answer (F-WB-01)", "[api]") {
    UsersFixture fixture;
    fixture.access.add_user("ada", Privilege::administrator, Secret{std::string_view{kPassword}});
    const auto wrong =
        fixture.send_as({}, Method::post, "/session", {{"name", "ada"}, {"password", "x"}});
    const auto unknown =
        fixture.send_as({}, Method::post, "/session", {{"name", "eve"}, {"password", "x"}});
    CHECK(wrong.status == 401);
    CHECK(wrong.body == unknown.body);
    CHECK(wrong.headers == unknown.headers);
}

TEST_CASE("sign-in: who tries too often is told how long to wait (F-WB-01)", "[api]") {
    UsersFixture fixture;
    fixture.access.add_user("ada", Privilege::administrator, Secret{std::string_view{kPassword}});
    const Json body{{"name", "ada"}, {"password", "wrong"}};
    for (int i = 0; i < 5; ++i)
        CHECK(fixture.send_as({}, Method::post, "/session", body).status == 401);
    const auto refused = fixture.send_as({}, Method::post, "/session", body);
    CHECK(refused.status == 429);
    CHECK(refused.headers.at("retry-after") == "1");
    // Failures are in the audit log, those that were not even tried are not.
    CHECK(fixture.access.audit.list({.action = "createSession"}).size() == 5);
    CHECK(fixture.access.audit.list({}).at(0).draft.user == "ada");
    CHECK(fixture.access.audit.list({}).at(0).draft.result == "refused");
}

TEST_CASE("setup: over the routes, once (F-WB-08)", "[api]") {
    UsersFixture fixture;
    const std::string token = fixture.access.make_setup_link().token;
    const Json look = fixture.json_as({}, Method::post, "/setup/look", {{"token", token}});
    CHECK(look == Json{{"is_setup", true}, {"user", nullptr}});
    const Json body{{"token", token}, {"name", "ada"}, {"password", kPassword}};
    CHECK(fixture.send_as({}, Method::post, "/setup", body).status == 200);
    CHECK(fixture.send_as({}, Method::post, "/setup", body).status == 401);
    CHECK(fixture.send_as({}, Method::post, "/setup/look", {{"token", token}}).status == 401);
    CHECK(fixture.send_as(access::local_administrator(), Method::post, "/setup/links").status ==
          409);
}

TEST_CASE("users: an administrator adds, changes and removes; a link invites", "[api]") {
    UsersFixture fixture;
    const auto ada = fixture.sign_in("ada", Privilege::administrator);
    const Json bob = fixture.json_as(ada, Method::post, "/users",
                                     {{"name", "bob"}, {"role", "restore-operator"}});
    CHECK(bob.at("has_password") == false);
    const std::string link = bob.at("link").at("token").get<std::string>();
    CHECK(fixture.access.look_at_link(link).user_name == "bob");
    CHECK(fixture.json_as(ada, Method::get, "/users").at("users").size() == 2);
    CHECK(fixture.json_as(ada, Method::patch, "/users/bob", {{"role", "operator"}}).at("role") ==
          "operator");
    CHECK(fixture.json_as(ada, Method::patch, "/users/bob", {{"is_disabled", true}})
              .at("is_disabled") == true);
    CHECK(fixture.send_as(ada, Method::delete_, "/users/bob").status == 204);
    CHECK(fixture.send_as(ada, Method::get, "/users/bob").status == 404);
    CHECK(fixture.send_as(ada, Method::delete_, "/users/ada").status == 409);
}

TEST_CASE("users: members that nobody asked for are refused (F-WB-15)", "[api]") {
    UsersFixture fixture;
    const auto ada = fixture.sign_in("ada", Privilege::administrator);
    const Json body{{"name", "bob"}, {"role", "viewer"}};
    const std::string extra = GENERATE("id", "password_hash", "created", "is_disabled", "Role");
    Json more = body;
    more[extra] = "x";
    CHECK(fixture.send_as(ada, Method::post, "/users", more).status == 400);
    Json strange = body;
    strange["role"] = "root";
    CHECK(fixture.send_as(ada, Method::post, "/users", strange).status == 400);
    strange["role"] = "none";
    CHECK(fixture.send_as(ada, Method::post, "/users", strange).status == 400);
}

TEST_CASE("sessions: somebody else's cannot be seen nor ended (F-WB-17)", "[api]") {
    UsersFixture fixture;
    const auto ada = fixture.sign_in("ada", Privilege::administrator);
    const auto bob = fixture.sign_in("bob", Privilege::operator_);
    const Json own = fixture.json_as(bob, Method::get, "/sessions").at("sessions");
    REQUIRE(own.size() == 1);
    CHECK(own[0].at("user") == "bob");
    CHECK(own[0].at("is_current") == true);
    CHECK(fixture.send_as(bob, Method::delete_, "/sessions/" + ada.credential_id).status == 404);
    CHECK(fixture.json_as(ada, Method::get, "/sessions").at("sessions").size() == 2);
    CHECK(fixture.send_as(ada, Method::delete_, "/sessions/" + bob.credential_id).status == 204);
    CHECK_FALSE(fixture.access.is_alive(bob));
}

TEST_CASE("tokens: somebody else's cannot be seen nor revoked (F-WB-17)", "[api]") {
    UsersFixture fixture;
    const auto ada = fixture.sign_in("ada", Privilege::administrator);
    const auto bob = fixture.sign_in("bob", Privilege::operator_);
    const Json token =
        fixture.json_as(ada, Method::post, "/tokens", {{"name", "monitoring"}, {"role", "viewer"}});
    const std::string id = token.at("id").get<std::string>();
    CHECK(fixture.json_as(bob, Method::get, "/tokens").at("tokens").empty());
    CHECK(fixture.send_as(bob, Method::delete_, "/tokens/" + id).status == 404);
    const auto list = fixture.send_as(ada, Method::get, "/tokens").body;
    CHECK(list.find("monitoring") != std::string::npos);
    CHECK(list.find(token.at("secret").get<std::string>()) == std::string::npos);
    CHECK(fixture.send_as(ada, Method::delete_, "/tokens/" + id).status == 204);
    CHECK_FALSE(fixture.access.find_token_user(token.at("secret").get<std::string>()));
}

TEST_CASE("tokens: never above who makes them, never by a token, never without an end (F-WB-20)",
          "[api]") {
    UsersFixture fixture;
    fixture.sign_in("ada", Privilege::administrator);
    auto bob = fixture.sign_in("bob", Privilege::operator_);
    const auto status = [&](const Json& body) {
        return fixture.send_as(bob, Method::post, "/tokens", body).status;
    };
    CHECK(status({{"name", "a"}, {"role", "administrator"}}) == 403);
    CHECK(status({{"name", "a"}, {"role", "viewer"}, {"days", 0}}) == 400);
    CHECK(status({{"name", "a"}, {"role", "viewer"}, {"days", 367}}) == 400);
    CHECK(status({{"name", "a"}, {"role", "viewer"}, {"days", 1}}) == 201);
    bob.via = access::Via::token;
    CHECK(status({{"name", "a"}, {"role", "viewer"}}) == 403);
}

TEST_CASE("passwords: changing the own one asks for the old one, and needs a session", "[api]") {
    UsersFixture fixture;
    const auto ada = fixture.sign_in("ada", Privilege::administrator);
    const auto change = [&](const access::User& user, const std::string& old) {
        return fixture
            .send_as(user, Method::post, "/session/password",
                     {{"old_password", old}, {"new_password", "another four words in a row"}})
            .status;
    };
    CHECK(change(ada, "wrong") == 403);
    CHECK(change(access::local_administrator(), kPassword) == 409);
    CHECK(change(ada, kPassword) == 204);
    CHECK(fixture.access.is_alive(ada));
    CHECK(change(ada, kPassword) == 403);
}

TEST_CASE("audit: who did what, before and after what destroys, without any secret (F-WB-16)",
          "[api]") {
    UsersFixture fixture;
    const auto ada = fixture.sign_in("ada", Privilege::administrator);
    fixture.send_as(ada, Method::post, "/users",
                    {{"name", "bob"}, {"role", "viewer"}, {"password", "canary of a password"}});
    fixture.send_as(ada, Method::delete_, "/users/nobody");
    const Json entries = fixture.json_as(ada, Method::get, "/audit").at("entries");
    REQUIRE(entries.size() == 4);
    CHECK(entries[3].at("result") == "asked");
    CHECK(entries[2].at("result") == "done");
    CHECK(entries[2].at("action") == "addUser");
    CHECK(entries[2].at("user") == "ada");
    CHECK(entries[2].at("via") == "session");
    CHECK(entries[2].at("address") == "192.0.2.7");
    CHECK(entries[2].at("details") == Json{{"name", "bob"}, {"role", "viewer"}});
    CHECK(entries[1].at("result") == "asked");
    CHECK(entries[0].at("result") == "failed");
    CHECK(entries[0].at("object") == "nobody");
    CHECK(dump_json(entries).find("canary") == std::string::npos);

    const Json check = fixture.json_as(ada, Method::post, "/audit/verify");
    CHECK(check.at("is_sound") == true);
    CHECK(check.at("entries") == 4);
}

TEST_CASE("audit: pages by cursor, filters, exports every entry", "[api]") {
    UsersFixture fixture;
    const auto ada = fixture.sign_in("ada", Privilege::administrator);
    for (int i = 0; i < 5; ++i)
        fixture.send_as(ada, Method::post, "/tokens",
                        {{"name", "t" + std::to_string(i)}, {"role", "viewer"}});
    Json page = parse_json(fixture.send(Method::get, "/api/v1/audit?limit=4").body, "page");
    CHECK(page.at("entries").size() == 4);
    const std::string cursor = page.at("next_cursor").get<std::string>();
    page = parse_json(fixture.send(Method::get, "/api/v1/audit?limit=100&cursor=" + cursor).body,
                      "page");
    CHECK(page.at("entries").size() == 6);
    CHECK(page.at("next_cursor") == nullptr);
    page = parse_json(fixture.send(Method::get, "/api/v1/audit?user=nobody").body, "page");
    CHECK(page.at("entries").empty());

    const auto exported = fixture.send(Method::get, "/api/v1/audit/export");
    REQUIRE(exported.stream);
    std::size_t lines = 0;
    exported.stream([&](std::string_view line) { return ++lines > 0 && line.ends_with("\n"); }, {});
    CHECK(lines == 11);  // With the entry of the export itself.
    CHECK(fixture.access.audit.list({.action = "exportAudit"}).size() == 1);
}

TEST_CASE("audit: a span of time is shown and exported alone", "[api]") {
    UsersFixture fixture;
    const auto ada = fixture.sign_in("ada", Privilege::administrator);
    fixture.send_as(ada, Method::post, "/tokens", {{"name", "early"}, {"role", "viewer"}});
    fixture.clock.advance(1h);
    const std::string middle = api::encode_percent(format_time(fixture.clock.wall_now()));
    fixture.send_as(ada, Method::post, "/tokens", {{"name", "late"}, {"role", "viewer"}});
    const auto names = [&](const std::string& query) {
        const Json page = fixture.send_json(Method::get, "/api/v1/audit?action=addToken&" + query,
                                            Json::object());
        std::vector<std::string> found;
        for (const Json& entry : page.at("entries")) {
            if (entry.at("result") == "done") found.push_back(entry.at("details").at("name"));
        }
        return found;
    };
    CHECK(names("since=" + middle) == std::vector<std::string>{"late"});
    CHECK(names("until=" + middle) == std::vector<std::string>{"early"});
    CHECK(names("since=" + middle + "&until=" + middle).empty());
    CHECK(fixture.send(Method::get, "/api/v1/audit?since=yesterday").status == 400);

    const auto exported = fixture.send(Method::get, "/api/v1/audit/export?until=" + middle);
    REQUIRE(exported.stream);
    std::string text;
    exported.stream([&](std::string_view line) { return !(text += line).empty(); }, {});
    CHECK(text.find("early") != std::string::npos);
    CHECK(text.find("late") == std::string::npos);
    CHECK(fixture.send(Method::get, "/api/v1/audit/export?until=1").status == 400);
}

TEST_CASE("audit: whoever is refused again and again does not fill it", "[api]") {
    UsersFixture fixture;
    const auto bob = fixture.sign_in("bob", Privilege::viewer);
    for (int i = 0; i < 100; ++i)
        CHECK(fixture.send_as(bob, Method::delete_, "/hosts/x").status == 403);
    CHECK(fixture.access.audit.list({.limit = 1000}).size() == 60);
}

TEST_CASE("audit: names that carry line ends and escapes stay one entry (F-WB-19)", "[api]") {
    UsersFixture fixture;
    fixture.send_as({}, Method::post, "/session", {{"name", "a\r\nb\x1b[2J"}, {"password", "x"}});
    const auto exported = fixture.send(Method::get, "/api/v1/audit/export");
    std::string text;
    exported.stream(
        [&](std::string_view line) {
            text += line;
            return true;
        },
        {});
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);  // And that of the export.
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
}

TEST_CASE("jobs: a request that is sent again with its key makes no second job (F-WB-22)",
          "[api]") {
    UsersFixture fixture;
    fixture.engine.register_handler("gc", [](jobs::JobContext&) { return jobs::JobOutcome{}; });
    const auto start = [&](const std::string& key, bool dry_run) {
        api::Request request;
        request.method = Method::post;
        request.path = "/api/v1/gc";
        request.body = dump_json({{"dry_run", dry_run}});
        request.user = access::local_administrator();
        if (!key.empty()) request.headers["idempotency-key"] = key;
        return fixture.router.dispatch(std::move(request));
    };
    const auto id_of = [](const api::Response& response) {
        return parse_json(response.body, "answer").at("job").at("id").get<std::string>();
    };
    const std::string first = id_of(start("key-1", true));
    CHECK(id_of(start("key-1", true)) == first);
    CHECK(id_of(start("key-2", true)) != first);
    CHECK(id_of(start("", true)) != id_of(start("", true)));
    CHECK(start("key-1", false).status == 409);
    CHECK(start(std::string(129, 'x'), true).status == 400);
    CHECK(start("a b", true).status == 400);
}

TEST_CASE("jobs: with a key, two VMs of one name are two jobs (F-WB-22)", "[api]") {
    UsersFixture fixture;
    fixture.engine.register_handler("backup", [](jobs::JobContext&) { return jobs::JobOutcome{}; });
    const auto host = fixture.state.hosts.add(
        {.name = "hv01", .url = "https://192.0.2.1:5986/wsman", .authentication = "ntlm"});
    const std::string first = "00000000-0000-4000-8000-000000000001";
    const std::string second = "00000000-0000-4000-8000-000000000002";
    for (const auto& id : {first, second}) {
        hyperv::Vm vm;
        vm.id = id;
        vm.name = "web01";
        if (!fixture.inventory) fixture.inventory.emplace();
        fixture.inventory->vms.push_back(vm);
    }
    const auto start = [&] {
        api::Request request;
        request.method = Method::post;
        request.path = "/api/v1/backups";
        request.body = dump_json({{"all", true}});
        request.user = access::local_administrator();
        request.headers["idempotency-key"] = "nightly-2026-03-01";
        return fixture.router.dispatch(std::move(request));
    };
    const auto made = start();
    REQUIRE(made.status == 202);
    const Json jobs = parse_json(made.body, "answer").at("jobs");
    REQUIRE(jobs.size() == 2);
    CHECK(jobs[0].at("id") != jobs[1].at("id"));
    CHECK(parse_json(start().body, "answer").at("jobs").at(0).at("id") == jobs[0].at("id"));
    CHECK(fixture.engine.list({}).jobs.size() == 2);
}

TEST_CASE("users, tokens, sessions, hosts, policies: lists come by pages, each entry once",
          "[api]") {
    UsersFixture fixture;
    const access::User ada = fixture.sign_in("ada", Privilege::administrator);
    for (const char* name : {"eve", "bob", "dan", "carol"})
        fixture.sign_in(name, Privilege::viewer);
    for (const char* name : {"one", "two", "three"}) {
        fixture.clock.advance(std::chrono::seconds{1});
        fixture.send_as(ada, Method::post, "/tokens", {{"name", name}, {"role", "viewer"}});
    }
    const auto read_all = [&](const std::string& noun, const char* field) {
        std::vector<std::string> found;
        std::string cursor;
        do {
            const Json page = fixture.send_json(
                Method::get,
                "/api/v1/" + noun + "?limit=2" +
                    (cursor.empty() ? "" : "&cursor=" + api::encode_percent(cursor)),
                Json::object());
            for (const Json& entry : page.at(noun))
                found.push_back(entry.at(field));
            CHECK(page.at(noun).size() <= 2);
            cursor = page.at("next_cursor").is_null() ? "" : page.at("next_cursor");
        } while (!cursor.empty());
        return found;
    };
    using Names = std::vector<std::string>;
    for (const char* name : {"hv02", "hv03", "hv01"}) {
        fixture.state.hosts.add(
            {.name = name, .url = "https://192.0.2.1:5986/wsman", .authentication = "ntlm"});
        const Json policy{{"name", name},
                          {"vms", {"*"}},
                          {"calendar", "daily"},
                          {"retention", {{"keep_last", 1}}}};
        fixture.send(Method::post, "/api/v1/policies", dump_json(policy));
    }
    CHECK(read_all("hosts", "name") == Names{"hv01", "hv02", "hv03"});
    CHECK(read_all("policies", "name") == Names{"hv01", "hv02", "hv03"});
    CHECK(read_all("users", "name") == Names{"ada", "bob", "carol", "dan", "eve"});
    CHECK(read_all("tokens", "name") == Names{"one", "two", "three"});
    CHECK(read_all("sessions", "user").size() == 5);
}

// Resources that need no repository: what comes in is decoded strictly, what goes out is complete.
#include "tests/unit/api/api_fixture.h"

#include "appliance/api/encode.h"
#include "appliance/api/openapi.h"
#include "appliance/api/problem.h"
#include "appliance/backup/comparison_report.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <set>

using namespace entrepot;
using api::Method;

namespace {

hyperv::Vm make_vm(const std::string& id, const std::string& name) {
    hyperv::Vm vm;
    vm.id = id;
    vm.name = name;
    vm.state = "running";
    hyperv::Disk disk;
    disk.slot_id = "slot\\" + name;
    disk.path = "C:\\vms\\" + name + ".vhdx";
    disk.controller = "scsi";
    vm.disks.push_back(disk);
    return vm;
}

const std::string kFirstId = "0A5E4C1E-5A0B-4D6C-9C51-0D1B6F0C0001";
const std::string kSecondId = "0A5E4C1E-5A0B-4D6C-9C51-0D1B6F0C0002";

void add_host(test::ApiFixture& fixture, const std::string& name = "hv01") {
    const auto response = fixture.send(
        Method::post, "/api/v1/hosts",
        dump_json({{"name", name}, {"url", "https://192.0.2.1:5986/wsman"}, {"auth", "ntlm"}}));
    REQUIRE(response.status == 201);
}

}  // namespace

TEST_CASE("shares: added, listed, removed", "[api]") {
    test::ApiFixture fixture;
    const std::string path = (fixture.directory.path() / "exports").string();
    std::filesystem::create_directory(path);
    const Json body{{"name", "exports"}, {"unc", "\\\\appliance\\exports"}, {"path", path}};

    CHECK(fixture.send(Method::post, "/api/v1/shares", dump_json(body)).status == 201);
    CHECK(fixture.send(Method::post, "/api/v1/shares", dump_json(body)).status == 409);
    const Json list = fixture.send_json(Method::get, "/api/v1/shares", Json::object());
    CHECK(list.at("shares").at(0).at("path") == path);
    CHECK(list.at("next_cursor").is_null());
    CHECK(fixture.send(Method::delete_, "/api/v1/shares/exports").status == 204);
    CHECK(fixture.send(Method::delete_, "/api/v1/shares/exports").status == 404);
}

TEST_CASE("hosts: a password needs the repository's key, its answer never shows it (F-WB-16)",
          "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);
    Json body{{"name", "hv02"},
              {"url", "https://192.0.2.2:5986/wsman"},
              {"auth", "ntlm"},
              {"password", "Passw0rd!"}};
    CHECK(fixture.send(Method::post, "/api/v1/hosts", dump_json(body)).status == 423);
    const auto shown = fixture.send(Method::get, "/api/v1/hosts/hv01");
    CHECK(shown.status == 200);
    CHECK(shown.body.find("password") == std::string::npos);
}

TEST_CASE("hosts: bad requests are refused before anything is stored", "[api]") {
    test::ApiFixture fixture;
    const Json good{{"name", "hv01"}, {"url", "https://192.0.2.1:5986/wsman"}, {"auth", "ntlm"}};
    const auto status = [&](Json change) {
        Json body = good;
        body.update(change);
        return fixture.send(Method::post, "/api/v1/hosts", dump_json(body)).status;
    };
    CHECK(status({{"auht", "ntlm"}}) == 400);
    CHECK(status({{"auth", "magic"}}) == 400);
    CHECK(status({{"ca", "no certificate"}}) == 400);
    CHECK(status({{"pin", "abc"}}) == 400);
    CHECK(status({{"share", "nowhere"}}) == 404);
    CHECK(fixture.state.hosts.list().empty());
}

TEST_CASE("hosts: what one way to log in needs is refused with another", "[api]") {
    test::ApiFixture fixture;
    const Json good{{"name", "hv01"}, {"url", "https://192.0.2.1:5986/wsman"}, {"auth", "ntlm"}};
    const auto status = [&](Json change) {
        Json body = good;
        body.update(change);
        return fixture.send(Method::post, "/api/v1/hosts", dump_json(body)).status;
    };
    const std::string keytab = to_base64(as_bytes(std::string_view{"\x05\x02keys"}));
    CHECK(status({{"url", "http://192.0.2.1:5985/wsman"}}) == 400);
    CHECK(status({{"auth", "basic"}, {"message_encryption", true}}) == 400);
    CHECK(status({{"spn", "WSMAN"}}) == 400);
    CHECK(status({{"auth", "certificate"}}) == 400);
    CHECK(status({{"certificate", "-----BEGIN CERTIFICATE-----"}}) == 400);
    CHECK(status({{"auth", "kerberos"}, {"keytab", "bm9uZQ=="}}) == 400);
    CHECK(status({{"auth", "kerberos"}, {"keytab", keytab}, {"password", "x"}}) == 400);
    // Sound, but the repository that would seal it is locked.
    CHECK(status({{"auth", "kerberos"}, {"keytab", keytab}}) == 423);
    CHECK(fixture.state.hosts.list().empty());

    CHECK(status({{"url", "http://192.0.2.1:5985/wsman"}, {"message_encryption", true}}) == 201);
    const Json shown = fixture.send_json(Method::get, "/api/v1/hosts/hv01", Json::object());
    CHECK(shown.at("message_encryption") == true);
    CHECK(shown.at("spn").is_null());
    CHECK(status({{"name", "hv02"}, {"auth", "kerberos"}, {"spn", "WSMAN"}}) == 201);
    CHECK(fixture.send_json(Method::get, "/api/v1/hosts/hv02", Json::object()).at("spn") ==
          "WSMAN");
}

TEST_CASE("hosts: a change leaves id and what is not named as they were", "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);
    const Json before = fixture.send_json(Method::get, "/api/v1/hosts/hv01", Json::object());
    const Json after = fixture.send_json(Method::patch, "/api/v1/hosts/hv01",
                                         {{"name", "hv-01"},
                                          {"url", "https://192.0.2.9:5986/wsman"},
                                          {"pin", std::string(64, 'A')}});
    CHECK(after.at("id") == before.at("id"));
    CHECK(after.at("name") == "hv-01");
    CHECK(after.at("url") == "https://192.0.2.9:5986/wsman");
    CHECK(after.at("pin") == std::string(64, 'a'));
    CHECK(after.at("auth") == before.at("auth"));
    CHECK(after.at("user") == before.at("user"));
    CHECK(
        fixture.send_json(Method::patch, "/api/v1/hosts/hv-01", {{"pin", ""}}).at("pin").is_null());

    const auto status = [&](const Json& body) {
        return fixture.send(Method::patch, "/api/v1/hosts/hv-01", dump_json(body)).status;
    };
    CHECK(status({{"share", "nowhere"}}) == 404);
    CHECK(status({{"url", "http://192.0.2.9:5985/wsman"}}) == 400);
    CHECK(status({{"auth", "certificate"}}) == 400);
    CHECK(status({{"id", "x"}}) == 400);
    CHECK(fixture.send(Method::patch, "/api/v1/hosts/none", R"({"share":""})").status == 404);
    fixture.is_local = false;
    CHECK(status({{"url", "https://127.0.0.1:5986/wsman"}}) == 403);
}

TEST_CASE("hosts: a secret that is kept goes nowhere else than it was given for (F-WB-16)",
          "[api]") {
    test::ApiFixture fixture;
    const repository::Environment environment{fixture.file_system, fixture.clock, fixture.random,
                                              fixture.log};
    const auto path = fixture.directory.path() / "repository";
    repository::Repository::create(environment, path, {});
    fixture.repository = repository::Repository::open(environment, path, {});
    const Json host{{"name", "hv01"},
                    {"url", "https://192.0.2.1:5986/wsman"},
                    {"auth", "ntlm"},
                    {"user", "HV01\\backup"},
                    {"password", "the first one"}};
    REQUIRE(fixture.send(Method::post, "/api/v1/hosts", dump_json(host)).status == 201);
    const auto change = [&](const Json& body) {
        return fixture.send(Method::patch, "/api/v1/hosts/hv01", dump_json(body)).status;
    };
    const auto password = [&] {
        const auto secret = fixture.state.hosts.read_password(fixture.state.hosts.get("hv01").id,
                                                              fixture.repository->credential_key());
        return std::string{secret.reveal_text()};
    };
    for (const Json& body :
         {Json{{"url", "https://192.0.2.66:5986/wsman"}}, Json{{"auth", "basic"}},
          Json{{"user", "eve"}}, Json{{"pin", std::string(64, 'b')}}}) {
        CHECK(change(body) == 400);
    }
    CHECK(fixture.state.hosts.get("hv01").draft.url == "https://192.0.2.1:5986/wsman");
    const std::string refusals = state::login_refusals_setting(fixture.state.hosts.get("hv01").id);
    fixture.state.settings.put(refusals, 2);
    CHECK(change({{"name", "hv01"}, {"share", ""}}) == 200);
    CHECK(password() == "the first one");
    CHECK(fixture.state.settings.find(refusals));

    CHECK(change({{"url", "https://192.0.2.2:5986/wsman"}, {"password", "the second"}}) == 200);
    CHECK(password() == "the second");
    CHECK_FALSE(fixture.state.settings.find(refusals));
    CHECK(
        fixture.send(Method::patch, "/api/v1/hosts/hv01", R"({"user":"x"})").body.find("second") ==
        std::string::npos);
}

TEST_CASE("hosts: only the machine's administrator may name this machine itself", "[api]") {
    test::ApiFixture fixture;
    const std::string url =
        GENERATE("https://127.0.0.1:5986/wsman", "https://localhost/wsman", "https://[::1]/wsman");
    const std::string body = dump_json({{"name", "self"}, {"url", url}, {"auth", "ntlm"}});
    fixture.is_local = false;
    CHECK(fixture.send(Method::post, "/api/v1/hosts", body).status == 403);
    fixture.is_local = true;
    CHECK(fixture.send(Method::post, "/api/v1/hosts", body).status == 201);
}

TEST_CASE("vms: a live answer is remembered, exclusions go by number", "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);
    CHECK(fixture.send(Method::get, "/api/v1/hosts/hv01/vms").status == 502);
    fixture.inventory = api::HostInventory{{}, {make_vm(kFirstId, "web01")}};
    const Json live = fixture.send_json(Method::get, "/api/v1/hosts/hv01/vms", Json::object());
    CHECK(live.at("vms").at(0).at("disks").at(0).at("name") == "web01.vhdx");

    const Json exclusion{{"vm", "web01"}, {"disk", "0"}, {"reason", "swap only"}};
    CHECK(fixture.send(Method::post, "/api/v1/vms/exclusions", dump_json(exclusion)).status == 201);
    const Json again = fixture.send_json(Method::get, "/api/v1/hosts/hv01/vms", Json::object());
    CHECK(again.at("vms").at(0).at("disks").at(0).at("excluded") == "swap only");
    CHECK(fixture.send(Method::delete_, "/api/v1/vms/exclusions?vm=web01&disk=1").status == 404);
    CHECK(fixture.send(Method::delete_, "/api/v1/vms/exclusions?vm=web01&disk=0").status == 204);
}

TEST_CASE("vms: what a host says comes in pages, in the order of the ids", "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);
    fixture.inventory = api::HostInventory{{}, {make_vm(kSecondId, "a"), make_vm(kFirstId, "b")}};
    const std::string path = "/api/v1/hosts/hv01/vms";
    const Json all = fixture.send_json(Method::get, path, Json::object());
    CHECK(all.at("vms").size() == 2);
    CHECK(all.at("next_cursor").is_null());
    const Json first = fixture.send_json(Method::get, path + "?limit=1", Json::object());
    REQUIRE(first.at("vms").size() == 1);
    CHECK(first.at("vms").at(0).at("id") == kFirstId);
    const std::string cursor = api::encode_percent(first.at("next_cursor").get<std::string>());
    const Json second =
        fixture.send_json(Method::get, path + "?limit=1&cursor=" + cursor, Json::object());
    REQUIRE(second.at("vms").size() == 1);
    CHECK(second.at("vms").at(0).at("id") == kSecondId);
    CHECK(second.at("next_cursor").is_null());
    CHECK(fixture.send(Method::get, path + "?limit=0").status == 400);
}

TEST_CASE("backups: a VM that nobody asked for yet is looked up, two of a name are refused",
          "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);
    fixture.inventory =
        api::HostInventory{{}, {make_vm(kFirstId, "web01"), make_vm(kSecondId, "web01")}};
    const auto status = [&](const Json& body) {
        return fixture.send(Method::post, "/api/v1/backups", dump_json(body)).status;
    };
    CHECK(status({{"vm", "web01"}}) == 400);
    CHECK(status({{"vm", "db01"}}) == 404);
    CHECK(status(Json::object()) == 400);
    CHECK(status({{"vm", kFirstId}, {"all", true}}) == 400);
    CHECK(status({{"vm", kFirstId}, {"consistency", "perfect"}}) == 400);
    fixture.engine.register_handler("backup", [](jobs::JobContext&) { return jobs::JobOutcome{}; });

    const Json answer =
        fixture.send_json(Method::post, "/api/v1/backups", {{"vm", kSecondId}, {"full", true}});
    const Json& job = answer.at("jobs").at(0);
    CHECK(job.at("state") == "queued");
    CHECK(job.at("parameters").at("vm") == kSecondId);
    CHECK(job.at("parameters").at("full") == true);
    const auto all = fixture.send(Method::post, "/api/v1/backups", R"({"all":true})");
    CHECK(all.status == 202);
}

TEST_CASE("policies: added with their next runs, refused without a rule", "[api]") {
    test::ApiFixture fixture;
    Json body{{"name", "nightly"},
              {"vms", {"web*"}},
              {"calendar", "*-*-* 01:30:00"},
              {"full_every", 30},
              {"retention", {{"keep_last", 3}}}};
    const Json policy = fixture.send_json(Method::post, "/api/v1/policies", body);
    CHECK(policy.at("next_runs").at(0) == "2026-03-02T01:30:00.000Z");
    CHECK(policy.at("retention").at("keep_last") == 3);
    CHECK(policy.at("full_every") == 30);
    CHECK(policy.at("last_run").is_null());
    body["name"] = "other";
    for (const std::int64_t unreasonable : {-1, 10'001}) {
        body["full_every"] = unreasonable;
        CHECK(fixture.send(Method::post, "/api/v1/policies", dump_json(body)).status == 400);
    }
    body.erase("full_every");
    body["retention"] = Json::object();
    CHECK(fixture.send(Method::post, "/api/v1/policies", dump_json(body)).status == 400);
    body["retention"] = {{"keep_last", 3}};
    body["calendar"] = "sometimes";
    CHECK(fixture.send(Method::post, "/api/v1/policies", dump_json(body)).status == 400);
    CHECK(fixture.send(Method::delete_, "/api/v1/policies/nightly").status == 204);
}

TEST_CASE("policies: a change says all anew, and keeps the policy's id", "[api]") {
    test::ApiFixture fixture;
    Json body{{"name", "nightly"},
              {"vms", {"web*"}},
              {"calendar", "*-*-* 01:30:00"},
              {"full_every", 30},
              {"retention", {{"keep_last", 3}}}};
    REQUIRE(fixture.send(Method::post, "/api/v1/policies", dump_json(body)).status == 201);
    const std::string id = fixture.state.policies.get("nightly").id;
    fixture.clock.advance(std::chrono::minutes{5});
    body = {{"name", "daily"},
            {"vms", {"*"}},
            {"calendar", "*-*-* 02:00"},
            {"retention", {{"keep_daily", 9}}}};
    const Json after = fixture.send_json(Method::put, "/api/v1/policies/nightly", body);
    CHECK(after.at("name") == "daily");
    CHECK(after.at("vms") == Json{"*"});
    CHECK(after.at("full_every") == 0);
    CHECK(after.at("retention").at("keep_daily") == 9);
    CHECK(after.at("retention").at("keep_last") == 0);
    const auto record = fixture.state.policies.get("daily");
    CHECK(record.id == id);
    CHECK(record.changed == fixture.clock.wall_now());
    CHECK(fixture.send(Method::put, "/api/v1/policies/nightly", dump_json(body)).status == 404);
    body["retention"] = Json::object();
    CHECK(fixture.send(Method::put, "/api/v1/policies/daily", dump_json(body)).status == 400);
}

TEST_CASE("prunes: a rule that keeps nothing is a usage error", "[api]") {
    test::ApiFixture fixture;
    const auto response = fixture.send(Method::post, "/api/v1/prunes", R"({"rule":{}})");
    CHECK(response.status == 400);
    CHECK(api::error_from_problem(response).code() == ErrorCode::usage);
    CHECK(fixture.send(Method::post, "/api/v1/prunes", R"({"rule":{"keep_all":1}})").status == 400);
}

TEST_CASE("jobs: listed, shown by prefix, cancelled, retried", "[api]") {
    test::ApiFixture fixture;
    fixture.engine.register_handler("gc", [](jobs::JobContext&) { return jobs::JobOutcome{}; });
    const Json accepted = fixture.send_json(Method::post, "/api/v1/gc", Json::object());
    const std::string id = accepted.at("job").at("id");

    CHECK(fixture.send(Method::get, "/api/v1/jobs/" + id.substr(0, 8)).status == 200);
    CHECK(fixture.send(Method::post, "/api/v1/jobs/" + id + "/retry").status == 409);
    const auto cancelled = fixture.send(Method::post, "/api/v1/jobs/" + id + "/cancel");
    CHECK(cancelled.status == 202);
    CHECK(fixture.send(Method::post, "/api/v1/jobs/" + id + "/cancel").status == 409);
    CHECK(fixture.send(Method::post, "/api/v1/jobs/" + id + "/retry").status == 202);
    const Json list =
        fixture.send_json(Method::get, "/api/v1/jobs?state=cancelled", Json::object());
    CHECK(list.at("jobs").size() == 1);
    CHECK(fixture.send(Method::get, "/api/v1/jobs?state=odd").status == 400);
}

TEST_CASE("session: the local socket's user has none, and its end is null", "[api]") {
    test::ApiFixture fixture;
    const Json session = fixture.send_json(Method::get, "/api/v1/session", Json::object());
    CHECK(session.at("csrf") == "");
    CHECK(session.at("privilege") == "administrator");
    CHECK(session.at("expires").is_null());
}

TEST_CASE("events: a reader who connects is told once of each job that waits", "[api]") {
    test::ApiFixture fixture;
    fixture.engine.register_handler("gc", [](jobs::JobContext&) { return jobs::JobOutcome{}; });
    const auto start = [&] {
        return fixture.send_json(Method::post, "/api/v1/gc", Json::object()).at("job").at("id");
    };
    const Json ended = start();
    fixture.send(Method::post, "/api/v1/jobs/" + ended.get<std::string>() + "/cancel");
    const std::set<std::string> waiting{start(), start()};

    const auto response = fixture.send(Method::get, "/api/v1/events");
    std::multiset<std::string> told;
    std::stop_source stop;
    response.stream(
        [&](std::string_view event) {
            constexpr std::string_view kJobEvent = "event: job\ndata: ";
            if (!event.starts_with(kJobEvent)) return true;
            told.insert(parse_json(event.substr(kJobEvent.size()), "event").at("id"));
            if (told.size() == waiting.size()) stop.request_stop();
            return true;
        },
        stop.get_token());
    CHECK(told == std::multiset<std::string>(waiting.begin(), waiting.end()));
}

TEST_CASE("points: the host goes by the name that people know, its id stands beside it", "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);
    const auto host = fixture.state.hosts.get("hv01");
    repository::PointSummary point;
    point.draft.host = host.id;
    const auto vm_of = [&] { return api::encode(point, api::HostNames{fixture.state}).at("vm"); };

    CHECK(vm_of().at("host") == "hv01");
    CHECK(vm_of().at("host_id") == host.id);
    CHECK(api::HostNames{fixture.state}.id_of("hv01") == host.id);
    fixture.state.hosts.remove(host.id);
    CHECK(vm_of().at("host") == host.id);
    point.draft.host.clear();
    CHECK(vm_of().at("host") == "");
}

TEST_CASE("points: a comparison is shown as it was kept, null where there was none", "[api]") {
    test::ApiFixture fixture;
    repository::PointSummary point;
    const auto shown = [&] { return api::encode(point, api::HostNames{fixture.state}); };

    CHECK(shown().at("comparison").is_null());
    backup::ComparisonReport report;
    report.base_point = "b";
    backup::DiskReport disk;
    disk.name = "a.vhdx";
    disk.comparison = backup::DiskComparison{.compared_bytes = 1 << 20,
                                             .disagreeing_bytes = 65536,
                                             .discarded_bytes = 0,
                                             .ranges = {{131072, 65536}},
                                             .range_count = 1};
    report.disks.push_back(disk);
    point.draft.host_facts["comparison"] = to_json(report);
    CHECK(shown().at("comparison") == to_json(report));

    // All that it says is in the document, and all that the document requires is there.
    const Json document = parse_json(api::openapi_document(), "openapi.json");
    const Json schema = document.at("components").at("schemas").at("Comparison");
    const auto names = [](const Json& object) {
        std::set<std::string> set;
        for (const auto& [name, value] : object.items())
            set.insert(name);
        return set;
    };
    const Json comparison = shown().at("comparison");
    const Json of_disk = schema.at("properties").at("disks").at("items");
    CHECK(names(comparison) == names(schema.at("properties")));
    CHECK(names(comparison.at("disks").at(0)) == names(of_disk.at("properties")));
    CHECK(of_disk.at("required").size() == of_disk.at("properties").size());
}

TEST_CASE("vms: of two hosts with one GUID, an exclusion goes to the one that is named", "[api]") {
    test::ApiFixture fixture;
    add_host(fixture, "hv01");
    add_host(fixture, "hv02");
    fixture.inventory = api::HostInventory{{}, {make_vm(kFirstId, "web01")}};
    for (const std::string name : {"hv01", "hv02"})
        CHECK(fixture.send(Method::get, "/api/v1/hosts/" + name + "/vms").status == 200);
    Json exclusion{{"vm", kFirstId}, {"disk", "0"}, {"reason", "swap only"}};
    const auto add = [&] {
        return fixture.send(Method::post, "/api/v1/vms/exclusions", dump_json(exclusion)).status;
    };
    CHECK(add() == 400);
    exclusion["host"] = "hv02";
    CHECK(add() == 201);
    const auto excluded = [&](const std::string& host) {
        const Json live =
            fixture.send_json(Method::get, "/api/v1/hosts/" + host + "/vms", Json::object());
        return live.at("vms").at(0).at("disks").at(0).at("excluded").get<std::string>();
    };
    CHECK(excluded("hv01").empty());
    CHECK(excluded("hv02") == "swap only");
    const std::string address = "/api/v1/vms/exclusions?disk=0&vm=" + kFirstId + "&host=";
    CHECK(fixture.send(Method::delete_, address + "hv02").status == 204);
    CHECK(excluded("hv02").empty());
}

TEST_CASE("shares: one that we serve has a server, accounts, and passwords shown once", "[api]") {
    test::ApiFixture fixture;
    const auto path = fixture.directory.path() / "exports";
    std::filesystem::create_directory(path);
    fixture.file_system.set_access(path, {.mode = 0755});
    fixture.file_system.set_access(fixture.directory.path(), {.mode = 0711});
    Json body{{"name", "exports"}, {"path", path.string()}, {"managed", true}};
    body["listen"] = "nonsense";
    CHECK(fixture.send(Method::post, "/api/v1/shares", dump_json(body)).status == 400);
    body.erase("listen");
    const Json share = fixture.send_json(Method::post, "/api/v1/shares", body);
    CHECK(share.at("unc") == "\\\\appliance\\exports");
    CHECK(share.at("listen") == "0.0.0.0:445");
    CHECK(share.at("server").at("state") == "off");

    add_host(fixture);
    const std::string credentials = "/api/v1/hosts/hv01/share-credentials";
    const Json issued = fixture.send_json(Method::post, credentials, Json::object());
    const std::string password = issued.at("password");
    CHECK(issued.at("account") == "entrepot-share-01");
    CHECK(password.size() == 26);
    CHECK(issued.at("commands").size() == 3);
    CHECK(dump_json(issued.at("commands")).find(password) == std::string::npos);
    CHECK(fixture.send(Method::post, credentials, "{}").status == 409);

    const std::string settings = "/api/v1/hosts/hv01/share-settings";
    const Json account = fixture.send_json(Method::post, settings,
                                           {{"quota_bytes", kGiB}, {"computer", "CORP\\HV01$"}});
    CHECK(account.at("quota_bytes") == kGiB);
    CHECK(account.at("computer") == "CORP\\HV01$");
    // What is absent stays, null takes away.
    CHECK(fixture.send_json(Method::post, settings, {{"quota_bytes", nullptr}}).at("computer") ==
          "CORP\\HV01$");
    CHECK(fixture.send(Method::post, settings, R"({"quota":1})").status == 400);
    CHECK(fixture.send(Method::post, settings, R"({"computer":"x"})").status == 400);
    const Json rotated = fixture.send_json(Method::post, credentials, {{"rotate", true}});
    CHECK(rotated.at("password") != password);
    for (const char* shown : {"/api/v1/shares", "/api/v1/hosts", "/api/v1/hosts/hv01"}) {
        const std::string text = fixture.send(Method::get, shown).body;
        CHECK(text.find(rotated.at("password").get<std::string>()) == std::string::npos);
    }
    CHECK(fixture.send(Method::delete_, credentials).status == 204);
    const Json list = fixture.send_json(Method::get, "/api/v1/shares", Json::object());
    CHECK(list.at("shares").at(0).at("accounts").at(0).at("has_password") == false);
}

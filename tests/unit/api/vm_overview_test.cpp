// What the list of VMs says beyond its records: what is late, what was restored, what is left on
// hosts; and growth.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace std::chrono_literals;
using api::Method;

namespace {

const std::string kVmId = "0A5E4C1E-5A0B-4D6C-9C51-0D1B6F0C0001";

class OverviewLab {
public:
    OverviewLab() {
        const repository::Environment environment{fixture.file_system, fixture.clock,
                                                  fixture.random, fixture.log};
        const auto path = fixture.directory.path() / "repository";
        repository::Repository::create(environment, path, {});
        fixture.repository = repository::Repository::open(environment, path, {});
        host =
            fixture.state.hosts
                .add({.name = "hv01", .url = "https://hv01:5986/wsman", .authentication = "ntlm"})
                .id;
        fixture.state.vms.replace_all(host, {{.vm_id = kVmId, .name = "web01"}});
        fixture.state.policies.add("nightly", {{"name", "nightly"},
                                               {"vms", {"*"}},
                                               {"calendar", "*-*-* 22:00"},
                                               {"keep", {{"keep_last", 3}}}});
    }

    std::string add_point() {
        repository::PointDraft draft;
        draft.host = host;
        draft.vm_id = kVmId;
        draft.vm_name = "web01";
        return fixture.repository->begin_point(draft)->commit().id;
    }

    void end_restore(const std::string& id, const std::string& point, jobs::JobState job_state) {
        jobs::JobRequest request{.kind = "restore_disk", .subject = "web01 disk 0"};
        request.parameters = {{"point", point}};
        auto record = fixture.state.jobs.insert(id, request, fixture.clock.wall_now());
        record.view.state = job_state;
        record.view.ended = fixture.clock.wall_now();
        fixture.state.jobs.update(record.view);
    }

    /// The names of a list, in its order.
    std::vector<std::string> names(const std::string& query) {
        const Json list = fixture.send_json(Method::get, "/api/v1/vms?" + query, Json::object());
        std::vector<std::string> found;
        for (const Json& vm : list.at("vms"))
            found.push_back(vm.at("name"));
        return found;
    }

    Json vm() {
        const Json list = fixture.send_json(Method::get, "/api/v1/vms", Json::object());
        REQUIRE(list.at("vms").size() == 1);
        return list.at("vms").at(0);
    }

    test::ApiFixture fixture;
    std::string host;
};

}  // namespace

TEST_CASE("vms: one whose policy ran by and brought no point is late", "[api]") {
    OverviewLab lab;
    lab.add_point();
    CHECK(lab.vm().at("late").is_null());
    lab.fixture.clock.advance(24h);  // Noon of the day after; the run was due at 22:00.
    const Json vm = lab.vm();
    CHECK(vm.at("late") == Json{{"due", "2026-03-01T22:00:00.000Z"}, {"policy", "nightly"}});
    CHECK(vm.at("problems").dump().find("late: policy nightly was due") != std::string::npos);
    lab.add_point();
    CHECK(lab.vm().at("late").is_null());
    CHECK(lab.vm().at("problems").empty());
}

TEST_CASE("vms: a list of one host, of a part of the name, of one concern", "[api]") {
    using Names = std::vector<std::string>;
    OverviewLab lab;
    lab.add_point();
    lab.fixture.state.vms.replace_all(lab.host, {{.vm_id = kVmId, .name = "web01"},
                                                 {.vm_id = "b", .name = "Österreich"},
                                                 {.vm_id = "c", .name = "sql01"}});
    lab.fixture.state.policies.remove(lab.fixture.state.policies.list().at(0).id);
    lab.fixture.state.policies.add("web", {{"name", "web"},
                                           {"vms", {"web*"}},
                                           {"calendar", "*-*-* 22:00"},
                                           {"keep", {{"keep_last", 3}}}});
    CHECK(lab.names("host=hv01") == Names{"web01", "Österreich", "sql01"});
    CHECK(lab.names("host=" + lab.host).size() == 3);
    CHECK(lab.names("host=").empty());
    CHECK(lab.fixture.send(Method::get, "/api/v1/vms?host=hv02").status == 404);
    CHECK(lab.names("name=01") == Names{"web01", "sql01"});
    CHECK(lab.names("name=" + api::encode_percent("öST")) == Names{"Österreich"});
    CHECK(lab.names("concern=unprotected") == Names{"Österreich", "sql01"});
    CHECK(lab.names("concern=late").empty());
    CHECK(lab.names("concern=failed").empty());
    lab.fixture.clock.advance(24h);
    CHECK(lab.names("concern=late") == Names{"web01"});
    CHECK(lab.names("concern=attention").size() == 3);
    CHECK(lab.names("concern=attention&name=sql") == Names{"sql01"});
    CHECK(lab.fixture.send(Method::get, "/api/v1/vms?concern=other").status == 400);
}

TEST_CASE("vms: a filtered list comes in pages without a gap or an empty last one", "[api]") {
    OverviewLab lab;
    std::vector<state::VmRecord> vms;
    for (const char* id : {"1", "2", "3", "4", "5", "6"})
        vms.push_back({.vm_id = id, .name = std::string{id} == "3" ? "db" : "web"});
    lab.fixture.state.vms.replace_all(lab.host, vms);
    std::vector<std::string> ids;
    std::string cursor;
    std::size_t pages = 0;
    for (; pages < 10; ++pages) {
        const Json page = lab.fixture.send_json(
            Method::get,
            "/api/v1/vms?name=web&limit=2" +
                (cursor.empty() ? "" : "&cursor=" + api::encode_percent(cursor)),
            Json::object());
        for (const Json& vm : page.at("vms"))
            ids.push_back(vm.at("id"));
        if (page.at("next_cursor").is_null()) break;
        cursor = page.at("next_cursor");
    }
    CHECK(ids == std::vector<std::string>{"1", "2", "4", "5", "6"});
    CHECK(pages == 2);
}

TEST_CASE("vms: one that nobody tried to back up yet is not late, one that was tried is", "[api]") {
    OverviewLab lab;
    lab.fixture.clock.advance(48h);
    CHECK(lab.vm().at("late").is_null());
    jobs::JobRequest request{.kind = "backup", .subject = "web01 on hv01"};
    request.parameters = {{"host", lab.host}, {"vm", kVmId}};
    lab.fixture.engine.register_handler("backup",
                                        [](jobs::JobContext&) { return jobs::JobOutcome{}; });
    lab.fixture.engine.enqueue(request);
    CHECK(lab.vm().at("late").is_null());
    lab.fixture.clock.advance(24h);
    CHECK(lab.vm().at("late").at("due") == "2026-03-03T22:00:00.000Z");
}

TEST_CASE("vms: the last restore is the newest that was done", "[api]") {
    OverviewLab lab;
    const std::string point = lab.add_point();
    const std::string first(32, '1');
    lab.end_restore(first, point, jobs::JobState::done);
    lab.fixture.clock.advance(1h);
    lab.end_restore(std::string(32, '2'), point, jobs::JobState::failed);
    lab.end_restore(std::string(32, '3'), std::string(32, 'f'), jobs::JobState::done);
    CHECK(lab.vm().at("last_restore") == Json{{"job", first},
                                              {"kind", "restore_disk"},
                                              {"point", point},
                                              {"ended", "2026-03-01T12:00:00.000Z"}});
}

TEST_CASE("vms: a backup that ends after the list was asked for is the last one", "[api]") {
    OverviewLab lab;
    bool does_fail = true;
    lab.fixture.engine.register_handler("backup", [&](jobs::JobContext&) -> jobs::JobOutcome {
        if (does_fail) throw Error{ErrorCode::io, "the disk is gone"};
        return {};
    });
    const auto back_up = [&] {
        jobs::JobRequest request{.kind = "backup", .subject = "web01"};
        request.parameters = {{"host", lab.host}, {"vm", kVmId}};
        const std::string id = lab.fixture.engine.enqueue(request);
        lab.fixture.engine.run_here(id);
        lab.fixture.clock.advance(1h);
        return id;
    };
    CHECK(lab.vm().at("last_job").is_null());
    const std::string first = back_up();
    CHECK(lab.vm().at("last_job").at("id") == first);
    CHECK(lab.vm().at("problems").dump().find("the disk is gone") != std::string::npos);
    does_fail = false;
    const std::string second = back_up();
    CHECK(lab.vm().at("last_job").at("id") == second);
    CHECK(lab.vm().at("last_job").at("state") == "done");
    CHECK(lab.vm().at("problems").empty());
}

TEST_CASE("vms: what a list says of a VM's points follows them", "[api]") {
    OverviewLab lab;
    CHECK(lab.vm().at("points") == 0);
    const std::string first = lab.add_point();
    const std::string second = lab.add_point();
    CHECK(lab.vm().at("points") == 2);
    CHECK(lab.vm().at("last_point").at("id") == second);
    lab.fixture.repository->delete_point(second);
    CHECK(lab.vm().at("points") == 1);
    CHECK(lab.vm().at("last_point").at("id") == first);
    lab.fixture.repository->delete_point(first);
    CHECK(lab.vm().at("points") == 0);
    CHECK(lab.vm().at("last_point").is_null());
}

TEST_CASE("vms: what is left on the host comes with its command", "[api]") {
    OverviewLab lab;
    lab.fixture.state.residue.add(
        lab.host, kVmId, {.text = "a snapshot is left", .command = "Remove-VMSnapshot web01"});
    const Json vm = lab.vm();
    REQUIRE(vm.at("residue").size() == 1);
    CHECK(vm.at("residue").at(0).at("command") == "Remove-VMSnapshot web01");
    CHECK(vm.at("problems") == Json::array({"a snapshot is left"}));
}

TEST_CASE("growth: samples of the days asked for, and a forecast that knows its limits", "[api]") {
    OverviewLab lab;
    const auto growth = [&](const std::string& query) {
        return lab.fixture.send_json(Method::get, "/api/v1/repository/growth" + query,
                                     Json::object());
    };
    CHECK(growth("").at("samples").empty());
    CHECK_FALSE(growth("").at("reason").is_null());
    for (std::uint64_t day = 0; day < 6; ++day) {
        lab.fixture.state.growth.put({.time = lab.fixture.clock.wall_now(),
                                      .stored_bytes = day,
                                      .free_bytes = 100 * kGiB - day * kGiB,
                                      .capacity_bytes = 200 * kGiB});
        lab.fixture.clock.advance(24h);
    }
    const Json all = growth("");
    CHECK(all.at("samples").size() == 6);
    CHECK(all.at("bytes_per_day") == kGiB);
    CHECK(all.at("full_at") == "2026-06-09T12:00:00.000Z");
    CHECK(all.at("reason").is_null());
    CHECK(growth("?days=2").at("samples").size() == 2);
    CHECK(growth("?days=2").at("bytes_per_day") == kGiB);
    CHECK(growth("?days=0").at("status") >= 400);
    CHECK(growth("?days=x").at("status") >= 400);
}

TEST_CASE("vms: reading points ahead ends when it is told to, and nothing is lost by that",
          "[api]") {
    OverviewLab lab;
    const std::string point = lab.add_point();
    api::VmPointsBook book;
    std::stop_source stop;
    stop.request_stop();
    try {
        book.read(*lab.fixture.repository, stop.get_token());
        FAIL("it went on");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::cancelled);
    }
    CHECK(book.read(*lab.fixture.repository).size() == 1);
    CHECK(book.find_vm(point) == api::VmKey{lab.host, kVmId});
}

TEST_CASE("vms: a run that becomes overdue shows without any other change", "[api]") {
    OverviewLab lab;
    lab.add_point();  // At noon; the run of 22:00 has until 4:00.
    CHECK(lab.vm().at("late").is_null());
    lab.fixture.clock.advance(16h);
    CHECK(lab.vm().at("late").is_null());
    CHECK(lab.vm().at("next_run") == "2026-03-02T22:00:00.000Z");
    lab.fixture.clock.advance(1ms);
    CHECK_FALSE(lab.vm().at("late").is_null());
}

TEST_CASE("vms: the list follows hosts, policies, jobs and points", "[api]") {
    OverviewLab lab;
    CHECK(lab.vm().at("protected") == true);
    lab.fixture.state.policies.remove(lab.fixture.state.policies.list().front().id);
    CHECK(lab.vm().at("protected") == false);
    lab.fixture.state.vms.replace_all(lab.host, {{.vm_id = kVmId, .name = "renamed"}});
    CHECK(lab.vm().at("name") == "renamed");
    CHECK(lab.vm().at("points") == 0);
    const std::string point = lab.add_point();
    CHECK(lab.vm().at("points") == 1);
    lab.fixture.repository->delete_point(point);
    CHECK(lab.vm().at("points") == 0);
}

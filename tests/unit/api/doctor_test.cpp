// The doctor over REST: a job, and the last report; and what one VM's page shows.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using api::Method;

namespace {

void add_host(test::ApiFixture& fixture) {
    const auto response = fixture.send(
        Method::post, "/api/v1/hosts",
        dump_json({{"name", "hv01"}, {"url", "https://192.0.2.1:5986/wsman"}, {"auth", "ntlm"}}));
    REQUIRE(response.status == 201);
    fixture.engine.register_handler("doctor", [](jobs::JobContext&) { return jobs::JobOutcome{}; });
}

constexpr const char* kPath = "/api/v1/hosts/hv01/doctor";

}  // namespace

TEST_CASE("doctor: asking for it makes a job of that host", "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);

    const auto response = fixture.send(Method::post, kPath, "{\"retry_login\": true}");
    CHECK(response.status == 202);
    const Json job = parse_json(response.body, "answer").at("job");
    CHECK(job.at("kind") == "doctor");
    CHECK(job.at("subject") == "host hv01");
    CHECK(job.at("parameters").at("retry_login") == true);
    CHECK(job.at("parameters").at("host") == fixture.state.hosts.get("hv01").id);
    CHECK(fixture.send(Method::post, kPath, "{\"retry\": true}").status == 400);
    CHECK(fixture.send(Method::post, "/api/v1/hosts/hv09/doctor", "{}").status == 404);
    CHECK(fixture.send(Method::post, kPath, "{}", api::Privilege::viewer).status == 403);
}

TEST_CASE("doctor: a recording is for those who are on the machine", "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);
    const std::string body = "{\"record\": \"/var/tmp/hv01\"}";
    CHECK(fixture.send(Method::post, kPath, body).status == 202);
    fixture.is_local = false;
    CHECK(fixture.send(Method::post, kPath, body).status == 403);
    CHECK(fixture.send(Method::post, kPath, "{}").status == 202);
}

TEST_CASE("doctor: the last report is kept with its host", "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);
    CHECK(fixture.send(Method::get, kPath).status == 404);
    const std::string id = fixture.state.hosts.get("hv01").id;
    fixture.state.settings.put("doctor:" + id, {{"host", "hv01"}, {"checks", Json::array()}});

    CHECK(fixture.send_json(Method::get, kPath, Json::object()).at("host") == "hv01");
    // A host that is added again under the same name starts without one.
    CHECK(fixture.send(Method::delete_, "/api/v1/hosts/hv01").status == 204);
    CHECK(fixture.send(Method::get, kPath).status == 404);
    CHECK_FALSE(fixture.state.settings.find("doctor:" + id));
}

TEST_CASE("hosts: one VM is shown with its disks, its guest services and what was left of it",
          "[api]") {
    test::ApiFixture fixture;
    add_host(fixture);
    const std::string id = "0A5E4C1E-5A0B-4D6C-9C51-0D1B6F0C0001";
    hyperv::Vm vm;
    vm.id = id;
    vm.name = "web01";
    vm.state = "running";
    vm.has_tpm = true;
    vm.replication_mode = 1;
    vm.notes = "ask Kim";
    vm.owner_node = "NODE2";
    vm.integration_services = {{"backup", true, false}};
    hyperv::Disk disk;
    disk.slot_id = "S";
    disk.path = "D:\\a.vhdx";
    disk.size_bytes = 1024;
    disk.format = "vhdx";
    vm.disks.push_back(disk);
    fixture.inventory = api::HostInventory{{}, {vm}};
    fixture.services.read_vm = [&](const state::HostRecord&, const std::string& wanted,
                                   std::stop_token) {
        CHECK(wanted == id);
        return vm;
    };
    const std::string host_id = fixture.state.hosts.get("hv01").id;
    fixture.state.residue.add(host_id, id, {.text = "Recovery snapshot", .command = "Remove-VM"});

    const Json shown =
        fixture.send_json(Method::get, "/api/v1/hosts/hv01/vms/web01", Json::object());
    CHECK(shown.at("has_tpm") == true);
    CHECK(shown.at("replication") == "primary");
    CHECK(shown.at("notes") == "ask Kim");
    CHECK(shown.at("owner_node") == "NODE2");
    CHECK(shown.at("integration_services").at(0).at("working") == false);
    CHECK(shown.at("disks").at(0).at("format") == "vhdx");
    CHECK(shown.at("disks").at(0).at("size_bytes") == 1024);
    CHECK(shown.at("residue").at(0).at("command") == "Remove-VM");
    CHECK(fixture.send(Method::get, "/api/v1/hosts/hv01/vms/nobody").status == 404);
}

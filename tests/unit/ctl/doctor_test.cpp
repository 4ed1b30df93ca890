// host doctor, vm show and policies' --full-every on the command line.
#include "tests/unit/ctl/fake_terminal.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using test::Shell;

namespace {

Json job(const Json& result) {
    return {{"id", "j1"},
            {"kind", "doctor"},
            {"subject", "host hv01"},
            {"state", "partly"},
            {"stage", "residue"},
            {"done_bytes", 0},
            {"total_bytes", 0},
            {"result", result},
            {"error", nullptr},
            {"events", Json::array()}};
}

Json check(const std::string& id, const std::string& result) {
    return {{"id", id},
            {"layer", id.substr(0, id.find('.'))},
            {"result", result},
            {"cause", "The cause of " + id + "."},
            {"evidence", "seen \x1B[31mhere"},
            {"cure", "The cure. On the host:"},
            {"command", "Get-Thing"}};
}

Json report(std::size_t failed) {
    Json checks = Json::array({check("port.open", "ok"), check("share.low", "warning")});
    if (failed > 0) checks.push_back(check("auth.refused", "failed"));
    return {{"host", "hv01"},   {"time", "2026-03-01T11:00:00.000Z"},
            {"failed", failed}, {"warnings", 1},
            {"unproven", 0},    {"checks", checks}};
}

}  // namespace

TEST_CASE("doctor: what failed is said with cause, evidence, cure and command", "[ctl]") {
    Shell shell;
    shell.appliance.expect(202, {{"job", job(nullptr)}});
    shell.appliance.expect(200, job(report(1)));
    CHECK(shell.run({"host", "doctor", "hv01"}) == 1);

    const std::string out = shell.terminal.out_text();
    CHECK(out.find("The cause of auth.refused.") != std::string::npos);
    CHECK(out.find("(auth.refused) The cure.") != std::string::npos);
    CHECK(out.find("\nGet-Thing\n") != std::string::npos);
    CHECK(out.find("1 failed, 1 warning, 0 unproven") != std::string::npos);
    CHECK(out.find('\x1B') == std::string::npos);
    // What is well needs no words.
    CHECK(out.find("(port.open)") == std::string::npos);
}

TEST_CASE("doctor: with --json the report is the document; only failures fail", "[ctl]") {
    const std::size_t failed = GENERATE(0, 1);
    Shell shell;
    shell.appliance.expect(202, {{"job", job(nullptr)}});
    shell.appliance.expect(200, job(report(failed)));
    CHECK(shell.run({"host", "doctor", "hv01", "--json", "--retry-login", "--record", "here"}) ==
          static_cast<int>(failed));

    const Json document = parse_json(shell.terminal.out_text(), "output");
    const Json& first = document.at("checks").at(0);
    for (const char* field : {"id", "layer", "result", "cause", "evidence", "cure", "command"})
        CHECK(first.contains(field));
    const Json body = parse_json(shell.appliance.requests.at(0).body, "body");
    CHECK(body.at("retry_login") == true);
    CHECK(body.at("record").get<std::string>().starts_with("/"));
}

TEST_CASE("vm show: asks the host that has it", "[ctl]") {
    Shell shell;
    const Json disk{{"index", 0},        {"name", "a.vhdx"},      {"controller", "scsi 0:0"},
                    {"format", "vhdx"},  {"size_bytes", 1 << 30}, {"id", "1111"},
                    {"excluded", "swap"}};
    shell.appliance.expect(200, {{"vms", {{{"name", "web01"}, {"id", "X"}, {"host", "hv01"}}}},
                                 {"next_cursor", nullptr}});
    shell.appliance.expect(
        200,
        {{"name", "web01"},
         {"host", "hv01"},
         {"has_tpm", true},
         {"replication", "none"},
         {"integration_services", {{{"name", "backup"}, {"enabled", true}, {"working", false}}}},
         {"disks", {disk}},
         {"checkpoints", Json::array()},
         {"reference_points", 1},
         {"problems", {"not merged yet"}},
         {"residue", {{{"text", "not merged yet"}, {"command", "Get-VM"}}}}});
    CHECK(shell.run({"vm", "show", "WEB01"}) == 0);

    CHECK(shell.appliance.requests.at(1).path == "/api/v1/hosts/hv01/vms/WEB01");
    const std::string out = shell.terminal.out_text();
    CHECK(out.find("backup does not answer") != std::string::npos);
    CHECK(out.find("excluded: swap") != std::string::npos);
    CHECK(out.find("not merged yet") != std::string::npos);
    CHECK(out.find("Get-VM") != std::string::npos);
}

TEST_CASE("policy add: --full-every goes with it, and is shown", "[ctl]") {
    Shell shell;
    const Json policy{{"name", "nightly"},          {"vms", {"*"}},
                      {"calendar", "hourly"},       {"full_every", 30},
                      {"next_runs", Json::array()}, {"retention", {{"keep_last", 3}}}};
    shell.appliance.expect(201, policy);
    CHECK(shell.run({"policy", "add", "nightly", "--vms", "*", "--calendar", "hourly",
                     "--keep-last", "3", "--full-every", "30"}) == 0);
    CHECK(parse_json(shell.appliance.requests.at(0).body, "body").at("full_every") == 30);
    CHECK(shell.run({"policy", "add", "x", "--vms", "*", "--calendar", "hourly", "--keep-last", "3",
                     "--full-every", "20000"}) == 2);

    shell.appliance.expect(200, policy);
    CHECK(shell.run({"policy", "show", "nightly"}) == 0);
    CHECK(shell.terminal.out_text().find("every 30 backups") != std::string::npos);
}

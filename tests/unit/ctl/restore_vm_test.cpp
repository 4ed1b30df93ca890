// restore vm: what is asked, what is shown, how it ends.
#include "tests/unit/ctl/fake_terminal.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using test::Shell;

namespace {

const Json kPreflight{
    {"can_start", false},
    {"name", "web01"},
    {"host", "hv02"},
    {"keep_id", true},
    {"target", {{"path", "\\\\appliance\\exports"}, {"reach", "share"}}},
    {"checks", Json::array({{{"id", "version"}, {"result", "good"}, {"text", "fits"}, {"cure", ""}},
                            {{"id", "id"},
                             {"result", "blocked"},
                             {"text", "VM web01 is still there"},
                             {"cure", "Restore beside it."}}})}};

Json job(const std::string& state, const Json& result = nullptr) {
    return {{"id", "j1"},        {"kind", "restore_vm"},   {"subject", "web01"}, {"state", state},
            {"stage", "import"}, {"done_bytes", 0},        {"total_bytes", 0},   {"result", result},
            {"error", nullptr},  {"events", Json::array()}};
}

}  // namespace

TEST_CASE("restore vm: options become one request, a job is followed", "[ctl]") {
    Shell shell;
    const Json result{
        {"vm", {{"id", "GUID"}, {"name", "web01-test"}}},
        {"host", "hv02"},
        {"started", true},
        {"kept_id", false},
        {"disks", Json::array({{{"index", 0}, {"path", "\\\\a\\b.vhdx"}}})},
        {"network",
         Json::array({{{"adapter", "Network Adapter"}, {"was_on", "LAN"}, {"switch", nullptr}}})},
        {"next", "Move it."}};
    shell.appliance.expect(202, {{"job", job("queued")}});
    shell.appliance.expect(200, job("done", result));
    CHECK(shell.run({"restore", "vm", "web01@latest", "--host", "hv02", "--to",
                     "\\\\appliance\\exports", "--name", "web01-test", "--switch", "LAN=Lab",
                     "--switch", "DMZ=Lab=2", "--start"}) == 0);
    const Json sent = parse_json(shell.appliance.requests.at(0).body, "request");
    CHECK(shell.appliance.requests.at(0).path == "/api/v1/restores/vm");
    CHECK(sent.at("point") == "web01@latest");
    CHECK(sent.at("start") == true);
    CHECK(sent.at("keep_id") == false);
    CHECK(sent.at("switches").at(1).at("from") == "DMZ");
    CHECK(sent.at("switches").at(1).at("to") == "Lab=2");
    const std::string shown = shell.terminal.out_text();
    CHECK(shown.find("Restored 'web01-test' on hv02, and started it") != std::string::npos);
    CHECK(shown.find("Network Adapter: disconnected, was on 'LAN'") != std::string::npos);
    CHECK(shown.find("Move it.") != std::string::npos);
}

TEST_CASE("restore vm: a preflight that is blocked is exit status 1, with the cure", "[ctl]") {
    for (const std::string option : {"--preflight", "--dry-run"}) {
        Shell shell;
        shell.appliance.expect(200, kPreflight);
        CHECK(shell.run({"restore", "vm", "p", "--host", "hv02", "--to", "D:\\VMs", "--keep-id",
                         option}) == 1);
        CHECK(shell.appliance.requests.at(0).path == "/api/v1/restores/vm/preflight");
        const std::string shown = shell.terminal.out_text();
        CHECK(shown.find("BLOCKED  VM web01 is still there") != std::string::npos);
        CHECK(shown.find("Restore beside it.") != std::string::npos);
        CHECK(shown.find("cannot start") != std::string::npos);
    }
    Shell shell;
    shell.appliance.expect(200, kPreflight);
    CHECK(shell.run({"restore", "vm", "p", "--host", "hv02", "--to", "D:\\", "--preflight",
                     "--json"}) == 1);
    CHECK(parse_json(shell.terminal.out_text(), "output") == kPreflight);
}

TEST_CASE("restore vm: what cannot be meant is a usage error", "[ctl]") {
    Shell shell;
    CHECK(shell.run({"restore", "vm", "p", "--host", "hv02"}) == 2);
    CHECK(shell.run({"restore", "vm", "p", "--to", "D:\\"}) == 2);
    for (const std::string bad : {"LAN", "=Lab", "LAN="}) {
        CHECK(shell.run({"restore", "vm", "p", "--host", "h", "--to", "D:\\", "--switch", bad}) ==
              2);
    }
    CHECK(shell.appliance.requests.empty());
}

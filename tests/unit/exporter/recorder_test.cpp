// Recordings: no secret, no name, and still good enough to be played again.
#include "exporter/wsman/recorder.h"

#include "tests/support/replay_transport.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/exporter/fake_hyperv.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

namespace entrepot::wsman {
namespace {

std::string all_of(const std::filesystem::path& directory) {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        std::ifstream file{entry.path()};
        text.append(std::istreambuf_iterator<char>{file}, {});
    }
    return text;
}

/// One VM on a host with names that should not travel.
void fill(hyperv::FakeHyperV& fake) {
    fake.lists["Msvm_ComputerSystem"] = {
        hyperv::instance_xml("Msvm_ComputerSystem", {{"CreationClassName", "Msvm_ComputerSystem"},
                                                     {"ElementName", "HV01"},
                                                     {"Name", "HV01"}}),
        hyperv::instance_xml("Msvm_ComputerSystem",
                             {{"CreationClassName", "Msvm_ComputerSystem"},
                              {"ElementName", "web01"},
                              {"EnabledState", "2"},
                              {"Name", "AAAAAAAA-0000-4000-8000-000000000001"}})};
}

}  // namespace

TEST_CASE("redactor: names go in every spelling, as whole words only", "[wsman]") {
    Redactor redactor = redactor_of("hv01.corp.example", "CORP\\svc-backup");
    redactor.learn(
        "<f:WSManFault Code=\"5\" Machine=\"NODE7\"/><p:SystemName>"
        "BBBBBBBB-0000-4000-8000-000000000002</p:SystemName>"
        "<p:SystemName>ab</p:SystemName><p:UserName>CORP\\alice</p:UserName>");

    CHECK(redactor.redact("https://HV01.corp.example:5986/ \\\\hv01\\c$ hv011 xhv01") ==
          "https://host-0:5986/ \\\\host-0\\c$ hv011 xhv01");
    CHECK(redactor.redact("corp\\SVC-backup, svc-backup, NODE7, node7x") ==
          "user-0, user-0, host-1, node7x");
    CHECK(redactor.redact("CORP\\Alice") == "user-1");
    CHECK(redactor.redact("BBBBBBBB-0000-4000-8000-000000000002 ab") ==
          "BBBBBBBB-0000-4000-8000-000000000002 ab");
}

TEST_CASE("recorder: what it writes names nobody, and plays again", "[wsman]") {
    const test::TemporaryDirectory directory;
    hyperv::FakeHyperV fake;
    fill(fake);
    fake.record_directory = directory.path() / "record";
    const auto vms = fake.connect()->list_vms();
    REQUIRE(vms.size() == 1);

    const std::string text = all_of(fake.record_directory);
    CHECK(text.find("web01") != std::string::npos);
    for (const char* name : {"hv01", "HV01", "backup", "pass", "Authorization"}) {
        INFO(name);
        CHECK(text.find(name) == std::string::npos);
    }

    auto replay = std::make_unique<test::ReplayTransport>(fake.record_directory);
    const test::ReplayTransport& kept = *replay;
    ManualClock clock{WallTime{}};
    NullLog log;
    const auto again = hyperv::connect_over({clock, log},
                                            {.url = "https://other:5986/wsman",
                                             .authentication = hyperv::Authentication::basic,
                                             .user = "somebody",
                                             .password = Secret{"else"}},
                                            std::move(replay), {});
    const auto replayed = again->list_vms();
    REQUIRE(replayed.size() == 1);
    CHECK(replayed[0].name == vms[0].name);
    CHECK(replayed[0].id == vms[0].id);
    CHECK(kept.is_at_end());
    CHECK_THROWS_WITH(again->list_vms(), Catch::Contains("beyond the recording"));
}

}  // namespace entrepot::wsman

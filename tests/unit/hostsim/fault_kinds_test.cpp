// The list of faults: a matrix of tests is made from it (threats-and-faults.md, hyperv-wmi.md).
#include "simulator.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

using namespace entrepot;
using namespace entrepot::test;

namespace {

Json read_list() {
    const Simulator simulator;
    return simulator.control({"fault", "list-kinds", "--json"});
}

/// The rows of the references that a kind stands for. Those of 5.5 are counted, 5.6 goes by event
/// and HRESULT, 8 by paragraph and counted "seen bugs", 9 by item.
constexpr const char* kWithKind[] = {"F-WM-01",
                                     "F-WM-02",
                                     "F-WM-03",
                                     "F-WM-04",
                                     "F-WM-05",
                                     "F-WM-06",
                                     "F-WM-07",
                                     "F-WM-08",
                                     "F-WM-09",
                                     "F-WM-10",
                                     "F-WM-11",
                                     "F-WM-12",
                                     "F-WM-13",
                                     "F-WM-14",
                                     "F-WM-15",
                                     "F-WM-16",
                                     "F-WM-17",
                                     "F-WM-18",
                                     "F-WM-19",
                                     "F-WM-20",
                                     "F-WM-21",
                                     "F-WM-22",
                                     "F-WM-25",
                                     "F-WM-26",
                                     "F-SH-01",
                                     "F-SH-02",
                                     "F-SH-03",
                                     "F-SH-04",
                                     "F-SH-05",
                                     "F-SH-06",
                                     "F-SH-07",
                                     "F-SH-09",
                                     "F-SH-15",
                                     "5.5/1",
                                     "5.5/2",
                                     "5.5/3",
                                     "5.5/4",
                                     "5.5/6",
                                     "5.5/8",
                                     "5.5/9",
                                     "5.6/disk-added",
                                     "5.6/disk-removed",
                                     "5.6/disk-resized",
                                     "5.6/written-offline",
                                     "5.6/checkpoint-created",
                                     "5.6/side-files-lost",
                                     "5.6/host-crash",
                                     "5.6/migration",
                                     "5.6/other-product",
                                     "5.6/0xC03A0029",
                                     "5.6/0xC03A002A",
                                     "5.6/0xC03A0030",
                                     "5.6/0xC03A0020",
                                     "5.6/0xC03A000D",
                                     "5.6/0xC03A000E",
                                     "5.6/0xC03A0016",
                                     "5.6/0xC03A0018",
                                     "5.6/0xC03A0004",
                                     "5.6/0xC03A001A",
                                     "5.6/0xC03A001B",
                                     "5.6/0x80070002",
                                     "5.6/0x80070005",
                                     "5.6/0x80070020",
                                     "5.6/0x80070070",
                                     "5.6/0x80070035",
                                     "5.6/0x8007052F",
                                     "5.6/0x800423Fx",
                                     "8/who-writes",
                                     "8/permissions",
                                     "8/limits",
                                     "8/linux-guests",
                                     "8/conflicts",
                                     "8/timeouts",
                                     "8/bug-1",
                                     "8/bug-2",
                                     "8/bug-3",
                                     "8/bug-4",
                                     "8/bug-5",
                                     "8/bug-6",
                                     "8/bug-7",
                                     "8/bug-10",
                                     "9/1",
                                     "9/2",
                                     "9/3",
                                     "9/4",
                                     "9/5",
                                     "9/6",
                                     "9/7",
                                     "9/8",
                                     "9/9",
                                     "9/10",
                                     "9/11"};

/// The rest: tests/hostsim/README.md says what is there instead.
constexpr const char* kWithReason[] = {"F-WM-23",    "F-WM-24",       "F-SH-08",
                                       "F-SH-10",    "F-SH-11",       "F-SH-12",
                                       "F-SH-13",    "F-SH-14",       "5.5/5",
                                       "5.5/7",      "5.6/new-id",    "5.6/checkpoint-applied",
                                       "5.6/import", "5.6/downgrade", "8/unsupported",
                                       "8/bug-8",    "8/bug-9",       "9/12"};

}  // namespace

TEST_CASE("hostsim faults: every case of the list can be planned", "[hostsim]") {
    const Simulator simulator;
    const Json list = simulator.control({"fault", "list-kinds", "--json"});
    REQUIRE(list.at("kinds").size() > 70);
    std::set<std::string> phases;
    for (const Json& item : list.at("cases")) {
        INFO(item.dump());
        phases.insert(item.at("phase"));
        CHECK_FALSE(item.at("at").get<std::string>().starts_with("@"));
    }
    CHECK(phases == std::set<std::string>{"backup", "both", "restore"});
    for (const Json& kind : list.at("kinds")) {
        std::string action = kind.at("name");
        if (!kind.at("argument").get<std::string>().empty()) {
            action += ":" + kind.at("examples").at(0).get<std::string>();
        }
        simulator.plan_fault(kind.at("at").at(0), action);
        CHECK_FALSE(kind.at("stands_for").empty());
    }
    CHECK(simulator.control({"fault", "list"}).at("faults").size() == list.at("kinds").size());
}

TEST_CASE("hostsim faults: every row of the references has a kind, or a reason in the README",
          "[hostsim]") {
    const Json list = read_list();
    std::set<std::string> ids;
    for (const Json& kind : list.at("kinds")) {
        for (const Json& id : kind.at("stands_for"))
            ids.insert(id);
    }
    for (const char* id : kWithKind) {
        INFO(id);
        CHECK(ids.contains(id));
    }
    std::ifstream file{ENTREPOT_SOURCE_DIR "/tests/hostsim/README.md"};
    const std::string readme{std::istreambuf_iterator<char>{file}, {}};
    for (const char* id : kWithReason) {
        INFO(id);
        CHECK_FALSE(ids.contains(id));
        CHECK(readme.find(id) != std::string::npos);
    }
}

TEST_CASE("hostsim faults: an HRESULT that a kind stands for is among its examples", "[hostsim]") {
    const Json list = read_list();
    std::size_t found = 0;
    for (const Json& kind : list.at("kinds")) {
        for (const Json& id : kind.at("stands_for")) {
            const std::string text = id;
            // 0x800423Fx is a family; the kind has one of it built in.
            if (!text.starts_with("5.6/0x") || text.ends_with('x')) continue;
            INFO(kind.at("name") << " " << text);
            const Json& examples = kind.at("examples");
            CHECK(std::count(examples.begin(), examples.end(), text.substr(4)) == 1);
            ++found;
        }
    }
    CHECK(found > 15);
}

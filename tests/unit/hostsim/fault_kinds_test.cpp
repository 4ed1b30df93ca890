// The list of faults: a matrix of tests is made from it (threats-and-faults.md, hyperv-wmi.md).
#include "simulator.h"

#include <catch2/catch.hpp>

#include <set>

using namespace entrepot;
using namespace entrepot::test;

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

TEST_CASE("hostsim faults: what a host can do wrong on the wire and on the share is all there",
          "[hostsim]") {
    const Simulator simulator;
    std::set<std::string> ids;
    for (const Json& kind : simulator.control({"fault", "list-kinds"}).at("kinds")) {
        for (const Json& id : kind.at("stands_for"))
            ids.insert(id);
    }
    // F-WM-23 is `ctl clock`, F-WM-24 `ctl vm rename`; F-SH-08 and 10 to 14 are the share's own.
    for (const char* id :
         {"F-WM-01",         "F-WM-02",           "F-WM-03",           "F-WM-04",
          "F-WM-05",         "F-WM-06",           "F-WM-07",           "F-WM-08",
          "F-WM-09",         "F-WM-10",           "F-WM-11",           "F-WM-12",
          "F-WM-13",         "F-WM-14",           "F-WM-15",           "F-WM-16",
          "F-WM-17",         "F-WM-18",           "F-WM-19",           "F-WM-20",
          "F-WM-21",         "F-WM-22",           "F-WM-25",           "F-WM-26",
          "F-SH-01",         "F-SH-02",           "F-SH-03",           "F-SH-04",
          "F-SH-05",         "F-SH-06",           "F-SH-07",           "F-SH-09",
          "F-SH-15",         "hyperv-wmi.md 5.5", "hyperv-wmi.md 5.6", "hyperv-wmi.md 8",
          "hyperv-wmi.md 9", "hyperv-wmi.md 6.1"}) {
        INFO(id);
        CHECK(ids.contains(id));
    }
}

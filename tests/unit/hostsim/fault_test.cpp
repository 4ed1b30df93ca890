// Planned faults do what their name says (threats-and-faults F-WM, hyperv-wmi.md 5.5).
#include "simulator.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::test;

TEST_CASE("hostsim fault: a lost reply hides a snapshot that was made", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    simulator.plan_fault("CreateSnapshot", "reply-lost");
    // On a connection that was used before, libcurl sends a lost request again by itself.
    Soap first{simulator};
    CHECK(start_snapshot(first, vm, 2).status == 0);
    const auto jobs = soap.query("SELECT * FROM Msvm_ConcreteJob WHERE JobType=70");
    CHECK(jobs.size() == 1);

    simulator.plan_fault("ConvertToReferencePoint", "request-lost");
    Soap second{simulator};
    CHECK(start_convert(second, "Microsoft:x").status == 0);
    CHECK(simulator.control({"fault", "list"}).at("faults").empty());
}

TEST_CASE("hostsim fault: jobs fail before and after their work, or vanish", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    simulator.plan_fault("CreateSnapshot", "fail-job:0x80070005");
    const Answer failed = soap.wait(start_snapshot(soap, vm, 2));
    CHECK(failed.text("JobState") == "10");
    CHECK(failed.text("ErrorCode") == "32768");
    CHECK(failed.text("ErrorDescription").ends_with("(0x80070005)."));
    CHECK(simulator.control({"audit"}).at("snapshots").empty());

    const std::string snapshot = take_snapshot(soap, vm, 2);
    simulator.plan_fault("ConvertToReferencePoint", "fail-job-late:0x8007052F");
    CHECK(soap.wait(start_convert(soap, snapshot)).text("JobState") == "10");
    CHECK(simulator.control({"audit"}).at("reference_points").size() == 1);

    simulator.plan_fault("CreateSnapshot", "vanish-job");
    CHECK(soap.wait(start_snapshot(soap, vm, 2)).has("a:DestinationUnreachable"));
    CHECK(simulator.control({"audit"}).at("snapshots").size() == 1);
}

TEST_CASE("hostsim fault: a hanging job can be cancelled", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    simulator.plan_fault("CreateSnapshot", "hang-job");
    const Answer started = start_snapshot(soap, vm, 2);
    const std::size_t at = started.body.find("Name=\"InstanceID\">") + 18;
    const Answer cancelled = soap.invoke("Msvm_ConcreteJob", "RequestStateChange",
                                         "<p:RequestedState>4</p:RequestedState>",
                                         {{"InstanceID", started.body.substr(at, 36)}});
    CHECK(cancelled.text("ReturnValue") == "0");
    CHECK(soap.wait(started).text("JobState") == "8");
}

TEST_CASE("hostsim fault: HTTP, quota, login and names", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    simulator.plan_fault("Identify", "http-status:503");
    CHECK(soap.post(identify_envelope()).status == 503);
    simulator.plan_fault("*", "unreachable", -1);
    CHECK(Soap{simulator}.post(identify_envelope()).status == 0);
    simulator.control({"fault", "clear"});
    simulator.plan_fault("login", "lock-account", -1);
    CHECK(Soap{simulator}.post(identify_envelope()).status == 401);
    simulator.control({"fault", "clear"});
    simulator.plan_fault("Enumerate", "quota");
    CHECK(soap.enumerate(std::string{kV2} + "Msvm_ComputerSystem", "").has("w:QuotaLimit"));
    CHECK(simulator.control({"fault", "add", "*", "no-such-fault"}).contains("error"));
}

TEST_CASE("hostsim fault: an image can be cut, an export can fail half-way", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    simulator.guest_writes("a.raw", 0, 4 * kMiB, 'a');
    const std::string snapshot = take_snapshot(soap, vm, 2);
    simulator.plan_fault("ExportSystemDefinition", "truncate-image");
    REQUIRE(soap.wait(start_export(soap, vm, snapshot, "cut")).text("JobState") == "7");
    const auto image = simulator.path("exports/cut/Virtual Hard Disks/web01.vhdx");
    CHECK(std::filesystem::file_size(image) % kMiB != 0);

    simulator.plan_fault("ExportSystemDefinition", "fail-export:0x80070070");
    const Answer failed = soap.wait(start_export(soap, vm, snapshot, "full"));
    CHECK(failed.text("ErrorDescription").ends_with("(0x80070070)."));
    CHECK(std::filesystem::exists(simulator.path("exports/full/Virtual Hard Disks")));
    CHECK(start_export(soap, vm, snapshot, "again").text("ReturnValue") == "4096");
}

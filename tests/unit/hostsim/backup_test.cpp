// A backup seen from outside: what lands on the share, judged by other programs (hyperv-wmi.md 5,
// 7).
#include "simulator.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace entrepot;
using namespace entrepot::test;

namespace {

bool is_installed(const char* program) {
    return std::system(fmt::format("command -v {} >/dev/null", program).c_str()) == 0;
}

std::vector<std::filesystem::path> list(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string read(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// The raw content of an image by 7-Zip, which follows a parent in the same folder.
std::string content_by_7z(const std::filesystem::path& image, const std::filesystem::path& target) {
    const std::string command =
        fmt::format("7z x -so '{}' > '{}' 2>/dev/null", image.string(), target.string());
    return std::system(command.c_str()) == 0 ? read(target) : std::string{"7z failed"};
}

std::filesystem::path find_disk(const std::filesystem::path& folder, const std::string& prefix) {
    for (const auto& file : list(folder)) {
        if (file.filename().string().starts_with(prefix)) return file;
    }
    return {};
}

}  // namespace

TEST_CASE("hostsim backup: a full and a differential hold what the guest wrote", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    simulator.guest_writes("a.raw", 3 * kMiB, 5 * kMiB, 'a');
    simulator.guest_writes("b.raw", 1 * kMiB, 4096, 'b');
    const std::string at_full = read(simulator.path("a.raw"));

    const std::string first = take_snapshot(soap, vm, 2);
    simulator.guest_writes("a.raw", 0, kMiB, 'L');
    REQUIRE(soap.wait(start_export(soap, vm, first, "run1")).text("JobState") == "7");
    const std::string point = convert(soap, first);
    const auto full = list(simulator.path("exports/run1"));
    CHECK(full.size() == 5);

    simulator.guest_writes("a.raw", 4 * kMiB, 4096, '\0');
    simulator.guest_writes("a.raw", 20 * kMiB, 3 * kMiB, 'c');
    const std::string second = take_snapshot(soap, vm, 2);
    REQUIRE(soap.wait(start_export(soap, vm, second, "run2", point)).text("JobState") == "7");
    CHECK(simulator.exports().size() == 4);

    if (!is_installed("7z")) {
        WARN("7z is not installed: the images are not judged");
        return;
    }
    const auto base = find_disk(simulator.path("exports/run1"), "web01.vhdx");
    CHECK(content_by_7z(base, simulator.path("out")) == at_full);
    const auto child = find_disk(simulator.path("exports/run2"), "web01_");
    std::filesystem::copy(base, child.parent_path());
    CHECK(content_by_7z(child, simulator.path("out")) == read(simulator.path("a.raw")));
    CHECK(std::filesystem::file_size(child) < 16 * kMiB);
    const auto small = find_disk(simulator.path("exports/run2"), "web01-1_");
    CHECK(std::filesystem::file_size(small) == 4 * kMiB);
}

TEST_CASE("hostsim backup: qemu-img finds a full image sound", "[hostsim]") {
    if (!is_installed("qemu-img")) {
        WARN("qemu-img is not installed");
        return;
    }
    const Simulator simulator{5};
    Soap soap{simulator};
    simulator.guest_writes("a.raw", 7 * kMiB, 2 * kMiB, 'a');
    const std::string vm = vm_id(soap);
    const std::string snapshot = take_snapshot(soap, vm, 2);
    REQUIRE(soap.wait(start_export(soap, vm, snapshot, "run")).text("JobState") == "7");
    for (const auto& file : list(simulator.path("exports/run"))) {
        const std::string name = file.filename().string();
        if (!name.starts_with("web01.")) continue;
        CHECK(std::system(fmt::format("qemu-img check -q -f vhdx '{}'", file.string()).c_str()) ==
              0);
    }
}

TEST_CASE("hostsim backup: snapshot, conversion and merge are seen on the VM", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    const std::string snapshot = take_snapshot(soap, vm, 2);
    const auto settings = soap.query(
        "SELECT * FROM Msvm_VirtualSystemSettingData WHERE VirtualSystemType="
        "'Microsoft:Hyper-V:Snapshot:Recovery'");
    REQUIRE(settings.size() == 1);
    const std::string active =
        "SELECT * FROM Msvm_StorageAllocationSettingData WHERE InstanceID "
        "LIKE 'Microsoft:" +
        vm + "%'";
    CHECK(element_text(soap.query(active).at(0), "HostResource").ends_with(".avhdx"));
    CHECK(start_snapshot(soap, vm, 2).text("ReturnValue") == "5");

    convert(soap, snapshot);
    CHECK(soap.query("SELECT * FROM Msvm_VirtualSystemReferencePoint").size() == 1);
    simulator.control({"clock", "+1m"});
    CHECK(element_text(soap.query(active).at(0), "HostResource").ends_with("\\web01.vhdx"));
    const Json audit = simulator.control({"audit"});
    CHECK(audit.at("snapshots").empty());
    CHECK(audit.at("unmerged_disks").empty());
    CHECK(audit.at("reference_points").at(0).at("foreign") == false);
}

TEST_CASE("hostsim backup: a point from before an applied checkpoint is no base", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    const std::string checkpoint = simulator.control({"checkpoint", "create", "web01"}).at("id");
    const std::string point = convert(soap, take_snapshot(soap, vm, 2));
    simulator.control({"checkpoint", "apply", "web01", checkpoint});
    CHECK(soap.query("SELECT * FROM Msvm_LastAppliedSnapshot").size() == 1);

    const std::string snapshot = take_snapshot(soap, vm, 2);
    const Answer ended = soap.wait(start_export(soap, vm, snapshot, "run", point));
    CHECK(ended.text("JobState") == "10");
    CHECK(ended.text("ErrorDescription").ends_with("(0xC03A0029)."));
}

TEST_CASE("hostsim state: snapshots outlive a restart, jobs do not", "[hostsim]") {
    Simulator simulator;
    std::string vm;
    {
        Soap soap{simulator};
        vm = vm_id(soap);
        take_snapshot(soap, vm, 2);
    }
    simulator.stop();
    simulator.start();
    Soap soap{simulator};
    CHECK(simulator.control({"audit"}).at("snapshots").size() == 1);
    CHECK(soap.query("SELECT * FROM Msvm_ConcreteJob").empty());
    CHECK(vm_id(soap) == vm);
}

TEST_CASE("hostsim backup: tracking by sectors keeps to the sectors of each disk", "[hostsim]") {
    const Simulator simulator{0, {{"tracking_granularity", 512}}};
    if (!is_installed("7z")) {
        WARN("7z is not installed: the images are not judged");
        return;
    }
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    simulator.guest_writes("b.raw", 0, kMiB, 'a');
    const std::string first = take_snapshot(soap, vm, 2);
    REQUIRE(soap.wait(start_export(soap, vm, first, "run1")).text("JobState") == "7");
    const std::string point = convert(soap, first);
    // One sector of 4096 bytes of which only the last 512 change.
    simulator.guest_writes("b.raw", 8192 - 512, 512, 'b');
    const std::string second = take_snapshot(soap, vm, 2);
    REQUIRE(soap.wait(start_export(soap, vm, second, "run2", point)).text("JobState") == "7");
    const auto child = find_disk(simulator.path("exports/run2"), "web01-1_");
    std::filesystem::copy(find_disk(simulator.path("exports/run1"), "web01-1.vhdx"),
                          child.parent_path());
    CHECK(content_by_7z(child, simulator.path("out")) == read(simulator.path("b.raw")));
}

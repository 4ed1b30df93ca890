// The inventory of a large host: how many requests, how much memory, and never a part of a list.
#include "base/error.h"
#include "base/file_system.h"
#include "exporter/hyperv/hyperv_host.h"
#include "exporter/wsman/limits.h"
#include "tests/unit/exporter/fake_hyperv.h"

#include <catch2/catch.hpp>

#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <string>

namespace entrepot::hyperv {
namespace {

constexpr std::size_t kCheckpointsOfEach = 5;
constexpr std::size_t kAllowedBytes = 64 * kMiB;

std::string guid(char kind, std::size_t number) {
    return fmt::format("{}AAAAAAA-0000-4000-8000-{:012X}", kind, number);
}

/// Properties that we do not ask about: real instances have dozens.
std::vector<std::pair<std::string, std::string>> with_ballast(
    std::vector<std::pair<std::string, std::string>> properties) {
    for (int i = 0; i < 40; ++i)
        properties.emplace_back(fmt::format("Unused{}", i), "a value that nobody reads");
    return properties;
}

/// A host with that many VMs, each with one disk and some checkpoints that have it, too. Its lists
/// are made as they are asked for, page by page.
class LargeHost {
public:
    explicit LargeHost(std::size_t vm_count) : vm_count_(vm_count) {
        const std::size_t settings = vm_count * (1 + kCheckpointsOfEach);
        lists_["Msvm_ComputerSystem"] = {vm_count + 1, [this](std::size_t i) { return system(i); }};
        lists_["Msvm_VirtualSystemSettingData"] = {
            settings, [this](std::size_t i) { return settings_of(i); }};
        lists_["Msvm_StorageAllocationSettingData"] = {settings,
                                                       [this](std::size_t i) { return image(i); }};
        lists_["Msvm_ResourceAllocationSettingData"] = {
            settings * 2, [this](std::size_t i) { return resource(i); }};
        lists_["Msvm_VirtualSystemReferencePoint"] = {vm_count,
                                                      [](std::size_t i) { return point(i); }};
        lists_["Msvm_VssComponent"] = {vm_count, [](std::size_t i) { return component(i); }};
    }

    std::unique_ptr<HyperVHost> connect() {
        auto owned = std::make_unique<wsman::FakeTransport>(
            [this](const wsman::HttpRequest& request) { return answer(request); });
        return connect_over({clock_, log_},
                            {.url = "https://hv01:5986/wsman",
                             .authentication = Authentication::basic,
                             .user = "backup",
                             .password = Secret{"pass"}},
                            std::move(owned), {});
    }

    std::size_t pulls = 0;
    std::size_t others = 0;
    /// Called before each Pull, with the class; may throw.
    std::function<void(const std::string& class_name, std::size_t from)> on_pull =
        [](const std::string&, std::size_t) {};

private:
    struct List {
        std::size_t count = 0;
        std::function<std::string(std::size_t)> make;
    };

    /// Whose settings the i-th are: every sixth a VM's own, the others its checkpoints'.
    static std::string owner(std::size_t i) {
        return guid(i % (1 + kCheckpointsOfEach) == 0 ? 'A' : 'B',
                    i % (1 + kCheckpointsOfEach) == 0 ? i / (1 + kCheckpointsOfEach) : i);
    }
    static std::string system(std::size_t i) {
        const std::string name = i == 0 ? std::string{"HV01"} : guid('A', i - 1);
        return instance_xml("Msvm_ComputerSystem",
                            with_ballast({{"Name", name},
                                          {"ElementName", fmt::format("vm{:04}", i)},
                                          {"EnabledState", "2"},
                                          {"OperationalStatus", "2"}}));
    }
    static std::string settings_of(std::size_t i) {
        const bool is_vm = i % (1 + kCheckpointsOfEach) == 0;
        return instance_xml(
            "Msvm_VirtualSystemSettingData",
            with_ballast({{"InstanceID", "Microsoft:" + owner(i)},
                          {"ElementName", "a name"},
                          {"VirtualSystemIdentifier", guid('A', i / (1 + kCheckpointsOfEach))},
                          {"VirtualSystemType", is_vm ? "Microsoft:Hyper-V:System:Realized"
                                                      : "Microsoft:Hyper-V:Snapshot:Realized"},
                          {"VirtualSystemSubType", "Microsoft:Hyper-V:SubType:2"},
                          {"Version", "9.0"}}));
    }
    static std::string image(std::size_t i) {
        return instance_xml(
            "Msvm_StorageAllocationSettingData",
            with_ballast({{"InstanceID", "Microsoft:" + owner(i) + "\\CCCC\\0\\0\\L"},
                          {"ResourceSubType", "Microsoft:Hyper-V:Virtual Hard Disk"},
                          {"HostResource", fmt::format("D:\\VMs\\disk{}.vhdx", i)}}));
    }
    static std::string resource(std::size_t i) {
        const bool is_drive = i % 2 == 0;
        return instance_xml(
            "Msvm_ResourceAllocationSettingData",
            with_ballast({{"InstanceID", "Microsoft:" + owner(i / 2) +
                                             (is_drive ? "\\CCCC\\0\\0\\D" : "\\CCCC\\0")},
                          {"ResourceType", is_drive ? "17" : "6"},
                          {"AddressOnParent", "0"}}));
    }
    static std::string point(std::size_t i) {
        return instance_xml("Msvm_VirtualSystemReferencePoint",
                            {{"InstanceID", fmt::format("rp{}", i)},
                             {"VirtualSystemIdentifier", guid('A', i)},
                             {"ReferencePointType", "2"}});
    }
    static std::string component(std::size_t i) {
        return instance_xml("Msvm_VssComponent", with_ballast({{"SystemName", guid('A', i)},
                                                               {"EnabledState", "2"},
                                                               {"OperationalStatus", "2"}}));
    }

    wsman::HttpAnswer answer(const wsman::HttpRequest& request) {
        const std::string action = wsman::action_of(request);
        const std::string uri = wsman::text_between(
            request.body, "<w:ResourceURI s:mustUnderstand=\"true\">", "</w:ResourceURI>");
        const std::string name = uri.substr(uri.rfind('/') + 1);
        if (name == "*") return wsman::fault_to(request, "CannotProcessFilter", 0x8033801A);
        if (action.ends_with("/Release")) return wsman::answer_to(request, "");
        const bool is_pull = action.ends_with("/Pull");
        ++(is_pull ? pulls : others);
        std::size_t from = 0;
        if (is_pull) {
            const std::string context =
                wsman::text_between(request.body, "<n:EnumerationContext>", "<");
            std::from_chars(context.data(), context.data() + context.size(), from);
            on_pull(name, from);
        }
        return page(request, lists_[name], from, is_pull);
    }

    static wsman::HttpAnswer page(const wsman::HttpRequest& request, const List& list,
                                  std::size_t from, bool is_pull) {
        const std::size_t until = std::min(list.count, from + wsman::limits::kItemsPerPullMax);
        std::string items;
        for (std::size_t i = from; i < until; ++i)
            items += list.make(i);
        const char* prefix = is_pull ? "n" : "w";
        const bool is_last = until == list.count;
        const std::string context =
            is_last ? std::string{}
                    : fmt::format("<n:EnumerationContext>{}</n:EnumerationContext>", until);
        return wsman::answer_to(
            request, fmt::format("<n:{0}Response>{1}<{2}:Items>{3}</{2}:Items>{4}</n:{0}Response>",
                                 is_pull ? "Pull" : "Enumerate", context, prefix, items,
                                 is_last ? fmt::format("<{}:EndOfSequence/>", prefix) : ""));
    }

    std::size_t vm_count_;
    std::map<std::string, List> lists_;
    ManualClock clock_{WallTime{}};
    NullLog log_;
};

/// A line of /proc/self/status in bytes.
std::size_t status_bytes(const std::string& name) {
    std::ifstream file{"/proc/self/status"};
    std::string line;
    while (std::getline(file, line)) {
        if (!line.starts_with(name + ":")) continue;
        std::size_t kib = 0;
        const std::size_t digit = line.find_first_of("0123456789");
        std::from_chars(line.data() + digit, line.data() + line.size(), kib);
        return kib * kKiB;
    }
    return 0;
}

}  // namespace

TEST_CASE("large host: requests besides Pulls do not grow with the VMs", "[hyperv]") {
    LargeHost small{10};
    LargeHost large{1'000};
    CHECK(small.connect()->list_vms().size() == 10);
    const auto vms = large.connect()->list_vms();

    REQUIRE(vms.size() == 1'000);
    CHECK(small.others == large.others);
    CHECK(large.others <= 20);
    // 1,001 systems, 6,000 settings and images each, 12,000 resources, 1,000 of the two others.
    CHECK(large.pulls <= 275);
    for (const Vm& vm : vms) {
        REQUIRE(vm.snapshots.size() == kCheckpointsOfEach);
        REQUIRE(vm.disks.size() == 1);
        REQUIRE(vm.reference_points.size() == 1);
        REQUIRE(vm.integration_services.size() == 1);
        REQUIRE(vm.disks[0].controller == "");
    }
}

TEST_CASE("large host: 1,000 VMs with 5,000 checkpoints fit into 64 MiB", "[hyperv]") {
    LargeHost host{1'000};
    const auto connection = host.connect();
    std::ofstream{"/proc/self/clear_refs"} << "5";  // The peak begins anew.
    const std::size_t before = status_bytes("VmRSS");
    const auto vms = connection->list_vms();
    const std::size_t peak = status_bytes("VmHWM");

    CHECK(vms.size() == 1'000);
    INFO(before / kKiB << " KiB before, " << peak / kKiB << " KiB at most");
#if defined(__SANITIZE_ADDRESS__)
    WARN("memory is not judged under a sanitizer");
#else
    CHECK(peak - std::min(peak, before) < kAllowedBytes);
    WARN("inventory of 1,000 VMs took " << (peak - before) / kMiB << " MiB");
#endif
}

TEST_CASE("large host: an enumeration that dies in the middle gives no list at all",
          "[F-WM-14][hyperv]") {
    LargeHost host{300};
    const std::string dying =
        GENERATE("Msvm_ComputerSystem", "Msvm_VirtualSystemSettingData",
                 "Msvm_StorageAllocationSettingData", "Msvm_ResourceAllocationSettingData",
                 "Msvm_VirtualSystemReferencePoint", "Msvm_VssComponent");
    SECTION("for good") {
        host.on_pull = [&](const std::string& name, std::size_t from) {
            if (name == dying && from >= 200) throw Error{ErrorCode::unreachable, "the line broke"};
        };
        CHECK_THROWS_AS(host.connect()->list_vms(), Error);
    }
    SECTION("once") {
        int left = 1;
        host.on_pull = [&](const std::string& name, std::size_t from) {
            if (name == dying && from >= 200 && left-- > 0) {
                throw Error{ErrorCode::unreachable, "the line broke"};
            }
        };
        const auto vms = host.connect()->list_vms();
        REQUIRE(vms.size() == 300);
        for (const Vm& vm : vms) {
            REQUIRE(vm.snapshots.size() == kCheckpointsOfEach);
            REQUIRE(vm.disks.size() == 1);
            REQUIRE(vm.reference_points.size() == 1);
        }
    }
}

}  // namespace entrepot::hyperv

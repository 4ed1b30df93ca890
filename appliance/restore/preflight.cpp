// See preflight.h.
#include "appliance/restore/preflight.h"

#include "appliance/backup/exported_disk.h"
#include "appliance/restore/host_path.h"
#include "appliance/restore/host_version.h"
#include "appliance/restore/limits.h"
#include "appliance/restore/network_choice.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::restore {
namespace {

using backup::equal_names;

class Checks {
public:
    explicit Checks(const Question& question)
        : question_(question), facts_(backup::vm_facts_from(question.point.draft.host_facts)) {}

    std::vector<Check> run() {
        check_point();
        check_version();
        check_identity();
        check_name();
        check_space();
        check_network();
        check_addresses();
        check_tpm();
        check_start();
        return std::move(checks_);
    }

private:
    void add(std::string id, Verdict verdict, std::string text, std::string cure = {}) {
        checks_.push_back({std::move(id), verdict, std::move(text), std::move(cure)});
    }

    const RestoreRequest& request() const { return question_.request; }
    const std::string& vm_name() const { return question_.point.draft.vm_name; }

    void check_point() {
        const auto& point = question_.point;
        if (point.has_known_damage) {
            add("point", Verdict::blocked,
                fmt::format("point {} of {} has known damage", point.id, vm_name()),
                "Take another point; `entrepot verify` shows which are sound.");
            return;
        }
        for (const auto& disk : point.draft.skipped) {
            add("disks", Verdict::warning,
                fmt::format("disk {} is not in the point ({}); the VM comes back without it",
                            disk.name, disk.reason));
        }
        add("point", Verdict::good,
            fmt::format("point {} of {}, {}, with {} disks", point.id, vm_name(),
                        format_time(point.time), point.disks.size()));
    }

    void check_version() {
        const auto newest = newest_version_of(question_.view.facts.os_build);
        const auto needed = parse_configuration_version(facts_.version);
        const std::string host =
            fmt::format("host {} (build {})", question_.host_name, question_.view.facts.os_build);
        if (!newest) {
            add("version", Verdict::blocked, host + " is older than Windows Server 2016",
                "Take another host.");
        } else if (!needed) {
            add("version", Verdict::note,
                "the point does not say which configuration version the VM has; the host refuses "
                "one that it does not know");
        } else if (*needed > *newest) {
            add("version", Verdict::blocked,
                fmt::format("the VM has configuration version {}, {} runs up to {}.{}",
                            facts_.version, host, newest->major, newest->minor),
                "Take a host of the same release or a newer one. On this one only the disks can "
                "be used: `entrepot restore disk`, and a new VM for them.");
        } else {
            add("version", Verdict::good,
                fmt::format("{} runs configuration version {}", host, facts_.version));
        }
    }

    void check_identity() {
        const std::string& id = question_.point.draft.vm_id;
        const auto& vms = question_.view.vms;
        const auto vm = std::find_if(vms.begin(), vms.end(), [&](const hyperv::VmIdentity& one) {
            return equal_names(one.id, id);
        });
        const auto& planned = question_.view.planned;
        const bool is_planned =
            std::any_of(planned.begin(), planned.end(),
                        [&](const hyperv::PlannedVm& one) { return equal_names(one.id, id); });
        if (!request().keeps_id) {
            add("id", Verdict::good,
                vm == vms.end() ? "the VM gets a new id"
                                : "the VM gets a new id, beside the original");
            return;
        }
        if (vm != vms.end()) {
            add("id", Verdict::blocked,
                fmt::format("VM {} ({}) is still on host {}, and ids are unique there", vm->name,
                            id, question_.host_name),
                "Restore without --keep-id, beside it; or remove it on the host first.");
        } else if (is_planned) {
            add("id", Verdict::blocked,
                fmt::format("an import of VM {} that nobody finished holds that id on host {}", id,
                            question_.host_name),
                "If nobody works on it, on the host: " + hyperv::destroy_planned_vm_command(id));
        } else if (!question_.other_hosts.empty()) {
            add("id", Verdict::warning,
                fmt::format("the VM was last seen on {}, too: two VMs of one id and one address "
                            "must not run at once",
                            fmt::join(question_.other_hosts, " and ")));
        } else {
            add("id", Verdict::good,
                fmt::format("id {} is free on host {}", id, question_.host_name));
        }
    }

    void check_name() {
        const std::string& wanted = request().name;
        const auto& vms = question_.view.vms;
        if (wanted.size() > limits::kVmNameCharactersMax) {
            add("name", Verdict::blocked,
                fmt::format("the name has more than {} characters", limits::kVmNameCharactersMax),
                "Choose a shorter one.");
            return;
        }
        const std::string name = choose_name(request(), question_.point, vms);
        const bool is_taken =
            std::any_of(vms.begin(), vms.end(),
                        [&](const hyperv::VmIdentity& one) { return equal_names(one.name, name); });
        if (is_taken) {
            add("name", Verdict::blocked,
                fmt::format("host {} has a VM named '{}'", question_.host_name, name),
                "Give another name with --name.");
            return;
        }
        add("name", Verdict::good, fmt::format("the VM will be named '{}'", name));
    }

    void check_space() {
        const std::uint64_t needed = bytes_needed(question_.point);
        const std::uint64_t free = question_.share_free_bytes;
        if (free < needed) {
            add("space", Verdict::blocked,
                fmt::format("share {} has {} free, the disks need about {}", question_.target.share,
                            format_size(free), format_size(needed)),
                "Make room on the share's volume.");
            return;
        }
        add("space", Verdict::good,
            fmt::format("share {} has {} free, about {} are needed", question_.target.share,
                        format_size(free), format_size(needed)));
        const auto& at_host = question_.view.free_bytes;
        if (at_host && *at_host < needed && question_.target.reach == Reach::copied) {
            add("space", Verdict::blocked,
                fmt::format("host {} has {} free at {}, the disks need about {}",
                            question_.host_name, format_size(*at_host), question_.target.host_path,
                            format_size(needed)),
                "Make room there, or name another folder with --to.");
        }
    }

    void check_network() {
        for (const SwitchChange& change : request().switches) {
            if (find_switch(question_.view.switches, change.to)) continue;
            std::vector<std::string> names;
            for (const auto& known : question_.view.switches)
                names.push_back(known.name);
            add("network", Verdict::blocked,
                fmt::format("host {} has no switch '{}'", question_.host_name, change.to),
                names.empty() ? "It has none at all. Restore without --switch."
                              : fmt::format("It has: {}.", fmt::join(names, ", ")));
        }
        if (!facts_.are_known) {
            add("network", Verdict::note,
                "the point does not say which network adapters the VM has; each stays "
                "disconnected unless --switch or --connect finds a switch for it");
            return;
        }
        for (const auto& adapter : facts_.adapters)
            check_adapter(adapter);
        for (const SwitchChange& change : request().switches) {
            const bool is_used =
                change.from == "*" ||
                std::any_of(facts_.adapters.begin(), facts_.adapters.end(),
                            [&](const backup::AdapterFacts& adapter) {
                                return equal_names(adapter.switch_name, change.from);
                            });
            if (is_used) continue;
            add("network", Verdict::blocked,
                fmt::format("no adapter of the VM was on a switch '{}'", change.from),
                "The adapters above show what they were on.");
        }
    }

    void check_adapter(const backup::AdapterFacts& adapter) {
        const std::string what =
            adapter.switch_name.empty()
                ? fmt::format("adapter '{}'", adapter.name)
                : fmt::format("adapter '{}', which was on '{}'", adapter.name, adapter.switch_name);
        const auto choice = choose_network(request(), adapter.switch_name, question_.view.switches);
        if (choice.network) {
            add("network", Verdict::good,
                fmt::format("{}, is connected to '{}'", what, choice.network->name));
        } else if (!choice.problem.empty() && request().switches.empty()) {
            add("network", Verdict::warning,
                fmt::format("{}, stays disconnected: {}", what, choice.problem),
                "Name one of the host's switches with --switch OLD=NEW.");
        } else {
            add("network", Verdict::good, fmt::format("{}, stays disconnected", what));
        }
    }

    void check_addresses() {
        const bool is_on_network = request().connects || !request().switches.empty();
        const bool is_copy = !request().keeps_id;
        if (!is_copy || !request().keeps_mac || !is_on_network) return;
        add("mac", Verdict::warning,
            "the copy keeps the original's MAC addresses and is connected: both must not run on "
            "one network",
            "Leave out --keep-mac, or the connection.");
    }

    void check_tpm() {
        if (!facts_.has_tpm.value_or(false)) return;
        const bool is_elsewhere = question_.point.draft.host != request().host;
        add("tpm", Verdict::warning,
            is_elsewhere
                ? fmt::format(
                      "the VM has a virtual TPM, which is sealed for the host it came from: "
                      "on host {} it starts only with that host's guardian certificates, "
                      "and BitLocker will ask for its recovery key",
                      question_.host_name)
                : std::string{"the VM has a virtual TPM: BitLocker may ask for its recovery key "
                              "once"},
            "Have the BitLocker recovery keys at hand.");
    }

    void check_start() {
        if (!request().starts) return;
        const bool has_original = std::any_of(
            question_.view.vms.begin(), question_.view.vms.end(),
            [&](const hyperv::VmIdentity& vm) {
                return equal_names(vm.id, question_.point.draft.vm_id) && vm.state == "running";
            });
        const bool is_on_network = request().connects || !request().switches.empty();
        if (!has_original || !is_on_network) return;
        add("start", Verdict::warning,
            "the original runs, and the copy is started on a network: two machines of one name and "
            "one IP address may meet");
    }

    const Question& question_;
    backup::VmFacts facts_;
    std::vector<Check> checks_;
};

bool is_name_taken(const std::vector<hyperv::VmIdentity>& vms, const std::string& name) {
    return std::any_of(vms.begin(), vms.end(),
                       [&](const hyperv::VmIdentity& vm) { return equal_names(vm.name, name); });
}

}  // namespace

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::good:
            return "good";
        case Verdict::note:
            return "note";
        case Verdict::warning:
            return "warning";
        case Verdict::blocked:
            return "blocked";
    }
    return "";
}

std::vector<Check> check_restore(const Question& question) {
    return Checks{question}.run();
}

const Check* find_blocked(const std::vector<Check>& checks) {
    const auto found = std::find_if(checks.begin(), checks.end(), [](const Check& check) {
        return check.verdict == Verdict::blocked;
    });
    return found == checks.end() ? nullptr : &*found;
}

Json to_json(const std::vector<Check>& checks) {
    Json list = Json::array();
    for (const Check& check : checks) {
        list.push_back({{"id", check.id},
                        {"result", to_string(check.verdict)},
                        {"text", check.text},
                        {"cure", check.cure}});
    }
    return list;
}

std::string choose_name(const RestoreRequest& request, const repository::PointSummary& point,
                        const std::vector<hyperv::VmIdentity>& vms) {
    if (!request.name.empty()) return request.name;
    if (request.keeps_id) return point.draft.vm_name;
    constexpr std::size_t kDayBytes = 10;  // "2026-11-23"
    const std::string suffix =
        fmt::format(" (restored {})", format_time(point.time).substr(0, kDayBytes));
    std::string base = point.draft.vm_name;
    // Room for a number behind it. Cut between characters of UTF-8.
    constexpr std::size_t kNumberBytes = 4;
    std::size_t room = limits::kVmNameCharactersMax - suffix.size() - kNumberBytes;
    while (room > 0 && base.size() > room &&
           (static_cast<unsigned char>(base[room]) & 0xC0) == 0x80) {
        --room;
    }
    if (base.size() > room) base.resize(room);
    std::string name = base + suffix;
    for (std::size_t number = 2; is_name_taken(vms, name) && number < limits::kNameAttemptsMax;
         ++number) {
        name = fmt::format("{}{} {}", base, suffix, number);
    }
    return name;
}

std::uint64_t bytes_needed(const repository::PointSummary& point) {
    return point.logical_bytes + limits::kSpareBytes;
}

}  // namespace entrepot::restore

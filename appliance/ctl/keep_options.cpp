// --keep-last and its siblings.
#include "appliance/ctl/keep_options.h"

#include <array>
#include <string>
#include <utility>

namespace entrepot::ctl {
namespace {

constexpr int kCountMax = 10'000;

std::array<std::pair<std::string, std::uint32_t KeepValues::*>, 6> all_slots() {
    return {{{"last", &KeepValues::last},
             {"hourly", &KeepValues::hourly},
             {"daily", &KeepValues::daily},
             {"weekly", &KeepValues::weekly},
             {"monthly", &KeepValues::monthly},
             {"yearly", &KeepValues::yearly}}};
}

std::string help_of(const std::string& slot) {
    if (slot == "last") return "Keep the N newest points";
    return "Keep the newest point of each of the last N " + slot + " slots";
}

}  // namespace

void declare_keep(CLI::App& command, KeepValues& values) {
    for (const auto& [slot, member] : all_slots()) {
        command.add_option("--keep-" + slot, values.*member, help_of(slot))
            ->check(CLI::Range(0, kCountMax))
            ->type_name("N");
    }
}

Json keep_rule(const KeepValues& values) {
    Json rule = Json::object();
    for (const auto& [slot, member] : all_slots()) {
        if (values.*member > 0) rule["keep_" + slot] = values.*member;
    }
    return rule;
}

}  // namespace entrepot::ctl

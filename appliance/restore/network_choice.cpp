// See network_choice.h.
#include "appliance/restore/network_choice.h"

#include "appliance/backup/exported_disk.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::restore {

std::optional<hyperv::VirtualSwitch> find_switch(const std::vector<hyperv::VirtualSwitch>& switches,
                                                 const std::string& name) {
    const auto found = std::find_if(
        switches.begin(), switches.end(),
        [&](const hyperv::VirtualSwitch& one) { return backup::equal_names(one.name, name); });
    return found == switches.end() ? std::nullopt : std::optional{*found};
}

NetworkChoice choose_network(const RestoreRequest& request, const std::string& switch_name,
                             const std::vector<hyperv::VirtualSwitch>& switches) {
    std::string wanted;
    for (const SwitchChange& change : request.switches) {
        const bool is_meant = change.from == "*" || (!switch_name.empty() &&
                                                     backup::equal_names(change.from, switch_name));
        if (!is_meant) continue;
        wanted = change.to;
        break;
    }
    if (wanted.empty() && request.connects) wanted = switch_name;
    if (wanted.empty()) return {};
    NetworkChoice choice{find_switch(switches, wanted), {}};
    if (!choice.network) choice.problem = fmt::format("the host has no switch '{}'", wanted);
    return choice;
}

bool keeps_addresses(const RestoreRequest& request) {
    return request.keeps_id || request.keeps_mac;
}

}  // namespace entrepot::restore

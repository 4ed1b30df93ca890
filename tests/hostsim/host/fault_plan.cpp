// Planning and using up.
#include "tests/hostsim/host/fault_plan.h"

#include "base/error.h"
#include "tests/hostsim/cim/value.h"
#include "tests/hostsim/host/fault_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace entrepot::hostsim {

void FaultPlan::add(const Json& json) {
    const std::string action = json.at("do").get<std::string>();
    const std::size_t colon = action.find(':');
    PlannedFault fault;
    fault.name = action.substr(0, colon);
    if (colon != std::string::npos) fault.argument = action.substr(colon + 1);
    fault.at = json.value("at", std::string{"*"});
    fault.times = json.value("times", 1);
    const auto rows = fault_kinds();
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const FaultKindRow& candidate) {
        return fault.name == candidate.name;
    });
    if (row == rows.end()) {
        throw Error{ErrorCode::invalid, fmt::format("unknown fault '{}'", fault.name)};
    }
    if ((*row->argument != '\0') != !fault.argument.empty()) {
        throw Error{ErrorCode::invalid,
                    fmt::format("fault '{}': argument '{}'", fault.name, fault.argument)};
    }
    const std::lock_guard lock{mutex_};
    faults_.push_back(std::move(fault));
}

void FaultPlan::clear() {
    const std::lock_guard lock{mutex_};
    faults_.clear();
}

Json FaultPlan::to_json() const {
    const std::lock_guard lock{mutex_};
    Json json = Json::array();
    for (const PlannedFault& fault : faults_) {
        const std::string action =
            fault.argument.empty() ? fault.name : fault.name + ":" + fault.argument;
        json.push_back({{"at", fault.at}, {"do", action}, {"times", fault.times}});
    }
    return json;
}

std::optional<std::string> FaultPlan::take(std::string_view name, std::string_view at) {
    const std::lock_guard lock{mutex_};
    for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
        if (fault->name != name || (fault->at != "*" && !same_name(fault->at, at))) continue;
        std::string argument = fault->argument;
        if (fault->times > 0 && --fault->times == 0) faults_.erase(fault);
        return argument;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> FaultPlan::take_number(std::string_view name, std::string_view at) {
    const auto text = take(name, at);
    if (!text) return std::nullopt;
    return static_cast<std::uint32_t>(std::strtoul(text->c_str(), nullptr, 0));
}

bool FaultPlan::is_planned(std::string_view name, std::string_view at) const {
    const std::lock_guard lock{mutex_};
    return std::any_of(faults_.begin(), faults_.end(), [&](const PlannedFault& fault) {
        return fault.name == name && (fault.at == "*" || same_name(fault.at, at));
    });
}

}  // namespace entrepot::hostsim

// Refusals to and from the settings.
#include "appliance/daemon/host_gates.h"

#include "appliance/state/hosts.h"
#include "exporter/wsman/limits.h"

#include "base/error.h"
#include "base/json.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace entrepot::daemon {

std::shared_ptr<wsman::HostGate> HostGates::gate_of(const std::string& host_id) {
    const std::lock_guard lock{mutex_};
    auto& gate = gates_[host_id];
    if (gate == nullptr) {
        gate = std::make_shared<wsman::HostGate>(
            clock_, recall(host_id),
            [this, host_id](const wsman::LoginRefusals& refusals) { remember(host_id, refusals); });
    }
    return gate;
}

wsman::LoginRefusals HostGates::recall(const std::string& host_id) {
    const auto kept = settings_.find(state::login_refusals_setting(host_id));
    if (!kept || !kept->is_object()) return {};
    const Json count = kept->value("count", Json{});
    const Json time = kept->value("time_ms", Json{});
    const Json reason = kept->value("reason", Json{});
    if (!count.is_number_integer() || !time.is_number_integer() || !reason.is_string()) {
        log_.warning("what is kept of refused logins cannot be read", {{"host", host_id}});
        return {};
    }
    return {.count = static_cast<int>(std::clamp(count.get<std::int64_t>(), std::int64_t{0},
                                                 std::int64_t{wsman::limits::kLoginRefusalsMax})),
            .last = WallTime{std::chrono::milliseconds{time.get<std::int64_t>()}},
            .reason = reason.get<std::string>()};
}

// A login is worth more than its note: where the database is full or busy, work goes on.
void HostGates::remember(const std::string& host_id, const wsman::LoginRefusals& refusals) {
    const std::string setting = state::login_refusals_setting(host_id);
    try {
        if (refusals.count == 0) return settings_.remove(setting);
        settings_.put(setting, {{"count", refusals.count},
                                {"time_ms", refusals.last.time_since_epoch().count()},
                                {"reason", refusals.reason}});
    } catch (const Error& error) {
        log_.warning("a refused login cannot be noted",
                     {{"host", host_id}, {"error", error.message()}});
    }
}

}  // namespace entrepot::daemon

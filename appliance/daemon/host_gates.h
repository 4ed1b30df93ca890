// What all connections to one host share, and what of it outlives the process.
#pragma once

#include "appliance/state/settings.h"
#include "exporter/wsman/host_gate.h"

#include "base/clock.h"
#include "base/log.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace entrepot::daemon {

/// The gates by our id of the host. Refusals of its account are kept as a setting
/// (state::login_refusals_setting), so that neither a daemon that starts again nor a command
/// without one asks an account into being locked out. Safe to share between threads.
class HostGates {
public:
    HostGates(Clock& clock, Log& log, state::SettingStore& settings)
        : clock_(clock), log_(log), settings_(settings) {}
    std::shared_ptr<wsman::HostGate> gate_of(const std::string& host_id);

private:
    wsman::LoginRefusals recall(const std::string& host_id);
    void remember(const std::string& host_id, const wsman::LoginRefusals& refusals);

    Clock& clock_;
    Log& log_;
    state::SettingStore& settings_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<wsman::HostGate>> gates_;
};

}  // namespace entrepot::daemon

// Looks at one host layer by layer, each apart, and says of each failure what it is, what was seen,
// and what to do (architecture 5, "doctor"). Nothing is changed on the host; the account's secret
// is shown to it once, at most twice.
#pragma once

#include "appliance/doctor/check.h"
#include "appliance/jobs/job.h"
#include "appliance/share/file_server.h"
#include "appliance/share/share_registry.h"
#include "appliance/state/hosts.h"
#include "appliance/state/state.h"

#include "exporter/hyperv/host_probe.h"
#include "exporter/wsman/network_probe.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::doctor {

/// An export that a host wrote to the share, which proves that it may.
struct ExportProof {
    WallTime time{};
    std::string vm_name{};
};

/// What others know; all of it reads only.
struct Knowledge {
    /// How to reach a host; throws where its secret cannot be read.
    std::function<hyperv::Connection(const state::HostRecord&)> connection_of;
    std::function<std::unique_ptr<hyperv::HostProbe>(const hyperv::Connection&, std::stop_token)>
        make_probe;
    std::function<bool(const hyperv::Snapshot&)> is_our_snapshot;
    /// Ids of reference points of ours on the host that no point counts from.
    std::function<std::vector<std::string>(const std::string& host_id, const hyperv::Vm&)>
        list_spare_reference_points;
    std::function<std::optional<ExportProof>(const std::string& host_id)> find_export_proof;
};

/// All references outlive the examination.
struct Services {
    Clock& clock;
    Random& random;
    Log& log;
    FileSystem& file_system;
    state::State& state;
    share::ShareRegistry& shares;
    wsman::NetworkProbe& network;
    Knowledge knowledge;
    share::FileServer* file_server = nullptr;      ///< Ours; absent where we do not own it.
    std::filesystem::path smb_conf{};              ///< Of file_server.
    bool allows_local_names = true;                ///< As hyperv::Connection.
    share::FileServer* own_file_server = nullptr;  ///< In front of the shares that we serve.
};

struct Options {
    /// Shows the secret also where it was refused twice a short while ago.
    bool retries_login = false;
    std::filesystem::path record_directory{};  ///< Where the wire is recorded; empty: nowhere else.
    /// Told which layer comes next; may be empty.
    std::function<void(std::string_view layer)> on_layer{};
};

/// Never throws for what is wrong with host or share; Error{cancelled} on stop.
std::vector<Check> examine(const Services& services, const state::HostRecord& host,
                           const Options& options, std::stop_token stop);

/// {"host", "time", "checks": [...], "failed", "warnings", "unproven"}
Json report_json(const state::HostRecord& host, const std::vector<Check>& checks, WallTime time);

/// The job "doctor": parameters {"host": id or name, "retry_login": bool}; its result is
/// report_json(), which is also kept as the host's last. `partly` if a check failed.
jobs::JobOutcome run_doctor(const Services& services, jobs::JobContext& job);

/// The last report of a host; nullopt if there is none.
std::optional<Json> find_last_report(state::State& state, const std::string& host_id);
/// With the host itself.
void forget_report(state::State& state, const std::string& host_id);

}  // namespace entrepot::doctor

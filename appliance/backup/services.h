// Everything that the jobs of this folder need, handed over once.
#pragma once

#include "appliance/backup/hole_policy.h"
#include "appliance/backup/space_ledger.h"
#include "appliance/share/export_area.h"
#include "appliance/share/file_server.h"
#include "appliance/share/share_registry.h"
#include "appliance/state/hosts.h"
#include "appliance/state/state.h"

#include "exporter/hyperv/hyperv_host.h"
#include "storage/repository/repository.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "base/rate_limit.h"

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace entrepot::backup {

/// A connection to a host; calls on it end when the token is stopped.
using HostConnector =
    std::function<std::unique_ptr<hyperv::HyperVHost>(const state::HostRecord&, std::stop_token)>;

/// How long we wait for a host, and how often we ask.
struct Pace {
    /// The first pause of every wait; each next one is twice as long, up to the bound below.
    std::chrono::milliseconds first_poll{200};
    std::chrono::milliseconds short_poll{1'500};
    std::chrono::milliseconds export_poll{5'000};
    /// An export ends when neither its percentage nor its files moved for this long.
    std::chrono::minutes export_stall{30};
    /// Snapshot, convert, destroy: their jobs are short.
    std::chrono::minutes short_job_max{30};
    /// How long a host may not answer before a wait gives up.
    std::chrono::minutes silence_max{15};
    /// After a lost answer: how long an object may need to appear.
    std::chrono::seconds appear_max{20};
    std::chrono::minutes merge_max{10};
    /// How long the file server of ours may need to come back.
    std::chrono::seconds server_max{150};
};

/// All references outlive every job.
struct Services {
    repository::Repository& repository;
    state::State& state;
    share::ShareRegistry& shares;
    HostConnector connect;
    Clock& clock;
    Random& random;
    Log& log;
    FileSystem& file_system;
    share::FileServer* file_server = nullptr;  ///< Absent where we do not own it.
    /// Of the shares that we serve ourselves, with a name for its present life; see
    /// SambaSupervisor.
    share::FileServer* own_file_server = nullptr;
    std::function<std::string()> own_file_server_life{};
    std::string time_zone = "UTC";
    Pace pace{};
    share::SettleOptions settle{};
    /// How long a backup waits in the queue for room on its share.
    std::chrono::minutes space_wait_max{0};
    HolePolicy holes = HolePolicy::refuse;
    /// Of all backups together, and of all verifications; absent: none.
    RateLimit* ingest_limit = nullptr;
    RateLimit* verify_limit = nullptr;
    /// Shared by all runs of the process, and by copies of this.
    std::shared_ptr<SpaceLedger> space = std::make_shared<SpaceLedger>();
};

}  // namespace entrepot::backup

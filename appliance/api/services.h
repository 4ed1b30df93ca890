// What the handlers work with. Everything outlives the router.
#pragma once

#include "appliance/access/access.h"
#include "appliance/api/kept_answers.h"
#include "appliance/api/last_jobs.h"
#include "appliance/api/vm_points.h"
#include "appliance/config/config.h"
#include "appliance/files/guest_files.h"
#include "appliance/jobs/job_engine.h"
#include "appliance/policy/scheduler.h"
#include "appliance/search/index_store.h"
#include "appliance/share/managed_shares.h"
#include "appliance/share/share_registry.h"
#include "appliance/state/speed_limits.h"
#include "appliance/state/state.h"
#include "exporter/hyperv/hyperv_host.h"
#include "storage/repository/repository.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time_zone.h"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::api {

/// What a host answered just now.
struct HostInventory {
    hyperv::HostFacts facts;
    std::vector<hyperv::Vm> vms;
};

struct Services {
    Clock& clock;
    FileSystem& file_system;
    Log& log;
    const config::Config& config;
    state::State& state;
    state::SpeedLimits& speed_limits;
    jobs::JobEngine& engine;
    policy::Scheduler& scheduler;
    TimeZones& zones;
    share::ShareRegistry& shares;
    share::ManagedShares& managed_shares;
    access::Access& access;
    files::GuestFiles& guest_files;
    search::IndexStore& file_index;
    std::string version;
    /// Error{locked} where the repository was not opened.
    std::function<repository::Repository&()> repository;
    /// Asks the host and remembers what it said. Errors as HyperVHost.
    std::function<HostInventory(const state::HostRecord&, std::stop_token)> read_inventory;
    /// The preflight of a restore onto a host, with the parameters that its job would get; see
    /// restore/checker.h.
    std::function<Json(const Json& parameters, std::stop_token)> check_vm_restore;
    /// One VM of a host, with the identity and the size of its disks. Errors as HyperVHost.
    std::function<hyperv::Vm(const state::HostRecord&, const std::string& vm_id, std::stop_token)>
        read_vm;
    /// To be called before anything is written down for a deletion; see Repository::make_room().
    std::function<void()> make_room;
    /// Deletes a point with all that hangs on it.
    std::function<void(const repository::PointSummary&)> delete_point;
    /// Until when the console's certificate holds; nullopt: there is none yet. May be empty.
    std::function<std::optional<WallTime>()> certificate_end = {};
    std::shared_ptr<VmPointsBook> vm_points = std::make_shared<VmPointsBook>();
    std::shared_ptr<LastJobsBook> last_jobs = std::make_shared<LastJobsBook>();
    std::shared_ptr<KeptAnswers> vm_lists = std::make_shared<KeptAnswers>();
};

}  // namespace entrepot::api

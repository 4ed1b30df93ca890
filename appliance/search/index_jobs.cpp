// Nothing listens to backups: whoever looks at what is there misses nothing, also after a crash.
#include "appliance/search/index_jobs.h"

#include "appliance/search/index_builder.h"
#include "appliance/search/low_priority.h"

#include "base/error.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace entrepot::search {
namespace {

constexpr std::uint32_t kLooksPerFullLook = 15;

jobs::JobOutcome run_index(const IndexServices& services, jobs::JobContext& job) {
    repository::Repository* const repository = services.repository();
    if (repository == nullptr) throw Error{ErrorCode::locked, "the repository is not open"};
    const repository::PointSummary point =
        repository->find_point(job.parameters().at("point").get<std::string>());
    job.enter_stage("index");
    IndexBuilder builder{services.store, services.clock, [&](const repository::DiskSummary& disk) {
                             return services.files.open_disk({point.id, disk.draft.index},
                                                             files::GuestFiles::Sharing::none);
                         }};
    PointIndex index;
    run_at_low_priority([&] { index = builder.build(point, job.work()); });
    // The notes name folders of the guest: who may see jobs may not see those.
    if (!index.notes.empty()) {
        job.warn(
            fmt::format("{} things are not in the index, or not whole: entrepot files indexes "
                        "says which",
                        index.notes.size()));
    }
    jobs::JobOutcome outcome;
    outcome.state = index.notes.empty() ? jobs::JobState::done : jobs::JobState::partly;
    outcome.result = {
        {"point", index.point}, {"files", index.file_count}, {"notes", index.notes.size()}};
    return outcome;
}

}  // namespace

jobs::JobRequest index_request(const repository::PointSummary& point) {
    jobs::JobRequest request;
    request.kind = kIndexJobKind;
    request.subject = fmt::format("file names of {}", point.draft.vm_name);
    request.parameters = {{"point", point.id}};
    request.exclusive_key = "index_files";
    return request;
}

void register_index_job(jobs::JobEngine& engine, const IndexServices& services) {
    engine.register_handler(kIndexJobKind,
                            [&services](jobs::JobContext& job) { return run_index(services, job); },
                            {jobs::AfterCrash::resume});
}

IndexKeeper::~IndexKeeper() {
    stop();
}

void IndexKeeper::start() {
    thread_ = std::jthread{[this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            try {
                repository::Repository* const repository = services_.repository();
                if (repository != nullptr && is_due(*repository)) run_once();
            } catch (const std::exception& error) {
                services_.log.error("the indexes of names could not be looked after",
                                    {{"error", error.what()}});
            }
            services_.clock.sleep_for(interval_, stop);
        }
    }};
}

void IndexKeeper::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

// All points are many; a new one is the usual change, and what was deleted can wait.
bool IndexKeeper::is_due(repository::Repository& repository) {
    const auto newest = repository.list_points({.newest_max = 1});
    const std::uint64_t sequence = newest.empty() ? 0 : newest.back().sequence;
    const bool is_new = std::exchange(seen_sequence_, sequence) != sequence;
    if (!is_new && looks_to_go_ > 0) {
        --looks_to_go_;
        return false;
    }
    looks_to_go_ = kLooksPerFullLook;
    return true;
}

void IndexKeeper::run_once() {
    repository::Repository* const repository = services_.repository();
    if (repository == nullptr) return;
    std::set<std::string> present;
    for (const repository::VmStamp& vm : repository->list_vms()) {
        present.insert(vm.vm_id);
        const auto known = known_.find(vm.vm_id);
        if (known != known_.end() && known->second.stamp == vm.stamp) continue;
        // Read before anything is kept: reading may fail, and what is not known has its index
        // dropped.
        known_.insert_or_assign(vm.vm_id, read_points(*repository, vm));
    }
    std::erase_if(known_, [&](const auto& vm) { return !present.contains(vm.first); });
    std::set<std::string> ids;
    for (const auto& [vm, points] : known_)
        ids.insert(points.ids.begin(), points.ids.end());
    services_.store.keep_only(ids);
    for (const auto& [vm, points] : known_) {
        for (const jobs::JobRequest& request : points.requests) {
            if (services_.store.has_point(request.parameters.at("point").get<std::string>())) {
                continue;
            }
            engine_.enqueue(request);
        }
    }
}

IndexKeeper::PointsOfVm IndexKeeper::read_points(repository::Repository& repository,
                                                 const repository::VmStamp& vm) {
    PointsOfVm points{.stamp = vm.stamp, .ids = {}, .requests = {}};
    std::map<std::string, repository::PointSummary> newest_of_hosts;
    for (repository::PointSummary& point : repository.list_points({.vm_id = vm.vm_id})) {
        points.ids.push_back(point.id);
        const std::string host = point.draft.host;
        newest_of_hosts.insert_or_assign(host, std::move(point));
    }
    for (const auto& [host, point] : newest_of_hosts) {
        jobs::JobRequest request = index_request(point);
        request.requested_by = "appliance";
        request.once_key = "index_files " + point.id;
        points.requests.push_back(std::move(request));
    }
    return points;
}

}  // namespace entrepot::search

// The index of names as work: the job "index_files", and who sees to it that the newest points have
// one and that no deleted point does.
#pragma once

#include "appliance/files/guest_files.h"
#include "appliance/jobs/job_engine.h"
#include "appliance/search/index_store.h"
#include "storage/repository/repository.h"

#include "base/clock.h"
#include "base/log.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace entrepot::search {

inline constexpr const char* kIndexJobKind = "index_files";

/// What is passed outlives it.
struct IndexServices {
    Clock& clock;
    Log& log;
    IndexStore& store;
    files::GuestFiles& files;
    /// nullptr while it is not open.
    std::function<repository::Repository*()> repository;
};

/// A request for the index of a point: one at a time, of all points.
jobs::JobRequest index_request(const repository::PointSummary& point);

/// The job: {"point"}. Its result: {"point", "files", "notes"}, the last two as numbers, partly
/// where there are notes; no name of a guest's file is in it. Runs at low priority; run again, it
/// begins again.
void register_index_job(jobs::JobEngine& engine, const IndexServices& services);

/// Looks about every minute.
class IndexKeeper {
public:
    IndexKeeper(jobs::JobEngine& engine, const IndexServices& services,
                std::chrono::milliseconds interval = std::chrono::minutes{1})
        : engine_(engine), services_(services), interval_(interval) {}
    ~IndexKeeper();  ///< As stop().

    void start();
    void stop();
    /// Asks, once for each point ever, for the index of each VM's newest point that has none; drops
    /// the indexes of points that are gone.
    void run_once();

private:
    /// Kept until they change: all points at once would be a gigabyte where there are many.
    struct PointsOfVm {
        std::uint64_t stamp = 0;
        std::vector<std::string> ids;
        std::vector<jobs::JobRequest> requests;  ///< For the newest point of each host.
    };
    bool is_due(repository::Repository& repository);
    static PointsOfVm read_points(repository::Repository& repository,
                                  const repository::VmStamp& vm);

    jobs::JobEngine& engine_;
    const IndexServices& services_;
    std::chrono::milliseconds interval_;
    std::map<std::string, PointsOfVm> known_;  ///< By the VM's id.
    std::uint64_t seen_sequence_ = 0;          ///< Of the newest point.
    std::uint32_t looks_to_go_ = 0;  ///< Until all points are looked at whatever was seen.
    std::jthread thread_;
};

}  // namespace entrepot::search

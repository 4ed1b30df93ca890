// See host_records.h.
#include "appliance/backup/host_records.h"

#include "appliance/backup/exported_disk.h"
#include "appliance/backup/plan_step.h"
#include "appliance/backup/residue_check.h"
#include "appliance/backup/run.h"

#include <algorithm>
#include <set>

namespace entrepot::backup {
namespace {

constexpr std::size_t kPointsAtOnce = 200;

}  // namespace

bool is_our_snapshot(state::State& state, const hyperv::Snapshot& snapshot) {
    if (snapshot.name.starts_with(kSnapshotNamePrefix)) {
        if (state.jobs.find(snapshot.name.substr(kSnapshotNamePrefix.size()))) return true;
    }
    for (const auto& [job_id, value] : state.journal.list_key(key::kSnapshot)) {
        if (value.value("id", "") == snapshot.instance_id) return true;
    }
    return false;
}

bool is_in_doubt(state::State& state, const hyperv::Snapshot& snapshot) {
    const auto doubts = state.journal.list_key(key::kInDoubt);
    return std::any_of(doubts.begin(), doubts.end(), [&snapshot](const auto& doubt) {
        const auto ids = doubt.second.at("ids").template get<std::vector<std::string>>();
        return std::find(ids.begin(), ids.end(), snapshot.instance_id) != ids.end();
    });
}

std::vector<std::string> list_recorded_reference_points(const Services& services,
                                                        const std::string& host_id,
                                                        const std::string& vm_id) {
    std::vector<std::string> ids;
    for (const auto& point : list_points_of_vm(services, host_id, vm_id)) {
        if (!point.draft.reference_point.empty()) ids.push_back(point.draft.reference_point);
    }
    for (const auto& flag : services.state.vm_flags.list()) {
        if (flag.host_id == host_id && equal_names(flag.vm_id, vm_id) &&
            flag.flag.starts_with(kObsoleteReferencePointFlag)) {
            ids.push_back(flag.flag.substr(kObsoleteReferencePointFlag.size()));
        }
    }
    return ids;
}

std::vector<std::string> list_spare_reference_points(const Services& services,
                                                     const std::string& host_id,
                                                     const hyperv::Vm& vm) {
    const auto is_on_host = [&vm](const std::string& id) {
        return std::any_of(vm.reference_points.begin(), vm.reference_points.end(),
                           [&id](const auto& one) { return one.instance_id == id; });
    };
    std::string living;
    for (const auto& point : list_points_of_vm(services, host_id, vm.id)) {
        if (is_on_host(point.draft.reference_point)) living = point.draft.reference_point;
    }
    std::set<std::string> seen{living};
    std::vector<std::string> spare;
    for (const std::string& id : list_recorded_reference_points(services, host_id, vm.id)) {
        if (is_on_host(id) && seen.insert(id).second) spare.push_back(id);
    }
    return spare;
}

std::optional<repository::PointSummary> find_newest_export(const Services& services,
                                                           const std::string& host_id) {
    repository::PointFilter filter{.newest_max = kPointsAtOnce};
    for (;;) {
        auto page = services.repository.list_points(filter);
        for (auto point = page.rbegin(); point != page.rend(); ++point) {
            // What was taken in from files by hand proves nothing about the share.
            const bool is_export =
                point->draft.host == host_id && point->draft.host_facts.contains("run_id");
            if (is_export) return std::move(*point);
        }
        if (page.size() < kPointsAtOnce) return std::nullopt;
        filter.before_sequence = page.front().sequence;
    }
}

}  // namespace entrepot::backup

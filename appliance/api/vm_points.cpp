// See vm_points.h.
#include "appliance/api/vm_points.h"

#include "appliance/backup/comparison_report.h"

#include "base/error.h"

#include <set>

namespace entrepot::api {

VmPointsByKey VmPointsBook::read(repository::Repository& repository, const std::stop_token& stop) {
    const std::scoped_lock lock{mutex_};
    VmPointsByKey all;
    std::set<std::string> present;
    // Stamps first: what changes while a VM is read makes it be read again.
    for (const repository::VmStamp& vm : repository.list_vms()) {
        if (stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
        present.insert(vm.vm_id);
        const auto [page, is_new] = pages_.try_emplace(vm.vm_id);
        if (is_new || page->second.stamp != vm.stamp) replace(page->second, repository, vm);
        all.insert(page->second.entries.begin(), page->second.entries.end());
    }
    std::erase_if(pages_, [&](const auto& page) {
        if (present.contains(page.first)) return false;
        forget(page.second);
        return true;
    });
    return all;
}

std::optional<VmKey> VmPointsBook::find_vm(const std::string& point) {
    const std::scoped_lock lock{mutex_};
    const auto found = vm_of_point_.find(point);
    return found == vm_of_point_.end() ? std::nullopt : std::optional{found->second};
}

void VmPointsBook::forget(const Page& page) {
    for (const std::string& point : page.points)
        vm_of_point_.erase(point);
}

void VmPointsBook::replace(Page& page, repository::Repository& repository,
                           const repository::VmStamp& vm) {
    std::map<VmKey, std::vector<repository::PointSummary>> points;
    for (auto& point : repository.list_points({.vm_id = vm.vm_id})) {
        points[{point.draft.host, vm.vm_id}].push_back(std::move(point));
    }
    forget(page);
    page = {.stamp = vm.stamp, .entries = {}, .points = {}};
    for (auto& [key, list] : points) {
        for (const repository::PointSummary& point : list) {
            page.points.push_back(point.id);
            vm_of_point_.insert_or_assign(point.id, key);
        }
        auto entry = std::make_shared<VmPoints>();
        entry->count = list.size();
        entry->disagreement = backup::find_disagreement(list);
        entry->newest = std::move(list.back());
        page.entries.emplace(key, std::move(entry));
    }
}

}  // namespace entrepot::api

// See vm_points.h.
#include "appliance/api/vm_points.h"

#include "appliance/backup/comparison_report.h"

#include <set>

namespace entrepot::api {
namespace {

VmPointsByKey read_vm(repository::Repository& repository, const std::string& vm_id) {
    std::map<VmKey, std::vector<repository::PointSummary>> points;
    for (auto& point : repository.list_points({.vm = vm_id})) {
        // Another VM may have this id for its name.
        if (point.draft.vm_id != vm_id) continue;
        points[{point.draft.host, vm_id}].push_back(std::move(point));
    }
    VmPointsByKey entries;
    for (auto& [key, list] : points) {
        auto entry = std::make_shared<VmPoints>();
        entry->count = list.size();
        entry->disagreement = backup::find_disagreement(list);
        entry->newest = std::move(list.back());
        entries.emplace(key, std::move(entry));
    }
    return entries;
}

}  // namespace

VmPointsByKey VmPointsBook::read(repository::Repository& repository) {
    const std::scoped_lock lock{mutex_};
    VmPointsByKey all;
    std::set<std::string> present;
    // Stamps first: what changes while a VM is read makes it be read again.
    for (const repository::VmStamp& vm : repository.list_vms()) {
        present.insert(vm.vm_id);
        const auto [page, is_new] = pages_.try_emplace(vm.vm_id);
        if (is_new || page->second.stamp != vm.stamp) {
            page->second = {vm.stamp, read_vm(repository, vm.vm_id)};
        }
        all.insert(page->second.entries.begin(), page->second.entries.end());
    }
    std::erase_if(pages_, [&](const auto& page) { return !present.contains(page.first); });
    return all;
}

}  // namespace entrepot::api

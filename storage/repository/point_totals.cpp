// See point_totals.h.
#include "storage/repository/point_totals.h"

#include "storage/repository/point_writer.h"

namespace entrepot::repository {
namespace {

PointTotals totals_of(catalog::Catalog& catalog, const std::string& vm_id) {
    PointTotals totals;
    for (const catalog::PointRow& row :
         catalog.list_points({.vm_id = vm_id, .leaves_deleting_out = true})) {
        ++totals.points;
        totals.logical_bytes += summary_of(row).logical_bytes;
    }
    return totals;
}

}  // namespace

PointTotals PointCounter::count(catalog::Catalog& catalog, std::uint64_t number) {
    const std::scoped_lock lock{mutex_};
    if (number != number_) known_.clear();
    number_ = number;
    PointTotals sum;
    for (const catalog::VmStamp& vm : catalog.list_vms()) {
        auto known = known_.find(vm.vm_id);
        if (known == known_.end() || known->second.stamp != vm.stamp) {
            // Read before anything is kept: reading may fail.
            const OfVm fresh{vm.stamp, totals_of(catalog, vm.vm_id)};
            known = known_.insert_or_assign(vm.vm_id, fresh).first;
        }
        sum.points += known->second.totals.points;
        sum.logical_bytes += known->second.totals.logical_bytes;
    }
    return sum;
}

}  // namespace entrepot::repository

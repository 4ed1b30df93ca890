// See fix_step.h. A host may give controllers new ids when it imports, and an export may name other
// files than the VM had: so there are several ways to know a disk again, the surest first.
#include "appliance/restore/fix_step.h"

#include "appliance/backup/exported_disk.h"
#include "appliance/backup/run_plan.h"
#include "appliance/restore/host_path.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

namespace entrepot::restore {
namespace {

using backup::equal_names;
using hyperv::Disk;

using Rule = std::function<bool(const PlacedDisk&, const Disk&)>;

bool is_image(const Disk& disk) {
    return disk.drive_id != disk.instance_id;
}

class Matching {
public:
    Matching(const Layout& layout, const std::vector<Disk>& planned)
        : layout_(layout), planned_(planned), found_(layout.disks.size(), nullptr) {}

    /// Takes what the rule finds for one disk and for no other.
    void apply(const Rule& rule) {
        for (std::size_t i = 0; i < found_.size(); ++i) {
            if (found_[i] != nullptr) continue;
            const Disk* only = nullptr;
            bool is_unique = true;
            for (const Disk& disk : planned_) {
                if (taken_.contains(&disk) || !is_image(disk)) continue;
                if (!rule(layout_.disks[i], disk)) continue;
                is_unique = only == nullptr;
                only = &disk;
            }
            if (only == nullptr || !is_unique) continue;
            found_[i] = only;
            taken_.insert(only);
        }
    }

    DiskMatch take() const {
        DiskMatch match;
        for (std::size_t i = 0; i < found_.size(); ++i) {
            if (found_[i] == nullptr) {
                const PlacedDisk& disk = layout_.disks[i];
                throw Error{ErrorCode::unsupported,
                            fmt::format("the VM's configuration has no place for disk {} ({})",
                                        disk.index, disk.name),
                            "Restore the disks with `entrepot restore disk`, and attach them to a "
                            "VM by hand."};
            }
            match.disks.push_back(found_[i]);
        }
        for (const Disk& disk : planned_) {
            if (!taken_.contains(&disk)) match.left_out.push_back(&disk);
        }
        return match;
    }

private:
    const Layout& layout_;
    const std::vector<Disk>& planned_;
    std::vector<const Disk*> found_;
    std::set<const Disk*> taken_;
};

}  // namespace

DiskMatch match_disks(const Layout& layout, const Target& target,
                      const std::vector<Disk>& planned) {
    Matching matching{layout, planned};
    matching.apply([&](const PlacedDisk& wanted, const Disk& disk) {
        return equal_names(join_host_path(target.host_path, {kDiskFolder, wanted.file_name}),
                           disk.path);
    });
    matching.apply([](const PlacedDisk& wanted, const Disk& disk) {
        return !wanted.slot_id.empty() && equal_names(wanted.slot_id, disk.slot_id);
    });
    matching.apply([](const PlacedDisk& wanted, const Disk& disk) {
        return !wanted.place.empty() && !disk.controller.empty() &&
               wanted.place == backup::place_of(disk);
    });
    matching.apply([](const PlacedDisk& wanted, const Disk& disk) {
        return equal_names(wanted.name, backup::base_name(disk.path));
    });
    // With one disk left on both sides there is nothing to confuse.
    matching.apply([&](const PlacedDisk&, const Disk&) { return layout.disks.size() == 1; });
    return matching.take();
}

}  // namespace entrepot::restore

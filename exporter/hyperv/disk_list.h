// The disks of a VM or a snapshot, out of the flat lists of settings (hyperv-wmi 2.3).
#pragma once

#include "exporter/cim/instance.h"
#include "exporter/hyperv/hyperv_host.h"

#include <map>
#include <string>
#include <vector>

namespace entrepot::hyperv {

/// All disks at a host, by the GUID (upper case) of the settings they belong to.
class DiskList {
public:
    /// `images` are Msvm_StorageAllocationSettingData, `resources` the drives and controllers among
    /// Msvm_ResourceAllocationSettingData.
    DiskList(const std::vector<cim::Instance>& images, const std::vector<cim::Instance>& resources);

    /// In order of controller and location.
    std::vector<Disk> disks_of(const std::string& settings_instance_id) const;

private:
    Disk make_disk(const cim::Instance& image) const;
    Disk make_pass_through(const cim::Instance& drive) const;
    void place(const std::string& drive_id, Disk& disk) const;

    std::map<std::string, const cim::Instance*> resources_;
    std::map<std::string, std::vector<Disk>> by_settings_;
};

/// "GUID" of "Microsoft:GUID" and "Microsoft:GUID\...", upper case; empty for anything else.
std::string settings_guid(const std::string& instance_id);

/// What follows "Microsoft:GUID\"; the whole text where there is no such beginning.
std::string slot_of(const std::string& instance_id);

}  // namespace entrepot::hyperv

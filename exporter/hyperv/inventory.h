// What is on a host, read by flat lists that are joined here (hyperv-wmi 3 and 4).
#pragma once

#include "base/log.h"
#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/hyperv_host.h"
#include "exporter/hyperv/service_call.h"

#include <optional>
#include <string>
#include <vector>

namespace entrepot::hyperv {

class Inventory {
public:
    Inventory(cim::WmiNamespace& wmi, ServiceCaller& services, Log& log)
        : wmi_(wmi), services_(services), log_(log) {}

    std::vector<Vm> list_vms();
    Vm read_vm(const std::string& vm_id);
    std::vector<Snapshot> list_snapshots(const std::string& vm_id);
    std::vector<ReferencePoint> list_reference_points(const std::string& vm_id);
    std::vector<Disk> list_snapshot_disks(const std::string& snapshot_instance_id);
    /// NetBIOS name of the host, as it stands in object paths.
    std::string read_computer_name();

private:
    /// Lists of one moment, of which VMs are made.
    struct Lists;
    Lists read_lists();
    std::vector<Vm> join(const std::vector<cim::Instance>& systems, const Lists& lists);
    void describe_disk(Disk& disk);

    cim::WmiNamespace& wmi_;
    ServiceCaller& services_;
    Log& log_;
};

}  // namespace entrepot::hyperv

// What is on a host, read by flat lists that are joined here (hyperv-wmi 3 and 4); one VM is asked
// for by itself.
#pragma once

#include "base/log.h"
#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/hyperv_host.h"
#include "exporter/hyperv/service_call.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::hyperv {

class Inventory {
public:
    /// `cluster` is root/MSCluster, which most hosts do not have.
    Inventory(cim::WmiNamespace& wmi, cim::WmiNamespace& cluster, ServiceCaller& services, Log& log)
        : wmi_(wmi), cluster_(cluster), services_(services), log_(log) {}

    std::vector<Vm> list_vms();
    Vm read_vm(const std::string& vm_id);
    std::vector<Snapshot> list_snapshots(const std::string& vm_id);
    std::vector<ReferencePoint> list_reference_points(const std::string& vm_id);
    std::vector<Disk> list_snapshot_disks(const std::string& snapshot_instance_id);
    /// NetBIOS name of the host, as it stands in object paths.
    static std::string read_computer_name(cim::WmiNamespace& wmi);

private:
    /// Lists of one moment, of which VMs are made.
    struct Lists;
    Lists read_lists(const std::vector<Vm>& vms);
    Lists read_lists_of(const std::string& vm_id);
    static std::vector<Vm> join(std::vector<Vm> vms, const Lists& lists);
    std::vector<cim::Instance> list_parts(const cim::ObjectPath& settings,
                                          std::string_view class_name);
    std::string read_linked_snapshot(std::string_view association, const std::string& vm_id);
    std::vector<cim::Instance> list_if_known(std::string_view class_name,
                                             const cim::WmiNamespace::Keep& keep);
    void read_owner_nodes(std::vector<Vm>& vms);
    void describe_disk(Disk& disk);
    cim::Instance read_image_settings(const std::string& path);
    std::uint64_t read_image_file_size(const std::string& path);
    void measure_images(Disk& disk, std::string parent);

    cim::WmiNamespace& wmi_;
    cim::WmiNamespace& cluster_;
    ServiceCaller& services_;
    Log& log_;
    bool may_have_cluster_ = true;
};

}  // namespace entrepot::hyperv

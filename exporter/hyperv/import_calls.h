// The requests of a restore by import, each sent once (hyperv-wmi 2.8, 6.1).
#pragma once

#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/restore_host.h"
#include "exporter/hyperv/service_call.h"

#include <functional>
#include <string>
#include <vector>

namespace entrepot::hyperv {

class ImportCalls {
public:
    /// `computer_name` gives the host's own name, for paths inside embedded instances.
    ImportCalls(cim::WmiNamespace& wmi, ServiceCaller& services,
                std::function<const std::string&()> computer_name)
        : wmi_(wmi), services_(services), computer_name_(std::move(computer_name)) {}

    JobRef import(const ImportRequest& request);
    JobRef validate(const std::string& planned_id);
    JobRef realise(const std::string& planned_id);
    JobRef destroy_planned(const std::string& planned_id);
    JobRef destroy(const std::string& vm_id);
    JobRef start(const std::string& vm_id);

    JobRef change(const PlannedChange& change);
    JobRef set_disk_path(const std::string& disk_instance_id, const std::string& path);
    JobRef let_host_choose_mac(const NetworkAdapter& adapter);
    JobRef connect_adapter(const NetworkAdapter& adapter, const std::string& switch_id);
    JobRef disconnect_adapter(const NetworkAdapter& adapter);
    JobRef remove(const std::vector<SettingRef>& settings);

    DefaultPaths read_default_paths();
    DiskFileLook look_at_disk_file(const std::string& path);

private:
    cim::ObjectPath planned_path(const std::string& id) const;
    cim::ObjectPath vm_path(const std::string& id) const;
    JobRef modify_resource(const cim::EmbeddedInstance& settings);
    JobRef call(std::string_view method, const cim::MethodInput& input,
                std::string_view result = {});

    cim::WmiNamespace& wmi_;
    ServiceCaller& services_;
    std::function<const std::string&()> computer_name_;
};

}  // namespace entrepot::hyperv

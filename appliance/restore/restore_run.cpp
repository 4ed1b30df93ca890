// See restore_run.h.
#include "appliance/restore/restore_run.h"

#include <fmt/format.h>

namespace entrepot::restore {

Json RestorePlan::to_json() const {
    return {{"request", restore::to_json(request)},
            {"vm_id", vm_id},
            {"vm_name", vm_name},
            {"name", name},
            {"host_name", host_name},
            {"point_time", point_time},
            {"backup_job", backup_job},
            {"layout", restore::to_json(layout)},
            {"target", restore::to_json(target)},
            {"marker_id", marker_id.to_string()}};
}

RestorePlan RestorePlan::from_json(const Json& json) {
    RestorePlan plan;
    plan.request = restore_request_from(json.at("request"));
    plan.vm_id = json.at("vm_id");
    plan.vm_name = json.at("vm_name");
    plan.name = json.at("name");
    plan.host_name = json.at("host_name");
    plan.point_time = json.at("point_time");
    plan.backup_job = json.at("backup_job");
    plan.layout = layout_from(json.at("layout"));
    plan.target = target_from(json.at("target"));
    plan.marker_id = Guid::parse(json.at("marker_id").get<std::string>()).value();
    return plan;
}

RestoreRun::RestoreRun(const Services& services, jobs::JobContext& job,
                       const state::HostRecord& record, backup::Stoppable stoppable)
    : HostRun(services.base, job, record, stoppable), importer_(services.connect(record, stop())) {}

share::ExportArea RestoreRun::area() {
    return services().shares.open_area(share_of(services(), plan_.target), record().id);
}

std::string RestoreRun::tag() {
    return "Entrepot restore " + job().id();
}

std::filesystem::path RestoreRun::probe_directory() {
    return area().restore_path(record().id, job().id());
}

}  // namespace entrepot::restore

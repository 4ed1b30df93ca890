// See plan_step.h.
#include "appliance/restore/plan_step.h"

#include "appliance/backup/host_calls.h"
#include "appliance/backup/repository_wait.h"
#include "appliance/restore/host_view.h"
#include "appliance/restore/preflight.h"
#include "appliance/restore/residue.h"

#include "base/clock.h"
#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::restore {
namespace {

std::string upper_id(const std::string& id) {
    const auto guid = Guid::parse(id);
    return guid ? guid->to_upper_string() : id;
}

}  // namespace

void PlanStep::run() {
    RestorePlan& plan = run_.plan();
    if (const auto planned = run_.journal().find(key::kPlan)) {
        plan = RestorePlan::from_json(*planned);
        if (const auto reach = run_.journal().find(key::kReach)) plan.target = target_from(*reach);
        return;
    }
    run_.job().enter_stage("plan");
    const backup::Services& services = run_.services();
    plan.request = restore_request_from(run_.job().parameters());
    const auto point = services.repository.find_point(plan.request.point);
    plan.vm_id = upper_id(point.draft.vm_id);
    plan.vm_name = point.draft.vm_name;
    plan.host_name = run_.record().draft.name;
    plan.point_time = format_time(point.time);
    plan.backup_job = point.draft.host_facts.value("job_id", std::string{});
    const auto reader = backup::when_repository_is_free(
        run_, [&] { return services.repository.open_point(point.id); });
    plan.layout = plan_layout(point, reader->file_names(), services.random);
    plan.target = resolve_target(services, run_.record(), plan.request.to, run_.job().id());
    plan.marker_id = Guid::make_random(services.random);
    check(point);
    run_.journal().put(key::kPlan, plan.to_json());
    run_.note(fmt::format("restoring {} of {} as '{}' on {}, {}, {}", plan.vm_name, plan.point_time,
                          plan.name, plan.host_name,
                          plan.request.keeps_id ? "with its id" : "with a new id",
                          plan.request.starts ? "and starting it" : "off"));
}

void PlanStep::check(const repository::PointSummary& point) {
    RestorePlan& plan = run_.plan();
    const HostView view = backup::read_patiently(
        run_, [&] { return read_host_view(run_.host(), run_.importer(), plan.target); });
    forget_settled_residue(run_.services(), run_.record().id, view.planned);
    plan.name = choose_name(plan.request, point, view.vms);
    const auto checks = check_restore(
        {.request = plan.request,
         .point = point,
         .host_name = plan.host_name,
         .view = view,
         .target = plan.target,
         .share_free_bytes = run_.area().free_bytes(),
         .other_hosts = list_other_hosts(run_.services(), run_.record().id, plan.vm_id)});
    if (const Check* blocked = find_blocked(checks)) {
        throw Error{ErrorCode::conflict, blocked->text, blocked->cure};
    }
    for (const Check& check : checks) {
        if (check.verdict == Verdict::warning) run_.warn(check.text);
        if (check.verdict == Verdict::note) run_.note(check.text);
    }
}

}  // namespace entrepot::restore

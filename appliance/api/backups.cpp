// Backing up a VM, or all.
#include "appliance/api/decode.h"
#include "appliance/api/inventory.h"
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

struct BackupRequest {
    std::optional<std::string> vm;
    std::string host;
    bool is_all = false;
    bool is_full = false;
    std::uint64_t full_every = 0;
    std::string consistency;
};

BackupRequest decode_backup(const Json& body) {
    ObjectReader reader{body, "the request's body"};
    BackupRequest backup;
    backup.vm = reader.find_text("vm");
    backup.host = reader.text_or("host", {});
    backup.is_all = reader.flag_or("all", false);
    backup.is_full = reader.flag_or("full", false);
    backup.full_every = reader.count_or("full_every", 0, policy::kFullEveryMax);
    backup.consistency = reader.text_or("consistency", "prefer-application");
    reader.finish();
    policy::consistency_from(backup.consistency);
    if (backup.vm.has_value() == backup.is_all) {
        throw Error{ErrorCode::usage, "name a VM, or ask for all of them"};
    }
    return backup;
}

std::vector<state::VmRecord> list_wanted(const BackupRequest& backup, Services& services) {
    if (backup.vm) return {find_vm(services, *backup.vm, backup.host)};
    refresh_hosts(services, backup.host);
    if (!backup.host.empty()) {
        return services.state.vms.list_of_host(services.state.hosts.get(backup.host).id);
    }
    return services.state.vms.list();
}

jobs::JobRequest make_job(const BackupRequest& backup, const state::VmRecord& vm,
                          Services& services) {
    const auto host = services.state.hosts.get(vm.host_id);
    jobs::JobRequest job;
    job.kind = "backup";
    job.subject = fmt::format("{} on {}", vm.name, host.draft.name);
    job.exclusive_key = policy::vm_exclusive_key(vm.host_id, vm.vm_id);
    job.group = "host:" + vm.host_id;
    job.group_limit = services.config.jobs_per_host_max;
    job.parameters = {{"host", vm.host_id},
                      {"vm", vm.vm_id},
                      {"full", backup.is_full},
                      {"full_every", backup.full_every},
                      {"consistency", backup.consistency}};
    return job;
}

Response create_backups(const Request& request, Services& services) {
    const BackupRequest backup = decode_backup(request.json());
    const auto vms = list_wanted(backup, services);
    if (vms.empty()) {
        throw Error{ErrorCode::not_found, "there is no VM to back up",
                    "entrepot host add makes a host known"};
    }
    std::vector<std::string> ids;
    for (const auto& vm : vms)
        ids.push_back(enqueue(services, make_job(backup, vm, services), request));
    return accept_jobs(services, ids);
}

}  // namespace

void add_backup_routes(Router& router, Services& services) {
    router.add("startBackups",
               [&](const Request& request) { return create_backups(request, services); });
}

}  // namespace entrepot::api

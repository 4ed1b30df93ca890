// Getting a whole VM back onto a host: the preflight, and the job.
#include "appliance/api/decode.h"
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

constexpr std::size_t kSwitchesMax = 64;

Json decode_switches(ObjectReader& reader) {
    Json switches = Json::array();
    for (const Json& entry : reader.objects("switches", kSwitchesMax)) {
        ObjectReader change{entry, "an entry of \"switches\""};
        switches.push_back({{"from", change.text("from")}, {"to", change.text("to")}});
        change.finish();
    }
    return switches;
}

struct VmRestore {
    repository::PointSummary point;
    state::HostRecord host;
    Json parameters;  ///< As restore/restore_request.h reads them.
};

VmRestore decode_vm_restore(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string point = reader.text("point");
    const std::string host = reader.text("host");
    Json parameters{{"to", reader.text("to")},
                    {"name", reader.text_or("name", {})},
                    {"keep_id", reader.flag_or("keep_id", false)},
                    {"start", reader.flag_or("start", false)},
                    {"connect", reader.flag_or("connect", false)},
                    {"keep_mac", reader.flag_or("keep_mac", false)},
                    {"switches", decode_switches(reader)}};
    reader.finish();
    VmRestore restore{services.repository().find_point(point), services.state.hosts.get(host),
                      std::move(parameters)};
    restore.parameters["point"] = restore.point.id;
    restore.parameters["host"] = restore.host.id;
    return restore;
}

Response check_vm_restore(const Request& request, Services& services) {
    const VmRestore restore = decode_vm_restore(request, services);
    return Response::json(services.check_vm_restore(restore.parameters, {}));
}

Response create_vm_restore(const Request& request, Services& services) {
    const VmRestore restore = decode_vm_restore(request, services);
    const auto& draft = restore.point.draft;
    jobs::JobRequest job;
    job.kind = "restore_vm";
    job.subject = fmt::format("{} to {}", draft.vm_name, restore.host.draft.name);
    // Two imports of one configuration at one host could not be told apart.
    job.exclusive_key = fmt::format("restore:{}:{}", restore.host.id, draft.vm_id);
    job.parameters = restore.parameters;
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace

void add_vm_restore_routes(Router& router, Services& services) {
    router.add("startVmRestore",
               [&](const Request& request) { return create_vm_restore(request, services); });
    router.add("checkVmRestore",
               [&](const Request& request) { return check_vm_restore(request, services); });
}

}  // namespace entrepot::api

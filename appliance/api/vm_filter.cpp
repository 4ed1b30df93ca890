// See vm_filter.h.
#include "appliance/api/vm_filter.h"

#include "appliance/search/name_pattern.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::api {
namespace {

VmConcern concern_from(const std::string& name) {
    if (name.empty()) return VmConcern::any;
    if (name == "attention") return VmConcern::attention;
    if (name == "failed") return VmConcern::failed;
    if (name == "late") return VmConcern::late;
    if (name == "unprotected") return VmConcern::unprotected;
    throw Error{ErrorCode::invalid, fmt::format("concern is \"{}\", not one that a VM has", name)};
}

bool is_unprotected(const state::VmRecord& vm, const VmOverview& overview) {
    if (vm.host_id.empty()) return false;
    const std::string host_name = overview.host_names.name_of(vm.host_id);
    return std::ranges::none_of(overview.policies, [&](const PolicyView& view) {
        return view.policy.matches(host_name, vm.vm_id, vm.name);
    });
}

bool has_failed(const VmKey& key, const VmOverview& overview) {
    const auto job = overview.last_backups.find(key);
    if (job == overview.last_backups.end()) return false;
    const jobs::JobState state = job->second->state;
    return state == jobs::JobState::failed || state == jobs::JobState::interrupted;
}

/// A host that was removed has machines still: they go by its id. Error{not_found} for no host.
std::string find_host_id(const std::string& name_or_id, Services& services) {
    if (name_or_id.empty()) return {};
    if (!services.state.vms.list_of_host(name_or_id).empty()) return name_or_id;
    return services.state.hosts.get(name_or_id).id;
}

}  // namespace

bool VmFilter::fits_record(const state::VmRecord& vm) const {
    if (host_id && vm.host_id != *host_id) return false;
    if (name_part.empty()) return true;
    std::string name;
    search::fold_case(vm.name, name);
    return name.find(name_part) != std::string::npos;
}

bool VmFilter::fits_state(const VmKey& key, const state::VmRecord& vm, const VmOverview& overview,
                          const Lateness& lateness) const {
    switch (concern) {
        case VmConcern::any:
            return true;
        case VmConcern::failed:
            return has_failed(key, overview);
        case VmConcern::late:
            return lateness.late.has_value();
        case VmConcern::unprotected:
            return is_unprotected(vm, overview);
        case VmConcern::attention:
            return has_failed(key, overview) || is_unprotected(vm, overview) ||
                   !list_vm_problems(key, overview, lateness.late).empty();
    }
    return true;
}

Json VmFilter::question() const {
    return Json::array(
        {host_id ? Json(*host_id) : Json(nullptr), name_part, static_cast<int>(concern)});
}

VmFilter read_vm_filter(const Request& request, Services& services) {
    VmFilter filter;
    const auto host = request.query.find("host");
    if (host != request.query.end()) filter.host_id = find_host_id(host->second, services);
    search::fold_case(request.query_value("name"), filter.name_part);
    filter.concern = concern_from(request.query_value("concern"));
    return filter;
}

}  // namespace entrepot::api

// See checker.h.
#include "appliance/restore/checker.h"

#include "appliance/restore/host_path.h"
#include "appliance/restore/host_view.h"
#include "appliance/restore/marker_disk.h"
#include "appliance/restore/network_choice.h"
#include "appliance/restore/preflight.h"
#include "appliance/share/unc.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::restore {
namespace {

constexpr const char* kShareCure =
    "A host reads a VM's files under its computer account, or by a mapping "
    "(New-SmbGlobalMapping): give that account full control of the share, and try the path on "
    "the host.";

Json describe_adapters(const RestoreRequest& request, const repository::PointSummary& point,
                       const HostView& view) {
    Json adapters = Json::array();
    for (const auto& adapter : backup::vm_facts_from(point.draft.host_facts).adapters) {
        const auto choice = choose_network(request, adapter.switch_name, view.switches);
        adapters.push_back({{"name", adapter.name},
                            {"mac", adapter.mac_address},
                            {"was_on", adapter.switch_name},
                            {"switch", choice.network ? Json(choice.network->name) : Json{}}});
    }
    return adapters;
}

Json describe_disks(const repository::PointSummary& point) {
    Json disks = Json::array();
    for (const auto& disk : point.disks) {
        disks.push_back({{"index", disk.draft.index},
                         {"name", disk.draft.name},
                         {"virtual_size_bytes", disk.draft.size_bytes}});
    }
    return disks;
}

Json names_of(const std::vector<hyperv::VirtualSwitch>& switches) {
    Json names = Json::array();
    for (const auto& one : switches)
        names.push_back(one.name);
    return names;
}

/// The marker's folder, gone with this object.
class Marker {
public:
    Marker(const backup::Services& services, share::ExportArea area, const std::string& id)
        : services_(services), area_(std::move(area)), id_(id) {
        remove();
        const auto folder = area_.create_private(id_);
        write_marker_disk(services.file_system, services.random, disk_id_, folder / kMarkerName);
        area_.publish(id_, area_.run_path(id_, id_));
    }
    Marker(const Marker&) = delete;
    Marker& operator=(const Marker&) = delete;
    ~Marker() {
        try {
            remove();
        } catch (const Error& error) {
            services_.log.warning("a restore's marker stays on the share",
                                  {{"error", error.what()}});
        }
    }

    /// Empty if the host sees it in that folder, else why not.
    std::string find_obstacle(hyperv::RestoreHost& importer, const std::string& folder) const {
        const auto look = importer.look_at_disk_file(join_host_path(folder, {kMarkerName}));
        if (look.is_readable && look.virtual_disk_id == disk_id_) return {};
        return look.is_readable ? std::string{"another disk is there"} : look.reason;
    }

private:
    void remove() { area_.remove_run(id_, id_); }

    const backup::Services& services_;
    share::ExportArea area_;
    std::string id_;
    Guid disk_id_ = Guid::make_random(services_.random);
};

}  // namespace

// The marker lies in a folder named by the host's own id: what a crash leaves, the next look takes
// away.
void Checker::look_at_target(const state::HostRecord& host, hyperv::RestoreHost& importer,
                             Target& target, std::vector<Check>& checks) {
    const std::scoped_lock lock{mutex_};
    const state::ShareRecord share = share_of(services_.base, target);
    const Marker marker{services_.base, services_.base.shares.open_area(share, host.id), host.id};
    if (target.is_reach_known) {
        const std::string probe = share::join_unc(share.unc, host.id, host.id);
        const std::string obstacle = marker.find_obstacle(importer, probe);
        if (obstacle.empty()) {
            checks.push_back(
                {"target", Verdict::good,
                 fmt::format("the host reads {}; the VM will run from there", target.host_path),
                 ""});
        } else {
            checks.push_back({"target", Verdict::blocked,
                              fmt::format("the host cannot read {}: {}", share.unc, obstacle),
                              kShareCure});
        }
        return;
    }
    const std::string folder = target.host_path;
    for (const std::string& candidate :
         {join_host_path(folder, {host.id, host.id}), join_host_path(folder, {host.id})}) {
        if (!marker.find_obstacle(importer, candidate).empty()) continue;
        target.reach = Reach::mapped;
        checks.push_back(
            {"target", Verdict::good,
             fmt::format("{} on the host leads to the share; the VM will run from it", folder),
             ""});
        return;
    }
    checks.push_back(
        {"target", Verdict::warning,
         fmt::format("only the host can write to {}: the files will wait on the share until "
                     "somebody has copied them",
                     folder),
         "The job shows the command to run on the host, and goes on by itself then. To have the VM "
         "run from the share at once, name the share's path instead: " +
             share.unc});
}

Json Checker::check(const RestoreRequest& request, std::stop_token stop) {
    const backup::Services& base = services_.base;
    const auto host = base.state.hosts.get(request.host);
    const auto point = base.repository.find_point(request.point);
    // Refuses a point that holds no configuration.
    plan_layout(point, base.repository.open_point(point.id)->file_names(), base.random);
    Target target = resolve_target(base, host, request.to, host.id);
    const auto connection = base.connect(host, stop);
    const auto importer = services_.connect(host, stop);
    const HostView view = read_host_view(*connection, *importer, target);
    std::vector<Check> checks;
    look_at_target(host, *importer, target, checks);
    const std::string name = choose_name(request, point, view.vms);
    const auto more = check_restore(
        {.request = request,
         .point = point,
         .host_name = host.draft.name,
         .view = view,
         .target = target,
         .share_free_bytes = base.shares.open_area(share_of(base, target), host.id).free_bytes(),
         .other_hosts = list_other_hosts(base, host.id, point.draft.vm_id)});
    checks.insert(checks.end(), more.begin(), more.end());
    return {
        {"can_start", find_blocked(checks) == nullptr},
        {"checks", to_json(checks)},
        {"point", point.id},
        {"host", host.draft.name},
        {"name", name},
        {"keep_id", request.keeps_id},
        {"target",
         {{"path", target.host_path}, {"share", target.share}, {"reach", to_string(target.reach)}}},
        {"adapters", describe_adapters(request, point, view)},
        {"disks", describe_disks(point)},
        {"switches", names_of(view.switches)},
        {"bytes_needed", bytes_needed(point)}};
}

}  // namespace entrepot::restore

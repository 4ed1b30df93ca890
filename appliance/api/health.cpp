// Liveness, readiness, and figures for Prometheus.
#include "appliance/api/problem.h"
#include "appliance/api/routes.h"
#include "appliance/api/warnings.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace entrepot::api {
namespace {

constexpr std::size_t kMetricJobsMax = 500;

std::string line(std::string_view name, std::string_view help, std::uint64_t value) {
    return fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n{0} {2}\n", name, help, value);
}

std::string escape_label(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\\' || c == '"') escaped += '\\';
        escaped += c == '\n' ? ' ' : c;
    }
    return escaped;
}

std::string job_lines(Services& services) {
    std::map<std::string, std::uint64_t> count_by_state;
    state::JobQuery query;
    query.limit = kMetricJobsMax;
    for (const auto& job : services.engine.list(query).jobs) {
        ++count_by_state[std::string{jobs::to_string(job.state)}];
    }
    std::string text =
        "# HELP entrepot_recent_jobs Jobs among the newest 500 by state.\n"
        "# TYPE entrepot_recent_jobs gauge\n";
    for (const auto& [state, count] : count_by_state)
        text += fmt::format("entrepot_recent_jobs{{state=\"{}\"}} {}\n", state, count);
    return text;
}

std::string newest_point_lines(const VmPointsByKey& vms) {
    std::map<std::string, std::int64_t> newest;
    for (const auto& [key, points] : vms) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(points->newest.time)
                                 .time_since_epoch()
                                 .count();
        auto& known = newest[points->newest.draft.vm_name];
        known = std::max(known, static_cast<std::int64_t>(seconds));
    }
    std::string text =
        "# HELP entrepot_newest_point_time_seconds Commit time of a VM's newest point.\n"
        "# TYPE entrepot_newest_point_time_seconds gauge\n";
    for (const auto& [vm, seconds] : newest) {
        text += fmt::format("entrepot_newest_point_time_seconds{{vm=\"{}\"}} {}\n",
                            escape_label(vm), seconds);
    }
    return text;
}

std::string warning_lines(Services& services) {
    std::map<std::string, std::uint64_t> count_by_id;
    for (const Warning& warning : list_warnings(services, Privilege::administrator))
        ++count_by_id[warning.id];
    std::string text =
        "# HELP entrepot_warnings What GET /warnings tells, by id.\n"
        "# TYPE entrepot_warnings gauge\n";
    for (const auto& [id, count] : count_by_id)
        text += fmt::format("entrepot_warnings{{id=\"{}\"}} {}\n", escape_label(id), count);
    return text;
}

Response show_metrics(Services& services) {
    auto& repository = services.repository();
    const auto info = repository.info();
    std::string text = line("entrepot_points", "Recovery points.", info.points);
    text += line("entrepot_logical_bytes", "Allocated bytes of all points.", info.logical_bytes);
    text += line("entrepot_unique_bytes", "Plain bytes of distinct chunks.", info.unique_bytes);
    text += line("entrepot_stored_bytes", "Bytes that the repository occupies.", info.stored_bytes);
    text += line("entrepot_waste_bytes", "Stored bytes that no point reaches.", info.waste_bytes);
    text +=
        line("entrepot_hosts", "Hosts that are configured.", services.state.hosts.list().size());
    text += job_lines(services) + newest_point_lines(services.vm_points->read(repository));
    text += warning_lines(services);
    return Response::text(std::move(text), "text/plain; version=0.0.4; charset=utf-8");
}

bool serves_shares(Services& services) {
    const auto shares = services.shares.list();
    return std::any_of(shares.begin(), shares.end(),
                       [](const state::ShareRecord& share) { return share.is_managed(); });
}

// Asked without a login, so it says no more than which part is missing.
Response show_readiness(Services& services) {
    try {
        services.repository();
    } catch (const Error&) {
        return problem(Error{ErrorCode::busy, "the repository is not open"});
    }
    const bool is_serving = services.managed_shares.health().state == share::SambaState::running;
    if (services.managed_shares.is_started() && serves_shares(services) && !is_serving) {
        return problem(Error{ErrorCode::busy, "the share's file server is not running"});
    }
    return Response::json({{"status", "ready"}});
}

}  // namespace

void add_health_routes(Router& router, Services& services) {
    router.add("getLiveness", [](const Request&) { return Response::json({{"status", "alive"}}); });
    router.add("getReadiness", [&](const Request&) { return show_readiness(services); });
    router.add("getMetrics", [&](const Request&) { return show_metrics(services); });
}

}  // namespace entrepot::api

// See maintenance_jobs.h.
#include "appliance/backup/maintenance_jobs.h"

#include "appliance/backup/exported_disk.h"
#include "appliance/backup/plan_step.h"
#include "appliance/backup/repository_wait.h"
#include "appliance/backup/residue_check.h"

#include "storage/repository/retention.h"

#include "base/error.h"
#include "base/time_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::backup {

using repository::PointSummary;

namespace {

repository::VerifyDepth parse_depth(const std::string& name) {
    if (const auto depth = repository::verify_depth_from(name)) return *depth;
    throw Error{ErrorCode::usage, fmt::format("'{}' is no depth of verification", name),
                "It is one of manifests, packs, data."};
}

repository::DryRun dry_run_of(const Json& parameters) {
    return parameters.value("dry_run", false) ? repository::DryRun::yes : repository::DryRun::no;
}

repository::RetentionRule rule_of(const Json& parameters) {
    const auto count = [&parameters](const char* name) {
        return parameters.value(name, std::uint32_t{0});
    };
    repository::RetentionRule rule;
    rule.keep_last = count("keep_last");
    rule.keep_hourly = count("keep_hourly");
    rule.keep_daily = count("keep_daily");
    rule.keep_weekly = count("keep_weekly");
    rule.keep_monthly = count("keep_monthly");
    rule.keep_yearly = count("keep_yearly");
    if (rule.is_empty()) {
        throw Error{ErrorCode::usage, "prune without a rule would keep nothing",
                    "Say what to keep, for example --keep-last 7 --keep-daily 30."};
    }
    return rule;
}

/// Points by VM; one VM is one host's.
using PointsOfVms = std::map<std::pair<std::string, std::string>, std::vector<PointSummary>>;

PointsOfVms list_points(const Services& services, const Json& parameters) {
    std::string host = parameters.value("host", "");
    if (!host.empty()) {
        if (const auto record = services.state.hosts.find(host)) host = record->id;
    }
    PointsOfVms points;
    for (auto& point : services.repository.list_points({.vm = parameters.value("vm", "")})) {
        if (!host.empty() && point.draft.host != host) continue;
        auto& of_vm = points[{point.draft.host, point.draft.vm_id}];
        of_vm.push_back(std::move(point));
    }
    return points;
}

repository::RetentionPlan plan_for(const Services& services,
                                   const std::vector<PointSummary>& points,
                                   const repository::RetentionRule& rule) {
    const repository::TimeState time = services.repository.time_state();
    std::vector<repository::RetentionPoint> seen;
    for (const PointSummary& point : points)
        seen.push_back(repository::seen_by_retention(point, time));
    const auto zone = TimeZones{services.file_system}.get(services.time_zone);
    return repository::plan_retention(seen, rule, time.now, *zone);
}

const PointSummary& find_in(const std::vector<PointSummary>& points, const std::string& id) {
    for (const PointSummary& point : points) {
        if (point.id == id) return point;
    }
    throw Error{ErrorCode::internal, fmt::format("retention names an unknown point {}", id)};
}

// True if no later point has a reference point: then the host has this one's as far as we know, and
// the next increment would count from it.
bool holds_living_reference_point(const Services& services, const PointSummary& point) {
    const auto points = list_points_of_vm(services, point.draft.host, point.draft.vm_id);
    return std::none_of(points.begin(), points.end(), [&point](const PointSummary& other) {
        return other.sequence > point.sequence && !other.draft.reference_point.empty();
    });
}

class Prune {
public:
    Prune(const Services& services, jobs::JobContext& job) : services_(services), job_(job) {}

    jobs::JobOutcome run() {
        const repository::RetentionRule rule = rule_of(job_.parameters());
        require_trusted_clock();
        const std::uint64_t stored_before = services_.repository.info().stored_bytes;
        job_.enter_stage("prune");
        for (const auto& [vm, points] : list_points(services_, job_.parameters())) {
            const repository::RetentionPlan plan = plan_for(services_, points, rule);
            for (const auto& point : plan.kept) {
                kept_.push_back({{"point", point.id}, {"because", point.because}});
            }
            for (const std::string& id : plan.removed)
                remove(find_in(points, id));
        }
        const std::uint64_t stored_after = services_.repository.info().stored_bytes;
        jobs::JobOutcome outcome;
        outcome.result = {
            {"kept", kept_},
            {"removed", removed_},
            {"freed_bytes", stored_before > stored_after ? stored_before - stored_after : 0},
            {"dry_run", job_.parameters().value("dry_run", false)}};
        return outcome;
    }

private:
    void require_trusted_clock() {
        if (dry_run_of(job_.parameters()) == repository::DryRun::yes) return;
        const std::string frozen = services_.repository.time_state().frozen;
        if (frozen.empty()) return;
        throw Error{ErrorCode::conflict, fmt::format("nothing is deleted: {}", frozen),
                    "set the clock right if it is wrong, then: entrepot clock confirm"};
    }

    void remove(const PointSummary& point) {
        job_.work().throw_if_stopped();
        if (dry_run_of(job_.parameters()) == repository::DryRun::no) {
            try {
                wait_for_repository(services_.clock, job_, [&] { delete_point(services_, point); });
            } catch (const Error& error) {
                if (error.code() != ErrorCode::conflict) throw;
                require_trusted_clock();
                kept_.push_back({{"point", point.id}, {"because", Json::array({error.message()})}});
                return;
            }
            job_.note(fmt::format("point {} of {} is deleted", point.id, point.draft.vm_name));
        }
        removed_.push_back(point.id);
    }

    const Services& services_;
    jobs::JobContext& job_;
    Json kept_ = Json::array();
    Json removed_ = Json::array();
};

void tell_how_to_resume(jobs::JobContext& job, const repository::VerifyOptions& options,
                        const Error& error) {
    if (error.code() == ErrorCode::busy || options.depth == repository::VerifyDepth::manifests) {
        return;
    }
    job.note(
        fmt::format("what was found sound is kept for a week: entrepot verify --depth {} "
                    "--resume goes on",
                    to_string(options.depth)));
}

}  // namespace

jobs::JobOutcome run_verify(const Services& services, jobs::JobContext& job) {
    const Json& parameters = job.parameters();
    repository::VerifyOptions options{parse_depth(parameters.value("depth", "manifests"))};
    // After a crash the same job goes on with it, and somebody else's when that one was cut off.
    options.run = parameters.value("run", job.id());
    RateLimit limit{services.clock, parameters.value("bytes_per_second", std::uint64_t{0}),
                    services.verify_limit};
    options.limit = &limit;
    std::vector<std::string> ids;
    for (const Json& text : parameters.value("points", Json::array())) {
        ids.push_back(services.repository.find_point(text.get<std::string>()).id);
    }
    job.enter_stage("verify");
    Json points = Json::array();
    std::size_t damaged = 0;
    const auto verdicts = queue_until_repository_is_free([&] {
        try {
            return services.repository.verify(ids, options, job.work());
        } catch (const Error& error) {
            tell_how_to_resume(job, options, error);
            throw;
        }
    });
    for (const auto& verdict : verdicts) {
        Json damage = Json::array();
        for (const auto& range : verdict.damage) {
            damage.push_back({{"disk", range.disk},
                              {"offset", range.offset},
                              {"length", range.length},
                              {"reason", range.reason}});
        }
        if (!verdict.is_sound) ++damaged;
        points.push_back({{"id", verdict.point},
                          {"result", verdict.is_sound ? "sound" : "damaged"},
                          {"damage", damage}});
    }
    if (damaged > 0) job.warn(fmt::format("{} of {} points are damaged", damaged, points.size()));
    jobs::JobOutcome outcome;
    outcome.result = {{"points", points}, {"damaged", damaged}};
    return outcome;
}

jobs::JobOutcome run_prune(const Services& services, jobs::JobContext& job) {
    return Prune{services, job}.run();
}

namespace {

Json to_json(const repository::PackOutlook& pack) {
    return {{"pack", pack.pack},
            {"fate", to_string(pack.fate)},
            {"reason", pack.reason},
            {"size_bytes", pack.size_bytes},
            {"dead_bytes", pack.dead_bytes},
            {"live_chunks", pack.live_chunks},
            {"dead_chunks", pack.dead_chunks}};
}

}  // namespace

jobs::JobOutcome run_gc(const Services& services, jobs::JobContext& job) {
    job.enter_stage("gc");
    const bool is_dry_run = job.parameters().value("dry_run", false);
    const auto result =
        services.repository.collect_garbage(dry_run_of(job.parameters()), job.work());
    jobs::JobOutcome outcome;
    outcome.result = {{"kept", Json::array()},
                      {"removed", Json::array()},
                      {"freed_bytes", result.freed_bytes},
                      {"waste_bytes", result.waste_bytes},
                      {"packs_removed", result.packs_removed},
                      {"packs_compacted", result.packs_compacted},
                      {"packs_kept", result.packs_kept},
                      {"live_chunks", result.live_chunks},
                      {"dead_chunks", result.dead_chunks},
                      {"dry_run", is_dry_run}};
    if (!is_dry_run) return outcome;
    Json packs = Json::array();
    for (const repository::PackOutlook& pack : result.packs)
        packs.push_back(to_json(pack));
    outcome.result["packs"] = std::move(packs);
    outcome.result["packs_not_told"] = result.packs_not_told;
    return outcome;
}

jobs::JobOutcome run_catalog_rebuild(const Services& services, jobs::JobContext& job) {
    job.enter_stage("rebuild");
    jobs::JobOutcome outcome;
    outcome.result = {{"points", services.repository.rebuild_catalog(job.work())}};
    return outcome;
}

jobs::JobOutcome run_catalog_check(const Services& services, jobs::JobContext& job) {
    job.enter_stage("check");
    jobs::JobOutcome outcome;
    outcome.result = {{"differences", services.repository.check_catalog(job.work())}};
    return outcome;
}

void delete_point(const Services& services, const PointSummary& point) {
    // Copies: the caller's point may be the repository's own, which goes below.
    const std::string host = point.draft.host;
    const std::string vm = point.draft.vm_id;
    const std::string reference = point.draft.reference_point;
    if (host.empty() || reference.empty()) {
        services.repository.delete_point(point.id);
        return;
    }
    // Whether the host still has it only the host knows: tidying after a later run may have failed.
    // So each one stays recorded until a run has looked.
    const bool is_living = holds_living_reference_point(services, point);
    const std::string obsolete = std::string{kObsoleteReferencePointFlag} + reference;
    auto& flags = services.state.vm_flags;
    const std::string reason = fmt::format(
        "point {}, which the host's reference point belonged to, was deleted", point.id);
    flags.set(host, vm, obsolete, reason);
    if (is_living) flags.set(host, vm, kLostBaseFlag, reason);
    try {
        services.repository.delete_point(point.id);
    } catch (const Error&) {
        flags.clear(host, vm, obsolete);
        if (is_living) flags.clear(host, vm, kLostBaseFlag);
        throw;
    }
    if (is_living) {
        services.state.residue.add(host, vm, make_reference_point_residue(vm, reference));
    }
}

}  // namespace entrepot::backup

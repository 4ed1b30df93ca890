// See admission.h.
#include "appliance/backup/admission.h"

#include "appliance/backup/export_attempts.h"
#include "appliance/backup/limits.h"
#include "appliance/share/logical_use.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::backup {
namespace {

using std::chrono::milliseconds;

std::int64_t to_number(WallTime time) {
    return std::chrono::floor<milliseconds>(time).time_since_epoch().count();
}

// What the runs of this job occupy of the volume. Holes are no room that was taken.
std::uint64_t count_allocated_bytes(FileSystem& file_system, const std::filesystem::path& folder,
                                    std::size_t depth = 0) {
    std::uint64_t sum = 0;
    try {
        if (depth > limits::kExportDepthMax || !file_system.exists(folder)) return 0;
        for (const DirectoryEntry& entry : file_system.list(folder)) {
            const auto path = folder / entry.name;
            if (entry.type == FileType::directory) {
                sum += count_allocated_bytes(file_system, path, depth + 1);
            } else if (const auto status = file_system.find_status(path)) {
                sum += status->allocated_bytes;
            }
        }
    } catch (const Error&) {
        // A file that the host is just renaming; the next look will see it.
    }
    return sum;
}

std::uint64_t count_run_bytes(Run& run) {
    std::uint64_t sum = 0;
    for (const BegunExport& begun : list_begun_exports(run)) {
        sum += count_allocated_bytes(run.services().file_system,
                                     run.area().run_path(run.record().id, begun.run_id));
    }
    return sum;
}

// The same as sizes, holes included: what a quota counts.
std::uint64_t count_run_sizes(Run& run) {
    std::uint64_t sum = 0;
    for (const BegunExport& begun : list_begun_exports(run)) {
        const auto folder = run.area().run_path(run.record().id, begun.run_id);
        sum += share::measure_logical_use(run.services().file_system, folder).size_bytes;
    }
    return sum;
}

std::uint64_t count_used_quota(Run& run) {
    return share::measure_logical_use(run.services().file_system,
                                      run.area().host_path(run.record().id))
        .size_bytes;
}

// Not the name of a share: those have no control characters.
std::string quota_key(Run& run) {
    return "\n" + run.record().id;
}

}  // namespace

std::uint64_t export_bytes_max(const RunPlan& plan) {
    std::uint64_t sum = limits::kExportMarginBytes;
    for (const ExpectedDisk& disk : plan.disks) {
        sum += disk.file_size_bytes == 0
                   ? disk.size_bytes
                   : std::min(disk.file_size_bytes, disk.size_bytes + limits::kExportMarginBytes);
    }
    return sum;
}

void Admission::look_again() {
    if (run_.journal().has(key::kPlan)) return;
    const auto wait = run_.journal().find(key::kSpaceWait);
    if (!wait) return;
    const std::uint64_t needed = wait->at("needed");
    if (!try_promise(needed)) put_off(needed);
}

void Admission::admit(const RunPlan& plan) {
    const std::uint64_t needed = export_bytes_max(plan);
    check_quota(plan, needed);
    release();
    if (!try_promise(needed)) put_off(needed);
    if (run_.journal().has(key::kSpaceWait)) run_.note("the share has room now");
}

void Admission::keep(const RunPlan& plan) {
    promise_ = run_.services().space->promise(run_.share().name, export_bytes_max(plan),
                                              [&run = run_] { return count_run_bytes(run); });
    if (run_.quota_bytes() == 0) return;
    quota_promise_ = run_.services().space->promise(quota_key(run_), export_bytes_max(plan),
                                                    [&run = run_] { return count_run_sizes(run); });
}

bool Admission::try_promise(std::uint64_t needed) {
    promise_ =
        run_.services().space->try_promise(run_.share().name, needed, run_.area().free_bytes(),
                                           [&run = run_] { return count_run_bytes(run); });
    if (!promise_) return false;
    if (try_promise_quota(needed)) return true;
    promise_.reset();
    return false;
}

// An increment that could be larger than the whole quota is let go on: most are far smaller.
bool Admission::try_promise_quota(std::uint64_t needed) {
    const std::uint64_t quota = run_.quota_bytes();
    if (quota == 0 || needed > quota) return true;
    const std::uint64_t used = count_used_quota(run_);
    quota_promise_ =
        run_.services().space->try_promise(quota_key(run_), needed, quota - std::min(quota, used),
                                           [&run = run_] { return count_run_sizes(run); });
    return quota_promise_ != nullptr;
}

void Admission::check_quota(const RunPlan& plan, std::uint64_t needed) {
    const std::uint64_t quota = run_.quota_bytes();
    if (quota == 0 || plan.goal.kind != repository::PointKind::full || needed <= quota) return;
    throw Error{ErrorCode::no_space,
                fmt::format("the export of VM {} may write {}, more than the quota of {} that host "
                            "{} has on share {}",
                            plan.vm_name, format_size(needed), format_size(quota), plan.host_name,
                            run_.share().name),
                fmt::format("entrepot share quota {} --size SIZE sets another. Nothing was asked "
                            "of the host.",
                            plan.host_name)};
}

std::string Admission::describe_room(std::uint64_t free, std::uint64_t promised,
                                     std::uint64_t needed) const {
    const std::string kept =
        promised == 0 ? std::string{}
                      : fmt::format(", {} of it kept for exports that run", format_size(promised));
    return fmt::format("share {} has {} free{}; this export may need {}", run_.share().name,
                       format_size(free), kept, format_size(needed));
}

std::string Admission::describe_quota(std::uint64_t needed) const {
    return fmt::format(
        "host {} has {} of its quota of {} on share {} in use or kept for exports "
        "that run; this export may need {}",
        run_.record().draft.name,
        format_size(count_used_quota(run_) + run_.services().space->outstanding(quota_key(run_))),
        format_size(run_.quota_bytes()), run_.share().name, format_size(needed));
}

void Admission::put_off(std::uint64_t needed) {
    const WallTime now = run_.services().clock.wall_now();
    const auto wait = run_.journal().find(key::kSpaceWait);
    const std::int64_t since = wait ? wait->at("since").get<std::int64_t>() : to_number(now);
    const milliseconds waited{std::max<std::int64_t>(0, to_number(now) - since)};
    const std::uint64_t promised = run_.services().space->outstanding(run_.share().name);
    const std::uint64_t free = run_.area().free_bytes();
    const bool lacks_quota = free >= needed && free - needed >= promised;
    const std::string state =
        lacks_quota ? describe_quota(needed) : describe_room(free, promised, needed);
    if (waited >= run_.services().space_wait_max) {
        const auto minutes = std::chrono::floor<std::chrono::minutes>(waited).count();
        throw Error{ErrorCode::no_space,
                    minutes == 0
                        ? state
                        : fmt::format("{}, and waiting {} min did not help", state, minutes),
                    "Make room on the share's volume, or give it a larger one; "
                    "share.wait_for_space_minutes "
                    "says how long a backup waits. Nothing was asked of the host."};
    }
    run_.journal().put(key::kSpaceWait, {{"since", since}, {"needed", needed}});
    throw jobs::Deferral{state, limits::kSpaceRetry};
}

}  // namespace entrepot::backup

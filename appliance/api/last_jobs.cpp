// See last_jobs.h.
#include "appliance/api/last_jobs.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace entrepot::api {
namespace {

// Of so many newest jobs of a kind: a thousand VMs of two nights.
constexpr std::size_t kJobsReadMax = 2'000;
constexpr const char* kBackup = "backup";
constexpr const char* kRestoreVm = "restore_vm";
constexpr const char* kRestoreDisk = "restore_disk";
constexpr std::array<std::string_view, 5> kCareKinds{"verify", "prune", "gc", "catalog_rebuild",
                                                     "catalog_check"};
constexpr std::size_t kCareMax = 10'000;

}  // namespace

void LastJobsBook::begin(jobs::JobEngine& engine) {
    std::call_once(is_begun_, [&] {
        // Before the jobs are read: none that changes meanwhile is missed.
        subscription_ = engine.subscribe([this](const jobs::JobView& job) { note(job); });
        for (const char* kind : {kBackup, kRestoreVm, kRestoreDisk})
            load(engine, kind);
        for (const std::string_view kind : kCareKinds)
            load(engine, std::string{kind});
    });
}

LastJobs LastJobsBook::read(jobs::JobEngine& engine) {
    begin(engine);
    const std::scoped_lock lock{mutex_};
    return known_;
}

std::uint64_t LastJobsBook::read_stamp(jobs::JobEngine& engine) {
    begin(engine);
    const std::scoped_lock lock{mutex_};
    return known_.stamp;
}

std::vector<SharedJob> LastJobsBook::read_care(jobs::JobEngine& engine) {
    begin(engine);
    std::vector<SharedJob> jobs;
    const std::scoped_lock lock{mutex_};
    for (const auto& [key, job] : care_)
        jobs.push_back(job);
    return jobs;
}

void LastJobsBook::load(jobs::JobEngine& engine, const std::string& kind) {
    state::JobQuery query;
    query.kind = kind;
    query.limit = state::kJobPageMax;
    std::size_t count = 0;
    do {
        const state::JobPage page = engine.list(query);
        for (const jobs::JobView& job : page.jobs)
            note(job);
        count += page.jobs.size();
        query.cursor = page.next_cursor;
    } while (!query.cursor.empty() && count < kJobsReadMax);
}

// Progress changes nothing that lists tell of the last job.
void LastJobsBook::keep(SharedJob& place, const jobs::JobView& job) {
    const bool is_same = place && place->id == job.id && place->state == job.state &&
                         place->ended == job.ended &&
                         place->error.has_value() == job.error.has_value();
    if (!is_same) ++known_.stamp;
    place = std::make_shared<const jobs::JobView>(job);
}

// Requires the lock.
void LastJobsBook::note_care(const jobs::JobView& job) {
    const bool tells = jobs::is_final(job.state) && job.state != jobs::JobState::cancelled;
    if (!tells) return;
    const std::pair key{job.kind, job.subject};
    const auto known = care_.find(key);
    if (known != care_.end()) {
        if (known->second->created <= job.created) {
            known->second = std::make_shared<const jobs::JobView>(job);
        }
    } else if (care_.size() < kCareMax) {
        care_.emplace(key, std::make_shared<const jobs::JobView>(job));
    }
}

void LastJobsBook::note(const jobs::JobView& job) {
    if (!job.parameters.is_object()) return;
    const std::scoped_lock lock{mutex_};
    const bool is_care = std::find(kCareKinds.begin(), kCareKinds.end(),
                                   std::string_view{job.kind}) != kCareKinds.end();
    if (is_care) return note_care(job);
    if (job.kind == kBackup) {
        SharedJob& known =
            known_.backups[{job.parameters.value("host", ""), job.parameters.value("vm", "")}];
        const bool is_newer = !known || known->id == job.id || known->created < job.created;
        if (is_newer) keep(known, job);
        return;
    }
    const bool is_restore = job.kind == kRestoreVm || job.kind == kRestoreDisk;
    if (!is_restore || job.state != jobs::JobState::done || !job.ended) return;
    SharedJob& known = known_.restores_done[job.parameters.value("point", "")];
    if (!known || *known->ended < *job.ended) keep(known, job);
}

}  // namespace entrepot::api

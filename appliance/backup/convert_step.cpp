// See convert_step.h.
#include "appliance/backup/convert_step.h"

#include "appliance/backup/host_calls.h"
#include "appliance/backup/host_objects.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::backup {

using hyperv::JobState;

namespace {

constexpr int kAskedMax = 2;

Json describe_reference_point(Run& run, const std::string& id) {
    Json result{{"reference_point", id},
                {"reason", ""},
                {"disk_ids", Json::array()},
                {"rct_ids", Json::array()}};
    for (const auto& point :
         read_patiently(run, [&] { return run.host().list_reference_points(run.vm_id()); })) {
        if (point.instance_id != id) continue;
        result["disk_ids"] = point.disk_ids;
        result["rct_ids"] = point.rct_ids;
    }
    return result;
}

}  // namespace

void ConvertStep::run() {
    run_.job().enter_stage("convert");
    if (run_.journal().has(key::kConvert)) return;
    const std::string snapshot_id = run_.journal().find(key::kSnapshot)->at("id");
    for (int asked = 0; asked < kAskedMax; ++asked) {
        if (run_.journal().has(key::job(key::kConvert, 0))) break;
        // Asked before, without an answer: only a snapshot that stays there may be asked for again.
        const bool was_asked = run_.journal().has(key::intent(key::kConvert, 0));
        if (was_asked && wait_until(run_, run_.pace().appear_max,
                                    [&] { return !is_snapshot_on_host(run_, snapshot_id); })) {
            break;
        }
        ask(snapshot_id);
        if (run_.journal().has(key::kConvert)) return;
    }
    settle(snapshot_id);
}

void ConvertStep::ask(const std::string& snapshot_id) {
    if (!run_.journal().has(key::intent(key::kConvert, 0))) {
        Json before = Json::array();
        for (const auto& point : run_.host().list_reference_points(run_.vm_id())) {
            before.push_back(point.instance_id);
        }
        run_.journal().put(key::intent(key::kConvert, 0), {{"before", before}});
    }
    const Asked asked = backup::ask(run_, key::job(key::kConvert, 0),
                                    [&] { return run_.host().start_convert(snapshot_id); });
    if (asked.refusal) give_up(snapshot_id, asked.refusal->message());
}

void ConvertStep::settle(const std::string& snapshot_id) {
    std::string failure;
    if (const auto job = run_.journal().find_job(key::job(key::kConvert, 0))) {
        const hyperv::JobStatus status = wait_for_job(run_, *job);
        if (status.state == JobState::failed) {
            const Error error = failure_of(status, "ConvertToReferencePoint");
            failure = error.message();
            if (!error.hint().empty()) failure += ". " + error.hint();
        }
    }
    Found found;
    if (failure.empty()) {
        wait_until(run_, run_.pace().appear_max, [&] {
            found = find_new_reference_point(run_, snapshot_id);
            return found.id.has_value();
        });
    }
    if (!failure.empty()) return give_up(snapshot_id, failure);
    if (!found.id) {
        return give_up(snapshot_id,
                       fmt::format("{} new reference points are on the host and none is proven to "
                                   "be ours",
                                   found.in_doubt.size()));
    }
    // What was adopted only counts once nothing of the snapshot is left.
    destroy_snapshot(run_, snapshot_id);
    run_.journal().put(key::kConvert, describe_reference_point(run_, *found.id));
    run_.note("the snapshot is a reference point now");
}

void ConvertStep::give_up(const std::string& snapshot_id, const std::string& why) {
    // A failed conversion may have made a point all the same; of an unknown worth, it goes.
    const Found found = find_new_reference_point(run_, snapshot_id);
    destroy_snapshot(run_, snapshot_id);
    if (found.id) destroy_reference_point(run_, *found.id);
    run_.journal().put(key::kConvert, {{"reference_point", ""},
                                       {"reason", why},
                                       {"disk_ids", Json::array()},
                                       {"rct_ids", Json::array()}});
    run_.warn("no reference point was made, the next backup will be a full one: " + why);
}

std::string reference_point_of(Run& run) {
    const auto converted = run.journal().find(key::kConvert);
    return converted ? converted->at("reference_point").get<std::string>() : std::string{};
}

void undo_convert(Run& run) {
    std::string id = reference_point_of(run);
    if (id.empty() && !run.journal().has(key::kConvert) &&
        run.journal().has(key::intent(key::kConvert, 0))) {
        if (const auto job = run.journal().find_job(key::job(key::kConvert, 0))) {
            wait_for_job(run, *job);
        }
        const std::string snapshot_id = run.journal().find(key::kSnapshot)->at("id");
        id = find_new_reference_point(run, snapshot_id).id.value_or("");
    }
    if (!id.empty()) destroy_reference_point(run, id);
}

}  // namespace entrepot::backup

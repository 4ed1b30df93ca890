// The job around an examination, and its report.
#include "appliance/doctor/doctor.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::doctor {
namespace {

std::string report_key(const std::string& host_id) {
    return "doctor:" + host_id;
}

std::size_t count(const std::vector<Check>& checks, Result result) {
    return static_cast<std::size_t>(std::count_if(
        checks.begin(), checks.end(), [&](const Check& check) { return check.result == result; }));
}

}  // namespace

Json report_json(const state::HostRecord& host, const std::vector<Check>& checks, WallTime time) {
    Json list = Json::array();
    for (const Check& check : checks)
        list.push_back(check.to_json());
    return {{"host", host.draft.name},
            {"time", format_time(time)},
            {"failed", count(checks, Result::failed)},
            {"warnings", count(checks, Result::warning)},
            {"unproven", count(checks, Result::unproven)},
            {"checks", std::move(list)}};
}

jobs::JobOutcome run_doctor(const Services& services, jobs::JobContext& job) {
    const auto host = services.state.hosts.get(job.parameters().at("host").get<std::string>());
    Options options;
    options.retries_login = job.parameters().value("retry_login", false);
    options.record_directory = job.parameters().value("record", std::string{});
    options.on_layer = [&](std::string_view layer) { job.enter_stage(layer); };
    const auto checks = examine(services, host, options, job.stop());
    jobs::JobOutcome outcome;
    outcome.result = report_json(host, checks, services.clock.wall_now());
    const bool has_failures = count(checks, Result::failed) > 0;
    outcome.state = has_failures ? jobs::JobState::partly : jobs::JobState::done;
    Json kept = outcome.result;
    kept["job"] = job.id();
    services.state.settings.put(report_key(host.id), kept);
    return outcome;
}

std::optional<Json> find_last_report(state::State& state, const std::string& host_id) {
    auto report = state.settings.find(report_key(host_id));
    if (!report || !report->is_object()) return std::nullopt;
    return report;
}

void forget_report(state::State& state, const std::string& host_id) {
    state.settings.remove(report_key(host_id));
}

}  // namespace entrepot::doctor

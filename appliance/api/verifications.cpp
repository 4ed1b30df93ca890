// Checking that points are what they were.
#include "appliance/api/decode.h"
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

constexpr std::size_t kPointsMax = 1000;
constexpr std::uint64_t kRateMax = 1'000'000'000'000;

bool is_under_way(Services& services, const std::string& job) {
    try {
        return !jobs::is_final(services.engine.view(job).state);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::not_found) throw;
        return false;
    }
}

repository::VerificationRun find_unfinished(Services& services, const std::string& depth) {
    for (auto& run : services.repository().list_unfinished_verifications()) {
        if (repository::to_string(run.depth) != depth) continue;
        // A run has the name of the job that began it.
        if (!is_under_way(services, run.id)) return std::move(run);
    }
    throw Error{ErrorCode::not_found,
                fmt::format("no verification of depth {} was cut off in the last days", depth),
                fmt::format("It has to begin anew: entrepot verify --depth {}", depth)};
}

Json points_that_remain(Services& services, const repository::VerificationRun& run) {
    Json ids = Json::array();
    for (const std::string& id : run.points) {
        try {
            ids.push_back(services.repository().find_point(id).id);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::not_found) throw;
        }
    }
    if (ids.empty() && !run.points.empty()) {
        throw Error{ErrorCode::not_found, "the points of that verification were deleted"};
    }
    return ids;
}

Response create_verification(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const auto texts = reader.texts("points");
    const std::string depth = reader.text_or("depth", "manifests");
    const bool is_resumed = reader.flag_or("resume", false);
    const auto rate = reader.count_or("bytes_per_second", 0, kRateMax);
    reader.finish();
    if (!repository::verify_depth_from(depth)) {
        throw Error{ErrorCode::invalid,
                    fmt::format("depth \"{}\" is none of manifests, packs, data", depth)};
    }
    if (is_resumed && !texts.empty()) {
        throw Error{ErrorCode::invalid, "what is resumed has its points already",
                    "Leave the points out."};
    }
    if (texts.size() > kPointsMax) {
        throw Error{ErrorCode::invalid, fmt::format("more than {} points", kPointsMax)};
    }
    jobs::JobRequest job;
    job.kind = "verify";
    job.parameters = {{"depth", depth}, {"bytes_per_second", rate}};
    Json ids = Json::array();
    if (is_resumed) {
        const auto run = find_unfinished(services, depth);
        ids = points_that_remain(services, run);
        job.parameters["run"] = run.id;
        job.exclusive_key = "verify:" + run.id;
    }
    for (const auto& text : texts)
        ids.push_back(services.repository().find_point(text).id);
    job.subject = ids.empty() ? "all points" : fmt::format("{} points", ids.size());
    job.parameters["points"] = std::move(ids);
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace

void add_verification_routes(Router& router, Services& services) {
    router.add("startVerification",
               [&](const Request& request) { return create_verification(request, services); });
}

}  // namespace entrepot::api

// Checking that points are what they were.
#include "appliance/api/decode.h"
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

constexpr std::size_t kPointsMax = 1000;

Response create_verification(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const auto texts = reader.texts("points");
    const std::string depth = reader.text_or("depth", "manifests");
    reader.finish();
    if (depth != "manifests" && depth != "packs" && depth != "data") {
        throw Error{ErrorCode::invalid,
                    fmt::format("depth \"{}\" is none of manifests, packs, data", depth)};
    }
    if (texts.size() > kPointsMax) {
        throw Error{ErrorCode::invalid, fmt::format("more than {} points", kPointsMax)};
    }
    Json ids = Json::array();
    for (const auto& text : texts)
        ids.push_back(services.repository().find_point(text).id);

    jobs::JobRequest job;
    job.kind = "verify";
    job.subject = ids.empty() ? "all points" : fmt::format("{} points", ids.size());
    job.parameters = {{"points", std::move(ids)}, {"depth", depth}};
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace

void add_verification_routes(Router& router, Services& services) {
    router.add("startVerification",
               [&](const Request& request) { return create_verification(request, services); });
}

}  // namespace entrepot::api

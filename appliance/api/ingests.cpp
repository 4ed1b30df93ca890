// Taking in an export that already lies on the appliance.
#include "appliance/api/decode.h"
#include "appliance/api/ingest_place.h"
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

constexpr std::size_t kPathsMax = 256;

std::vector<std::string> read_paths(ObjectReader& reader) {
    auto paths = reader.texts("paths");
    if (paths.empty() || paths.size() > kPathsMax) {
        throw Error{ErrorCode::invalid,
                    fmt::format("field \"paths\" needs 1 to {} entries", kPathsMax)};
    }
    for (const auto& path : paths) {
        if (path.empty() || path.front() != '/') {
            throw Error{ErrorCode::invalid, fmt::format("\"{}\" is no absolute path", path)};
        }
    }
    return paths;
}

Response create_ingest(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const auto paths = read_paths(reader);
    const std::string vm = reader.text("vm");
    const auto base = reader.find_text("base");
    const bool wants_sha256 = reader.flag_or("sha256", false);
    reader.finish();
    require_ingest_place(request, paths, services);

    jobs::JobRequest job;
    job.kind = "ingest";
    job.subject = vm;
    job.exclusive_key = policy::vm_exclusive_key({}, vm);
    job.parameters = {{"paths", paths}, {"vm", vm}, {"sha256", wants_sha256}};
    if (base && !base->empty()) {
        job.parameters["base"] = services.repository().find_point(*base).id;
    }
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace

void add_ingest_routes(Router& router, Services& services) {
    router.add("startIngest",
               [&](const Request& request) { return create_ingest(request, services); });
}

}  // namespace entrepot::api

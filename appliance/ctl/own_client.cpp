// Dispatches without a transport.
#include "appliance/ctl/own_client.h"

#include <array>
#include <string_view>

namespace entrepot::ctl {
namespace {

constexpr std::array<std::string_view, 8> kJobPaths{
    "/api/v1/backups", "/api/v1/ingests", "/api/v1/restores/", "/api/v1/verifications",
    "/api/v1/prunes",  "/api/v1/gc",      "/api/v1/catalog/",  "/api/v1/files/indexes",
};

}  // namespace

bool makes_jobs(const api::Request& request) {
    if (request.method != api::Method::post) return false;
    for (const auto path : kJobPaths) {
        if (request.path.starts_with(path)) return true;
    }
    const bool is_of_host = request.path.starts_with("/api/v1/hosts/");
    return request.path.ends_with("/retry") || (is_of_host && request.path.ends_with("/doctor")) ||
           (request.path.starts_with("/api/v1/policies/") && request.path.ends_with("/run"));
}

OwnClient::OwnClient(const daemon::World& world, const config::Config& config,
                     daemon::KeyReader read_key)
    : appliance_(world, config, std::move(read_key)) {}

api::Response OwnClient::send(const api::Request& request) {
    if (makes_jobs(request)) appliance_.start_jobs();
    api::Request own = request;
    own.user = access::local_administrator();
    return appliance_.router().dispatch(std::move(own));
}

api::Response OwnClient::download(const api::Request& request, const BodySink& sink) {
    api::Response response = send(request);
    if (api::is_error(response)) return response;
    if (!response.stream) {
        sink(response.body);
        return response;
    }
    response.stream(
        [&](std::string_view piece) {
            sink(piece);
            return true;
        },
        {});
    if (response.trailers) response.headers.merge(*response.trailers);
    return response;
}

}  // namespace entrepot::ctl

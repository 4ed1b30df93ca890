// Order matters: origin before session before route, and security headers on every answer.
#include "appliance/daemon/network_front.h"

#include "appliance/api/access.h"
#include "appliance/api/problem.h"

#include "base/error.h"

#ifdef ENTREPOT_HAS_CONSOLE
#include "web/assets.h"
#endif

namespace entrepot::daemon {
namespace {

using namespace std::chrono_literals;

// A download has hundreds of pieces a second, and each look asks the database.
constexpr auto kDownloadLookInterval = 500ms;
constexpr int kStatusNotModified = 304;
constexpr int kStatusUnsupportedMediaType = 415;
constexpr std::string_view kImmutablePrefix = "/assets/";

bool is_route(std::string_view path) {
    return path == "/api" || path.starts_with("/api/") || path == "/healthz" || path == "/readyz" ||
           path == "/metrics";
}

}  // namespace

// Whoever is signed out in the meantime hears nothing more (F-WB-04).
NetworkFront::Stream NetworkFront::end_with_session(Stream stream, const api::User& user,
                                                    std::chrono::milliseconds interval) const {
    return [stream = std::move(stream), user, interval, &access = access_, &clock = clock_](
               const api::StreamWriter& write, const std::stop_token& stop) {
        std::optional<SteadyTime> looked;
        const auto is_alive = [&] {
            const SteadyTime now = clock.steady_now();
            if (looked && now - *looked < interval) return true;
            looked = now;
            return access.is_alive(user);
        };
        stream([&](std::string_view text) { return is_alive() && write(text); }, stop);
    };
}

api::Response NetworkFront::answer_api(api::Request request) const {
    try {
        api::check_origin(request, "https://" + request.header("host"));
        api::check_content_type(request);
        request.user = api::authenticate(request, access_);
    } catch (const Error& error) {
        return error.code() == ErrorCode::unsupported
                   ? api::problem(error, kStatusUnsupportedMediaType)
                   : api::problem(error);
    }
    const api::User user = request.user;
    const std::string peer = request.peer;
    api::Response response = router_.dispatch(std::move(request));
    // Whoever was just given a session is a user, too.
    const bool is_user =
        user.via != access::Via::nothing || response.headers.contains("set-cookie");
    if (known_ != nullptr && is_user) known_->remember(peer);
    if (response.stream) {
        const bool is_download = response.headers.contains("content-disposition");
        response.stream = end_with_session(std::move(response.stream), user,
                                           is_download ? kDownloadLookInterval : 0ms);
    }
    response.headers["cache-control"] = "no-store";
    return response;
}

api::Response NetworkFront::answer_file(const api::Request& request) const {
    if (request.method != api::Method::get) {
        return api::problem(Error{ErrorCode::not_found, "there is nothing at this path"});
    }
    auto file = files_(request.path);
    // Addresses of the console's pages: the browser's code shows the right one.
    const bool is_page = request.path.find('.') == std::string::npos;
    if (!file && is_page) file = files_("/index.html");
    if (!file) return api::problem(Error{ErrorCode::not_found, "there is nothing at this path"});

    const std::string etag{file->etag};
    api::Response response;
    response.headers["etag"] = etag;
    response.headers["cache-control"] = request.path.starts_with(kImmutablePrefix)
                                            ? "public, max-age=31536000, immutable"
                                            : "no-cache";
    if (request.header("if-none-match") == etag) {
        response.status = kStatusNotModified;
        return response;
    }
    response.headers["content-type"] = std::string{file->content_type};
    response.body = std::string{file->content};
    return response;
}

api::Response NetworkFront::answer(api::Request request) const {
    api::Response response =
        is_route(request.path) ? answer_api(std::move(request)) : answer_file(request);
    // What a guest wrote brings a stricter one of its own.
    response.headers.try_emplace("content-security-policy", content_security_policy_);
    response.headers["x-content-type-options"] = "nosniff";
    response.headers["x-frame-options"] = "DENY";
    response.headers["referrer-policy"] = "no-referrer";
    response.headers["cross-origin-opener-policy"] = "same-origin";
    response.headers["cross-origin-resource-policy"] = "same-origin";
    return response;
}

#ifdef ENTREPOT_HAS_CONSOLE
StaticFiles console_files() {
    return [](std::string_view path) -> std::optional<StaticFile> {
        const web::Asset* asset = web::find_asset(path);
        if (asset == nullptr) return std::nullopt;
        return StaticFile{asset->content_type, asset->content, asset->etag};
    };
}

std::string console_security_policy() {
    return std::string{web::kContentSecurityPolicy};
}
#else
StaticFiles console_files() {
    return [](std::string_view) -> std::optional<StaticFile> { return std::nullopt; };
}

std::string console_security_policy() {
    return "default-src 'none'; frame-ancestors 'none'";
}
#endif

}  // namespace entrepot::daemon

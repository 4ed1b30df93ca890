// Matching by segments; literal segments win over parameters because they are compared first.
#include "appliance/api/router.h"

#include "appliance/api/problem.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace entrepot::api {
namespace {

constexpr std::size_t kSegmentsMax = 16;
constexpr std::size_t kPathBytesMax = 4096;
constexpr int kStatusMethodNotAllowed = 405;

std::vector<std::string_view> split_path(std::string_view path) {
    std::vector<std::string_view> segments;
    while (!path.empty() && segments.size() <= kSegmentsMax) {
        if (path.front() == '/') path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        segments.push_back(segment);
        path.remove_prefix(segment.size());
    }
    return segments;
}

bool is_parameter(std::string_view segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

struct Match {
    std::size_t literal_count = 0;
    std::map<std::string, std::string> parameters;
};

std::optional<Match> match_pattern(const std::string& pattern,
                                   const std::vector<std::string_view>& path) {
    const auto wanted = split_path(pattern);
    if (wanted.size() != path.size()) return std::nullopt;
    Match match;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (is_parameter(wanted[i])) {
            if (path[i].empty()) return std::nullopt;
            const std::string name{wanted[i].substr(1, wanted[i].size() - 2)};
            match.parameters[name] = decode_percent(path[i]);
        } else if (wanted[i] == path[i]) {
            ++match.literal_count;
        } else {
            return std::nullopt;
        }
    }
    return match;
}

}  // namespace

void Router::add(Method method, std::string pattern, Privilege privilege, Handler handler) {
    const bool is_known = std::any_of(routes_.begin(), routes_.end(), [&](const Route& route) {
        return route.method == method && route.pattern == pattern;
    });
    ENTREPOT_CHECK(!is_known);
    routes_.push_back({method, std::move(pattern), privilege, std::move(handler)});
}

const Route* Router::match(Request& request) const {
    if (request.path.size() > kPathBytesMax) {
        throw Error{ErrorCode::limit, "the request's path is too long"};
    }
    const auto segments = split_path(request.path);
    const Route* best = nullptr;
    std::size_t best_literal_count = 0;
    bool is_path_known = false;
    for (const Route& route : routes_) {
        auto found = match_pattern(route.pattern, segments);
        if (!found) continue;
        is_path_known = true;
        if (route.method != request.method) continue;
        if (best != nullptr && found->literal_count <= best_literal_count) continue;
        best = &route;
        best_literal_count = found->literal_count;
        request.parameters = std::move(found->parameters);
    }
    if (is_path_known) return best;
    throw Error{ErrorCode::not_found, fmt::format("there is nothing at {}", request.path)};
}

Response Router::run(Request& request) const {
    const Route* route = match(request);
    if (route == nullptr) {
        return problem(
            Error{ErrorCode::usage,
                  fmt::format("{} is not possible on {}", to_string(request.method), request.path)},
            kStatusMethodNotAllowed);
    }
    if (request.user.privilege < route->privilege) {
        if (request.user.privilege == Privilege::none) {
            throw Error{ErrorCode::unauthenticated, "sign in first",
                        "open the one-time link that the daemon printed when it started"};
        }
        throw Error{ErrorCode::access_denied,
                    fmt::format("this needs the privilege \"{}\"", to_string(route->privilege))};
    }
    return route->handler(request);
}

Response Router::dispatch(Request request) const {
    try {
        return run(request);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::internal) {
            log_.error("request failed", {{"path", request.path}, {"error", error.what()}});
        }
        return problem(error);
    } catch (const std::exception& error) {
        log_.error("request failed", {{"path", request.path}, {"error", error.what()}});
        return problem(Error{ErrorCode::internal, "an unexpected error; the log has the details"});
    }
}

}  // namespace entrepot::api

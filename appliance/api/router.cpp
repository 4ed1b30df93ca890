// Matching by segments; literal segments win over parameters because they are compared first.
#include "appliance/api/router.h"

#include "appliance/api/problem.h"
#include "appliance/api/schema_check.h"

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

Response refuse_unconfirmed() {
    return problem(Error{ErrorCode::access_denied, "this asks for your password again",
                         "confirm the session with the password, or use a token that may destroy"},
                   kConfirmationProblem);
}

/// By role and by confirmation: the answer that refuses, or nullopt.
std::optional<Response> admit(const User& user, const Operation& operation) {
    if (user.privilege < operation.privilege) {
        if (user.privilege == Privilege::none) {
            throw Error{ErrorCode::unauthenticated, "sign in first",
                        "entrepot user link on the appliance makes a link to sign in with"};
        }
        throw Error{ErrorCode::access_denied,
                    fmt::format("this needs the privilege \"{}\"", to_string(operation.privilege))};
    }
    if (operation.needs_confirmation && !user.is_confirmed) return refuse_unconfirmed();
    return std::nullopt;
}

}  // namespace

void Router::add(std::string_view operation_id, Handler handler) {
    ENTREPOT_CHECK(contract_.find(operation_id) != nullptr);
    const bool is_new = handlers_.emplace(std::string{operation_id}, std::move(handler)).second;
    ENTREPOT_CHECK(is_new);
}

std::vector<std::string> Router::missing() const {
    std::vector<std::string> ids;
    for (const Operation& operation : contract_.operations()) {
        if (!handlers_.contains(operation.id)) ids.push_back(operation.id);
    }
    return ids;
}

const Operation* Router::match(Request& request) const {
    if (request.path.size() > kPathBytesMax) {
        throw Error{ErrorCode::limit, "the request's path is too long"};
    }
    const auto segments = split_path(request.path);
    const Operation* best = nullptr;
    std::size_t best_literal_count = 0;
    bool is_path_known = false;
    for (const Operation& operation : contract_.operations()) {
        auto found = match_pattern(operation.pattern, segments);
        if (!found) continue;
        is_path_known = true;
        if (operation.method != request.method) continue;
        if (best != nullptr && found->literal_count <= best_literal_count) continue;
        best = &operation;
        best_literal_count = found->literal_count;
        request.parameters = std::move(found->parameters);
    }
    if (is_path_known) return best;
    throw Error{ErrorCode::not_found, fmt::format("there is nothing at {}", request.path)};
}

std::optional<Response> Router::admit_also(const Request& request,
                                           const Operation& operation) const {
    if (auto refusal = admit(request.user, operation)) return refusal;
    if (witness_ != nullptr && operation.needs_confirmation) witness_->before(request, operation);
    return std::nullopt;
}

Response Router::run(const Request& request, const Operation& operation) const {
    if (auto refusal = admit(request.user, operation)) return *std::move(refusal);
    const auto handler = handlers_.find(operation.id);
    if (handler == handlers_.end()) {
        throw Error{ErrorCode::unsupported, fmt::format("nobody handles {}", operation.id)};
    }
    check_request(contract_, operation, request);
    if (witness_ != nullptr && operation.needs_confirmation) witness_->before(request, operation);
    return handler->second(request);
}

Response Router::answer(Request& request, const Operation*& operation) const {
    try {
        operation = match(request);
        if (operation != nullptr) return run(request, *operation);
        return problem(
            Error{ErrorCode::usage,
                  fmt::format("{} is not possible on {}", to_string(request.method), request.path)},
            kStatusMethodNotAllowed);
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

Response Router::dispatch(Request request) const {
    const Operation* operation = nullptr;
    Response response = answer(request, operation);
    if (witness_ != nullptr && operation != nullptr) {
        witness_->after(request, *operation, response);
    }
    return response;
}

}  // namespace entrepot::api

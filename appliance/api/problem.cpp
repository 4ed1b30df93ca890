// Problem documents: the error's code decides the status, its text is for people.
#include "appliance/api/problem.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

constexpr int kTooManyRequests = 429;

std::string member_text(const Json& value, const char* name) {
    const auto found = value.find(name);
    if (found == value.end() || !found->is_string()) return {};
    return found->get<std::string>();
}

Error error_from(const Json& value, std::string message) {
    Error error{error_code_from(member_text(value, "code")), std::move(message),
                member_text(value, "hint")};
    const auto context = value.find("context");
    if (context == value.end() || !context->is_array()) return error;
    for (const Json& line : *context) {
        if (line.is_string()) error.add_context(line.get<std::string>());
    }
    return error;
}

Response make_problem(const Error& error, int status, const std::string& type) {
    const Json document{{"type", type},
                        {"title", to_string(error.code())},
                        {"status", status},
                        {"detail", error.message()},
                        {"code", to_string(error.code())},
                        {"hint", error.hint()},
                        {"context", error.context()}};
    Response response = Response::json(document, status);
    response.headers["content-type"] = "application/problem+json";
    if (error.code() == ErrorCode::busy) response.headers["retry-after"] = "5";
    return response;
}

}  // namespace

int http_status(ErrorCode code) {
    switch (code) {
        case ErrorCode::usage:
        case ErrorCode::invalid:
            return 400;
        case ErrorCode::unauthenticated:
            return 401;
        case ErrorCode::permission_denied:
        case ErrorCode::access_denied:
        case ErrorCode::untrusted:
            return 403;
        case ErrorCode::not_found:
            return 404;
        case ErrorCode::already_exists:
        case ErrorCode::conflict:
        case ErrorCode::cancelled:
            return 409;
        case ErrorCode::limit:
            return 413;
        case ErrorCode::unsupported:
        case ErrorCode::corrupt:
        case ErrorCode::parent_missing:
        case ErrorCode::parent_mismatch:
            return 422;
        case ErrorCode::locked:
            return 423;
        case ErrorCode::internal:
        case ErrorCode::io:
            return 500;
        case ErrorCode::protocol:
        case ErrorCode::host_failure:
        case ErrorCode::unreachable:
            return 502;
        case ErrorCode::busy:
            return 503;
        case ErrorCode::timeout:
            return 504;
        case ErrorCode::no_space:
            return 507;
    }
    return 500;
}

Json error_json(const Error& error) {
    return Json{{"code", to_string(error.code())},
                {"message", error.message()},
                {"hint", error.hint()},
                {"context", error.context()}};
}

Response problem(const Error& error) {
    return problem(error, http_status(error.code()));
}

Response problem(const Error& error, int status) {
    return make_problem(error, status,
                        fmt::format("urn:entrepot:error:{}", to_string(error.code())));
}

Response problem(const Error& error, std::string_view type) {
    return make_problem(error, http_status(error.code()), std::string{type});
}

Response too_many_requests(const std::string& message, std::chrono::seconds wait) {
    Response response =
        problem(Error{ErrorCode::busy, message, fmt::format("wait {} seconds", wait.count())},
                kTooManyRequests);
    response.headers["retry-after"] = std::to_string(wait.count());
    return response;
}

Error error_from_problem(const Response& response) {
    try {
        const Json document = parse_json(response.body, "the appliance's answer");
        if (document.is_object() && document.contains("code")) {
            return error_from(document, member_text(document, "detail"));
        }
    } catch (const Error&) {
        // What is no JSON is no problem document either: the sentence below says so.
    }
    return Error{ErrorCode::protocol,
                 fmt::format("the appliance answered {} without saying why", response.status)};
}

Error error_from_json(const Json& value) {
    if (!value.is_object()) return Error{ErrorCode::internal, "an error without a description"};
    return error_from(value, member_text(value, "message"));
}

}  // namespace entrepot::api

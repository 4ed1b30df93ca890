// Errors as RFC 9457 problem documents, and back into errors on the client's side.
#pragma once

#include "appliance/api/request.h"

#include "base/error.h"

#include <chrono>
#include <string>
#include <string_view>

namespace entrepot::api {

/// The HTTP status of a code.
int http_status(ErrorCode code);

/// {"code","message","hint","context"}: the shape in "error" of the command line and of a job.
Json error_json(const Error& error);

/// A problem document with type, title, status, detail and our members code, hint, context.
Response problem(const Error& error);
Response problem(const Error& error, int status);
/// With a type of its own, for a refusal that a program must tell from others of its code.
Response problem(const Error& error, std::string_view type);
/// 429, with the seconds to wait in Retry-After.
Response too_many_requests(const std::string& message, std::chrono::seconds wait);

/// The error that a problem document tells of; Error{protocol} if it is none.
Error error_from_problem(const Response& response);
/// The error of an {"code","message","hint","context"} object; tolerant of missing members.
Error error_from_json(const Json& value);

}  // namespace entrepot::api

// The answer to a request that became jobs.
#pragma once

#include "appliance/api/request.h"
#include "appliance/api/services.h"

#include <string>
#include <vector>

namespace entrepot::api {

/// The request's header that makes it harmless to send it again.
inline constexpr const char* kIdempotencyHeader = "idempotency-key";

/// Empty where the request has none. Error{invalid} for a key out of bounds.
std::string read_idempotency_key(const Request& request);

/// Puts the job into the queue for the request's user and returns its id. A request with the
/// Idempotency-Key of a former one gets the former one's job, whatever died in between (F-WB-22);
/// Error{conflict} if it asks for something else, Error{invalid} for a key out of bounds.
std::string enqueue(Services& services, jobs::JobRequest job, const Request& request);

/// 202 with {"job": ...}.
Response accept_job(Services& services, const std::string& id);
/// 202 with {"jobs": [...]}.
Response accept_jobs(Services& services, const std::vector<std::string>& ids);

}  // namespace entrepot::api

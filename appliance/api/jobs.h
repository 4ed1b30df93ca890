// The answer to a request that became jobs.
#pragma once

#include "appliance/api/request.h"
#include "appliance/api/services.h"

#include <string>
#include <vector>

namespace entrepot::api {

/// 202 with {"job": ...}.
Response accept_job(Services& services, const std::string& id);
/// 202 with {"jobs": [...]}.
Response accept_jobs(Services& services, const std::vector<std::string>& ids);

}  // namespace entrepot::api

// The same work again: what a request for it is held to, its repetition is held to, too.
#pragma once

#include "appliance/api/router.h"
#include "appliance/api/services.h"

namespace entrepot::api {

/// Starts an ended job once more, for whoever may start such a job: by the role, the password and
/// the places that its own operation asks for, whoever asked for it first.
Response repeat_job(const Request& request, const Router& router, Services& services);

}  // namespace entrepot::api

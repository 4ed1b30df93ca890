// The answer that signs a browser in.
#pragma once

#include "appliance/access/sessions.h"
#include "appliance/api/request.h"

namespace entrepot::api {

/// The session's description, with its cookie.
Response answer_with_session(const access::Session& session);

}  // namespace entrepot::api

// What is asked of whoever wants the doctor to record.
#pragma once

#include "appliance/api/request.h"

namespace entrepot::api {

/// Where files are written on this machine is for those who are on it to say: Error{access_denied}.
void require_recording_allowed(const Request& request);

}  // namespace entrepot::api

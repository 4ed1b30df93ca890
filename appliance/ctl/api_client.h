// How a command reaches the appliance: over the daemon's socket, or in its own process.
#pragma once

#include "appliance/api/request.h"

namespace entrepot::ctl {

class ApiClient {
public:
    virtual ~ApiClient() = default;
    /// The answer, whatever its status. Throws Error{unreachable} or {timeout} if there is none,
    /// and in the own process what opening the data directory throws.
    virtual api::Response send(const api::Request& request) = 0;
};

}  // namespace entrepot::ctl

// How a command reaches the appliance: over the daemon's socket, or in its own process.
#pragma once

#include "appliance/api/request.h"

#include <functional>
#include <string_view>

namespace entrepot::ctl {

/// Takes an answer's body piece by piece; what it throws ends the request and comes to the caller.
using BodySink = std::function<void(std::string_view)>;

class ApiClient {
public:
    virtual ~ApiClient() = default;
    /// The answer, whatever its status. Throws Error{unreachable} or {timeout} if there is none,
    /// and in the own process what opening the data directory throws.
    virtual api::Response send(const api::Request& request) = 0;
    /// As send(), but the body of an answer that is no error goes to the sink. The headers have the
    /// fields of its trailer, too. Throws Error{io} where it ends too early.
    virtual api::Response download(const api::Request& request, const BodySink& sink);
};

}  // namespace entrepot::ctl

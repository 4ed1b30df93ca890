// One request and its answer: from Poco's objects to ours and back.
#pragma once

#include "appliance/api/request.h"
#include "appliance/daemon/connection_table.h"
#include "appliance/daemon/http_rules.h"

#include "base/log.h"

#include <atomic>
#include <functional>
#include <stop_token>

namespace Poco::Net {
class HTTPServerRequest;
class HTTPServerResponse;
}  // namespace Poco::Net

namespace entrepot::daemon {

/// What all exchanges of a server share; it outlives them.
struct ExchangeContext {
    Log& log;
    ConnectionTable& connections;
    const HostNames& hosts;
    std::stop_token stop;
    int stream_count_max = 16;
    std::atomic<int> stream_count{0};
};

/// Checks the head, reads the body within its bound, calls the handler, sends its answer. A
/// refused head is answered and the connection closed, because where its body ends is unknown.
void exchange(ExchangeContext& context, const std::function<api::Response(api::Request)>& handler,
              Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response);

}  // namespace entrepot::daemon

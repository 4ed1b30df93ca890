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

/// Answers that run at the same time, each with a worker. Neither kind takes the other's place.
struct StreamLimits {
    int live_max = 24;      ///< Events, which end when somebody closes a page.
    int download_max = 16;  ///< Content, which ends by itself.
};

/// What all exchanges of a server share; it outlives them.
struct ExchangeContext {
    Log& log;
    ConnectionTable& connections;
    const HostNames& hosts;
    std::stop_token stop;
    StreamLimits streams;
    std::atomic<int> live_count{0};
    std::atomic<int> download_count{0};
};

/// Checks the head, reads the body within its bound, calls the handler, sends its answer. A
/// refused head is answered and the connection closed, because where its body ends is unknown.
void exchange(ExchangeContext& context, const std::function<api::Response(api::Request)>& handler,
              Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response);

}  // namespace entrepot::daemon

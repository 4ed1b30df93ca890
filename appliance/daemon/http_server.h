// An HTTP/1.1 server over one listening socket, TLS or local, with the limits that Poco lacks.
#pragma once

#include "appliance/api/request.h"
#include "appliance/daemon/connection_table.h"
#include "appliance/daemon/http_exchange.h"
#include "appliance/daemon/http_rules.h"

#include "base/clock.h"
#include "base/log.h"

#include <Poco/Net/ServerSocket.h>

#include <functional>
#include <memory>

namespace entrepot::daemon {

using HttpHandler = std::function<api::Response(api::Request)>;

struct HttpServerOptions {
    HostNames hosts;
    ConnectionLimits limits;
    int thread_count_max = 64;
    int queue_length_max = 64;
    std::chrono::seconds read_timeout{10};
    StreamLimits streams;
    const KnownAddresses* known = nullptr;  ///< Outlives the server; none: nobody is known.
};

/// Serves from construction on. The handler is called from many threads and does not throw.
class HttpServer {
public:
    HttpServer(Clock& clock, Log& log, const Poco::Net::ServerSocket& socket,
               const HttpServerOptions& options, HttpHandler handler);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();  ///< Stops.

    /// Ends all connections and streams and waits for their threads.
    void stop();

private:
    class Machinery;
    std::unique_ptr<Machinery> machinery_;
};

}  // namespace entrepot::daemon

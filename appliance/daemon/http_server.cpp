// Poco's connection and thread handling with our own request handler inside.
#include "appliance/daemon/http_server.h"

#include "appliance/daemon/http_exchange.h"
#include "appliance/daemon/queue_guard.h"

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerConnection.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/ThreadPool.h>

#include <thread>

namespace entrepot::daemon {
namespace {

using namespace std::chrono_literals;

constexpr int kSendTimeoutSeconds = 30;
constexpr int kKeepAliveSeconds = 15;
constexpr int kThreadsAtStart = 4;
constexpr auto kWatchInterval = 1000ms;

class RequestHandler final : public Poco::Net::HTTPRequestHandler {
public:
    RequestHandler(ExchangeContext& context, const HttpHandler& handler)
        : context_(context), handler_(handler) {}

    void handleRequest(Poco::Net::HTTPServerRequest& request,
                       Poco::Net::HTTPServerResponse& response) override {
        exchange(context_, handler_, request, response);
    }

private:
    ExchangeContext& context_;
    const HttpHandler& handler_;
};

class HandlerFactory final : public Poco::Net::HTTPRequestHandlerFactory {
public:
    HandlerFactory(ExchangeContext& context, const HttpHandler& handler)
        : context_(context), handler_(handler) {}

    Poco::Net::HTTPRequestHandler* createRequestHandler(
        const Poco::Net::HTTPServerRequest&) override {
        return new RequestHandler{context_, handler_};
    }

private:
    ExchangeContext& context_;
    const HttpHandler& handler_;
};

// A connection that stands in the table as long as it lives.
class TrackedConnection final : public Poco::Net::HTTPServerConnection {
public:
    TrackedConnection(ConnectionTable& table, const Poco::Net::StreamSocket& socket,
                      const Poco::Net::HTTPServerParams::Ptr& parameters,
                      const Poco::Net::HTTPRequestHandlerFactory::Ptr& factory)
        : HTTPServerConnection(socket, parameters, factory),
          table_(table),
          id_(table.add(socket)) {}
    ~TrackedConnection() override { table_.remove(id_); }

private:
    ConnectionTable& table_;
    ConnectionTable::Id id_;
};

class ConnectionFactory final : public Poco::Net::TCPServerConnectionFactory {
public:
    /// `guard` may be none.
    ConnectionFactory(ConnectionTable& table, Poco::Net::HTTPServerParams::Ptr parameters,
                      Poco::Net::HTTPRequestHandlerFactory::Ptr handlers,
                      Poco::AutoPtr<QueueGuard> guard)
        : table_(table),
          parameters_(std::move(parameters)),
          handlers_(std::move(handlers)),
          guard_(std::move(guard)) {}

    Poco::Net::TCPServerConnection* createConnection(
        const Poco::Net::StreamSocket& socket) override {
        if (guard_) guard_->leave(socket);
        Poco::Net::StreamSocket configured{socket};
        configured.setSendTimeout(Poco::Timespan(kSendTimeoutSeconds, 0));
        configured.setReceiveTimeout(parameters_->getTimeout());
        return new TrackedConnection{table_, socket, parameters_, handlers_};
    }

private:
    ConnectionTable& table_;
    Poco::Net::HTTPServerParams::Ptr parameters_;
    Poco::Net::HTTPRequestHandlerFactory::Ptr handlers_;
    Poco::AutoPtr<QueueGuard> guard_;
};

Poco::Net::HTTPServerParams::Ptr make_parameters(const HttpServerOptions& options) {
    Poco::Net::HTTPServerParams::Ptr parameters = new Poco::Net::HTTPServerParams;
    parameters->setTimeout(Poco::Timespan(options.read_timeout.count(), 0));
    parameters->setKeepAlive(true);
    parameters->setMaxKeepAliveRequests(0);
    parameters->setKeepAliveTimeout(Poco::Timespan(kKeepAliveSeconds, 0));
    parameters->setMaxThreads(options.thread_count_max);
    parameters->setMaxQueued(options.queue_length_max);
    return parameters;
}

}  // namespace

class HttpServer::Machinery {
public:
    Machinery(Clock& clock, Log& log, const Poco::Net::ServerSocket& socket,
              const HttpServerOptions& options, HttpHandler handler)
        : handler_(std::move(handler)),
          hosts_(options.hosts),
          table_(clock, options.limits, options.known),
          context_{log, table_, hosts_, stop_.get_token(), options.streams},
          threads_(kThreadsAtStart, options.thread_count_max),
          parameters_(make_parameters(options)),
          guard_(make_guard(options)),
          server_(new ConnectionFactory{table_, parameters_, new HandlerFactory{context_, handler_},
                                        guard_},
                  threads_, socket, parameters_),
          watch_([this, &clock](const std::stop_token& stop) {
              while (!stop.stop_requested()) {
                  clock.sleep_for(kWatchInterval, stop);
                  table_.end_overdue();
              }
          }) {
        if (guard_) server_.setConnectionFilter(guard_);
        server_.start();
    }

    ~Machinery() { stop(); }

    void stop() {
        stop_.request_stop();
        watch_.request_stop();
        server_.stop();
        table_.end_all();
        threads_.joinAll();
    }

private:
    Poco::AutoPtr<QueueGuard> make_guard(const HttpServerOptions& options) {
        if (options.known == nullptr) return {};
        return new QueueGuard{*options.known, [this] { return server_.queuedConnections(); },
                              options.queue_length_max};
    }

    HttpHandler handler_;
    HostNames hosts_;  ///< Our own: the options need not outlive us.
    ConnectionTable table_;
    std::stop_source stop_;
    ExchangeContext context_;
    Poco::ThreadPool threads_;
    Poco::Net::HTTPServerParams::Ptr parameters_;
    Poco::AutoPtr<QueueGuard> guard_;  ///< None where nobody is known.
    Poco::Net::TCPServer server_;
    std::jthread watch_;
};

HttpServer::HttpServer(Clock& clock, Log& log, const Poco::Net::ServerSocket& socket,
                       const HttpServerOptions& options, HttpHandler handler)
    : machinery_(std::make_unique<Machinery>(clock, log, socket, options, std::move(handler))) {}

HttpServer::~HttpServer() = default;

void HttpServer::stop() {
    machinery_->stop();
}

}  // namespace entrepot::daemon

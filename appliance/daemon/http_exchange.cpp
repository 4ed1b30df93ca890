// Reading a request within bounds, writing an answer or a stream.
#include "appliance/daemon/http_exchange.h"

#include "appliance/api/problem.h"
#include "appliance/daemon/chunked_answer.h"

#include "base/error.h"
#include "base/limits.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/String.h>

#include <fmt/format.h>

#include <array>
#include <istream>
#include <ostream>

namespace entrepot::daemon {
namespace {

using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerResponse;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr int kStatusTooManyStreams = 503;
constexpr int kStatusUnknownMethod = 501;

// Counts a stream as long as it runs.
class StreamSlot {
public:
    StreamSlot(std::atomic<int>& count, int count_max) : count_(count) {
        is_granted_ = count_.fetch_add(1) < count_max;
    }
    StreamSlot(const StreamSlot&) = delete;
    StreamSlot& operator=(const StreamSlot&) = delete;
    ~StreamSlot() { count_.fetch_sub(1); }
    bool is_granted() const { return is_granted_; }

private:
    std::atomic<int>& count_;
    bool is_granted_ = false;
};

bool is_live(const api::Response& answer) {
    const auto type = answer.headers.find("content-type");
    return type != answer.headers.end() && type->second == "text/event-stream";
}

std::string read_body(HTTPServerRequest& request, HTTPServerResponse& response) {
    if (request.getExpectContinue()) response.sendContinue();
    std::string body;
    std::array<char, kReadBytes> buffer{};
    std::istream& stream = request.stream();
    while (stream.good()) {
        stream.read(buffer.data(), buffer.size());
        const auto count = static_cast<std::size_t>(stream.gcount());
        if (count > limits::kRequestBodyBytesMax - body.size()) {
            throw Error{ErrorCode::limit, fmt::format("the body has more than {} bytes",
                                                      limits::kRequestBodyBytesMax)};
        }
        body.append(buffer.data(), count);
    }
    return body;
}

// Without the port; empty on the local socket.
std::string address_of(const HTTPServerRequest& request) {
    try {
        return request.clientAddress().host().toString();
    } catch (const Poco::Exception&) {
        return {};
    }
}

api::Request convert(const HTTPServerRequest& source, api::Method method) {
    api::Request request;
    request.method = method;
    const std::string& target = source.getURI();
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) {
        request.query = api::parse_query(std::string_view{target}.substr(mark + 1));
    }
    for (const auto& [name, value] : source) {
        request.headers[Poco::toLower(name)] = value;
    }
    request.peer = address_of(source);
    return request;
}

void send_head(const api::Response& answer, HTTPServerResponse& response) {
    response.setStatusAndReason(
        static_cast<Poco::Net::HTTPResponse::HTTPStatus>(answer.status),
        Poco::Net::HTTPResponse::getReasonForStatus(
            static_cast<Poco::Net::HTTPResponse::HTTPStatus>(answer.status)));
    for (const auto& [name, value] : answer.headers)
        response.set(name, value);
}

void send(const api::Response& answer, bool is_head, HTTPServerResponse& response) {
    send_head(answer, response);
    response.setContentLength64(static_cast<Poco::Int64>(answer.body.size()));
    std::ostream& stream = response.send();
    if (!is_head) stream << answer.body;
    stream.flush();
}

// Where it fails, less is sent: of an answer whose length is known by counting, of another because
// its last chunk is missing. The connection ends in any case.
bool run_stream(ExchangeContext& context, const api::Response& answer,
                const api::StreamWriter& write) {
    try {
        answer.stream(write, context.stop);
        return true;
    } catch (const Error& error) {
        // Who goes away in the middle does so every day.
        if (error.code() == ErrorCode::cancelled) {
            context.log.debug("an answer was cut off", {{"error", error.what()}});
        } else {
            context.log.warning("an answer was cut off", {{"error", error.what()}});
        }
        return false;
    }
}

void run_chunked(ExchangeContext& context, const api::Response& answer, HTTPServerRequest& request,
                 const HTTPServerResponse& response) {
    ChunkedAnswer chunks{request, response};
    const bool is_whole =
        run_stream(context, answer, [&](std::string_view piece) { return chunks.write(piece); });
    if (is_whole) chunks.finish(answer.trailers ? *answer.trailers : ChunkedAnswer::Fields{});
}

void run_plain(ExchangeContext& context, const api::Response& answer, std::ostream& stream) {
    run_stream(context, answer, [&stream](std::string_view text) {
        stream << text;
        stream.flush();
        return stream.good();
    });
}

void send_stream(ExchangeContext& context, const api::Response& answer, bool is_head,
                 HTTPServerRequest& request, HTTPServerResponse& response) {
    const StreamLimits& bounds = context.streams;
    const bool is_of_events = is_live(answer);
    const StreamSlot slot{is_of_events ? context.live_count : context.download_count,
                          is_of_events ? bounds.live_max : bounds.download_max};
    if (!slot.is_granted()) {
        const Error error =
            is_of_events
                ? Error{ErrorCode::busy, "too many pages follow what happens",
                        "close some, or look again by hand"}
                : Error{ErrorCode::busy, "too many downloads are under way", "try again soon"};
        send(api::problem(error, kStatusTooManyStreams), false, response);
        return;
    }
    send_head(answer, response);
    response.setKeepAlive(false);
    const bool is_chunked = !answer.headers.contains("content-length") &&
                            response.getVersion() == Poco::Net::HTTPMessage::HTTP_1_1;
    response.setChunkedTransferEncoding(is_chunked);
    if (is_chunked && !is_head) return run_chunked(context, answer, request, response);
    std::ostream& stream = response.send();
    stream.flush();
    if (!is_head) run_plain(context, answer, stream);
}

// HEAD is GET whose body is kept back.
std::optional<api::Method> read_method(const std::string& name) {
    return api::method_from(name == "HEAD" ? "GET" : name);
}

api::Response answer(ExchangeContext& context,
                     const std::function<api::Response(api::Request)>& handler,
                     HTTPServerRequest& request, HTTPServerResponse& response,
                     const std::string& peer) {
    if (const auto fault = check_head(request, context.hosts, limits::kRequestBodyBytesMax)) {
        response.setKeepAlive(false);
        return api::problem(Error{ErrorCode::protocol, fault->reason}, fault->status);
    }
    const auto method = read_method(request.getMethod());
    if (!method) {
        response.setKeepAlive(false);
        return api::problem(Error{ErrorCode::unsupported, "an unknown method"},
                            kStatusUnknownMethod);
    }
    try {
        api::Request converted = convert(request, *method);
        converted.body = read_body(request, response);
        context.connections.set_serving(peer);
        return handler(std::move(converted));
    } catch (const Error& error) {
        response.setKeepAlive(false);
        return api::problem(error);
    }
}

std::string peer_of(const HTTPServerRequest& request) {
    try {
        return request.clientAddress().toString();
    } catch (const Poco::Exception&) {
        return {};
    }
}

}  // namespace

void exchange(ExchangeContext& context, const std::function<api::Response(api::Request)>& handler,
              HTTPServerRequest& request, HTTPServerResponse& response) {
    const std::string peer = peer_of(request);
    try {
        const api::Response result = answer(context, handler, request, response, peer);
        const bool is_head = request.getMethod() == "HEAD";
        if (result.stream) {
            send_stream(context, result, is_head, request, response);
        } else {
            send(result, is_head, response);
        }
    } catch (const Poco::Exception& error) {
        // The peer went away, or let us wait too long: nobody is left to answer to.
        response.setKeepAlive(false);
        context.log.debug("connection ended early", {{"error", error.displayText()}});
    }
    context.connections.set_waiting(peer);
}

}  // namespace entrepot::daemon

// A request and a response without a transport: the same handlers answer the HTTPS listener, the
// local socket and the command line in its own process.
#pragma once

#include "appliance/api/privilege.h"

#include "base/json.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace entrepot::api {

enum class Method { get, post, put, patch, delete_ };

std::string_view to_string(Method method);
/// nullopt for a method that no route has.
std::optional<Method> method_from(std::string_view name);

struct Request {
    Method method = Method::get;
    std::string path;  ///< As sent, percent-encoded, without the query.
    std::map<std::string, std::string> query;
    std::map<std::string, std::string> headers;  ///< Names in lower case.
    std::string body;
    User user;
    std::string peer;  ///< The address that it came from; empty for the local socket.
    std::map<std::string, std::string>
        parameters;  ///< Of the path, decoded; the router fills them.

    /// Requires that the route's pattern has it.
    const std::string& parameter(const std::string& name) const;
    /// `name` in lower case; empty if absent.
    std::string header(const std::string& name) const;
    /// Empty if absent.
    std::string query_value(const std::string& name) const;
    /// Error{invalid} if it is there and neither "true" nor "false".
    bool query_flag(const std::string& name) const;
    /// The body as JSON; an empty body is an empty object. Error{invalid}, Error{limit}.
    Json json() const;
};

/// Where a stream writes to; false when the other side is gone.
using StreamWriter = std::function<bool(std::string_view)>;

struct Response {
    int status = 200;
    std::map<std::string, std::string> headers;  ///< Names in lower case.
    std::string body;
    /// Set for an endless answer: the transport calls it with a writer after the head is sent.
    std::function<void(const StreamWriter&, std::stop_token)> stream;
    /// Filled by the stream by its end: what only then is known. Sent behind a body of unknown
    /// length, as fields of its trailer. Shared with the stream.
    std::shared_ptr<std::map<std::string, std::string>> trailers;

    static Response json(const Json& value, int status = 200);
    static Response text(std::string body, std::string content_type);
    static Response no_content();
    /// Long work: the job's view, and where to look at it.
    static Response accepted(const Json& job, const std::string& location);
    static Response created(const Json& value, const std::string& location);
};

/// Whether its status is one of an error.
bool is_error(const Response& response);

/// "name=a%20b&flag=true" as a map. Error{invalid} for a broken escape or a name given twice.
std::map<std::string, std::string> parse_query(std::string_view text);
/// Error{invalid} for a broken escape or a NUL.
std::string decode_percent(std::string_view text);
std::string encode_percent(std::string_view text);

}  // namespace entrepot::api

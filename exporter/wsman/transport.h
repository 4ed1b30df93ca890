// One HTTP connection to a host: one request, one answer. What tests put their faults behind.
#pragma once

#include "base/bytes.h"

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::wsman {

struct HttpHeader {
    std::string name;  ///< Lower case in answers.
    std::string value;
};

/// A POST to the URL that the transport was made for.
struct HttpRequest {
    std::vector<HttpHeader> headers;
    std::string body;
    std::chrono::milliseconds timeout{90'000};
};

struct HttpAnswer {
    int status = 0;
    std::vector<HttpHeader> headers;
    std::string body;
    bool is_new_connection = false;  ///< It was not sent over the connection of the one before.

    /// Values of all headers of that name (given in lower case).
    std::vector<std::string> header_values(std::string_view name) const;
    std::optional<std::string> header(std::string_view name) const;
};

/// The schemes that a 401 offers, in lower case and without their parameters.
std::vector<std::string> offered_schemes(const HttpAnswer& answer);

class Transport {
public:
    virtual ~Transport() = default;

    /// Sends the request once, never twice. Throws Error{unreachable}, {timeout}, {untrusted} (no
    /// byte of the request was sent), {protocol}, {limit}, {cancelled}. An answer of any HTTP
    /// status is an answer; redirects are not followed.
    virtual HttpAnswer exchange(const HttpRequest& request, std::stop_token stop) = 0;
    /// The next exchange opens a connection of its own.
    virtual void disconnect() = 0;
    /// DER of the certificate that the peer showed last; empty without TLS.
    virtual Bytes peer_certificate() const = 0;
    /// What passes is protected by TLS.
    virtual bool is_encrypted() const = 0;
};

}  // namespace entrepot::wsman

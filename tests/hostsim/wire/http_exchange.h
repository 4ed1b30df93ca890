// Requests and answers on one connection, sound answers and broken ones (F-WM-02 to F-WM-05).
#pragma once

#include "tests/hostsim/wire/http_server.h"

#include <Poco/Net/StreamSocket.h>

#include <optional>
#include <string>
#include <string_view>

namespace entrepot::hostsim {

/// Reads requests off one socket and writes the answers.
class Exchange {
public:
    explicit Exchange(Poco::Net::StreamSocket& socket) : socket_(socket) {}

    /// Nullopt when the client is gone. A request that cannot be read has an empty method and
    /// the status to answer in `refusal`.
    std::optional<HttpRequest> read_request(int& refusal);
    void write_reply(const HttpReply& reply);
    /// Takes what comes until the client closes the connection, or for as long as it may be idle.
    void wait_for_end();

private:
    bool fill();
    bool parse_head(std::string_view head, HttpRequest& request) const;
    bool send(std::string_view text, std::uint32_t bytes_per_second);
    void send_endless();
    Poco::Net::StreamSocket& socket_;
    std::string buffer_;
};

}  // namespace entrepot::hostsim

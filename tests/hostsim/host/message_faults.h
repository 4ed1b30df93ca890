// Answers that are late, cut, wrong or hostile (threats-and-faults.md F-WM-02 to F-WM-12).
#pragma once

#include "tests/hostsim/host/host.h"
#include "tests/hostsim/wire/http_server.h"
#include "tests/hostsim/wire/soap.h"

#include <mutex>
#include <optional>
#include <string>

namespace entrepot::hostsim {

/// Safe to share between connections.
class MessageFaults {
public:
    explicit MessageFaults(Host& host) : host_(host) {}

    /// What is answered instead of executing a request; nullopt to go on.
    std::optional<HttpReply> refuse(const std::string& place);

    /// Writes the answer's body, with what is planned for it, into the reply.
    void spoil(const std::string& place, SoapResponse& response, HttpReply& reply);

private:
    bool take(const char* name, const std::string& place) {
        return host_.faults().take(name, place).has_value();
    }
    void spoil_transport(const std::string& place, HttpReply& reply);

    Host& host_;
    std::mutex mutex_;
    std::string former_body_;
};

}  // namespace entrepot::hostsim

// WS-Management operations: Identify, Get, Enumerate with Pull and Release, Invoke (DSP0226).
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "exporter/wsman/endpoint_reference.h"
#include "exporter/wsman/envelope.h"
#include "exporter/wsman/limits.h"
#include "exporter/wsman/session.h"
#include "exporter/wsman/xml.h"

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::wsman {

/// Forbid repetition for what acts: a lost answer may hide an export that has already begun.
enum class Repeat { allowed, forbidden };

struct ClientOptions {
    std::string url;
    std::chrono::milliseconds retry_delay_min{1'000};
    int attempt_count_max = 4;
    std::size_t items_per_pull = limits::kItemsPerPullMax;
};

struct Identity {
    std::string protocol_version;
    std::string product_vendor;
    std::string product_version;
};

struct ClientWorld {
    Clock& clock;
    Random& random;
    Log& log;
};

/// Throws Fault where the host answered with one, else what Session throws. Not safe to share.
class Client {
public:
    Client(const ClientWorld& world, Session& session, const ClientOptions& options);

    Identity identify(std::stop_token stop);
    /// The instance's element.
    XmlElement get(const EndpointReference& target, std::stop_token stop);
    /// All items or an error, never a part. An empty `wql` lists the class of the URI.
    std::vector<XmlElement> enumerate(const std::string& resource_uri, const std::string& wql,
                                      std::stop_token stop);
    /// Calls a method; `parameters` are elements in the prefix p. Returns <method>_OUTPUT. Sent
    /// once where repetition is forbidden: the outcome of a lost answer is unknown.
    XmlElement invoke(const EndpointReference& target, const std::string& method,
                      const std::string& parameters, Repeat repeat, std::stop_token stop);

private:
    struct Page;
    template <typename Body>
    auto repeated(Repeat repeat, const std::string& what, std::stop_token stop, Body&& body);
    Identity identify_once(std::stop_token stop);
    Answer exchange(const std::string& action, const EndpointReference& target,
                    const std::string& body, Repeat repeat, std::stop_token stop);
    Answer exchange_once(const std::string& action, const EndpointReference& target,
                         const std::string& body, std::stop_token stop);
    std::vector<XmlElement> enumerate_once(const std::string& resource_uri, const std::string& wql,
                                           std::stop_token stop);
    Page start(const EndpointReference& target, const std::string& wql, std::stop_token stop);
    Page pull(const EndpointReference& target, const std::string& context, std::stop_token stop);
    void release(const EndpointReference& target, const std::string& context) noexcept;
    bool is_worth_a_restart(const Error& error);
    void wait_before(int attempt, std::stop_token stop);

    ClientWorld world_;
    Session& session_;
    ClientOptions options_;
    std::string session_id_;
    std::size_t items_per_pull_;
};

}  // namespace entrepot::wsman

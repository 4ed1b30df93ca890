// WS-Management operations: Identify, Get, Put, Enumerate with Pull and Release, Invoke (DSP0226).
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "exporter/wsman/endpoint_reference.h"
#include "exporter/wsman/envelope.h"
#include "exporter/wsman/host_gate.h"
#include "exporter/wsman/limits.h"
#include "exporter/wsman/session.h"
#include "exporter/wsman/xml.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::wsman {

/// Forbid repetition for what acts: a lost answer may hide an export that has already begun. What
/// a quota turned away has not begun, and is asked for again.
enum class Repeat { allowed, forbidden };

struct ClientOptions {
    std::string url;
    std::chrono::milliseconds retry_delay_min{1'000};  ///< Doubled each time, a quarter by chance.
    int attempt_count_max = 4;
    std::size_t items_per_pull = limits::kItemsPerPullMax;
    /// How long a request is asked for again that a quota turned away.
    std::chrono::seconds quota_patience = limits::kQuotaPatience;
    HostGate* gate = nullptr;  ///< Shared with other connections to the host; outlives the client.
};

struct Identity {
    std::string protocol_version;
    std::string product_vendor;
    std::string product_version;
};

/// Reads an answer to Identify. Throws Fault, or Error{protocol} for what is none.
Identity decode_identity(const Answer& answer);

/// Items of an enumeration: instances, a:EndpointReference elements, or w:Item with one of each.
enum class EnumerationMode { objects, references, objects_and_references };

/// DMTF's way to follow an association (DSP0227 "associationFilter"), which needs no WQL.
struct AssociationFilter {
    EndpointReference object;
    std::string association_class{};  ///< This and those below: empty for any.
    std::string result_class{};
    std::string role{};
    std::string result_role{};
    bool wants_associations = false;  ///< The association's instances, not what they lead to.
};

struct EnumerationRequest {
    std::string resource_uri;
    std::string wql{};  ///< Empty, and without `association`: all of the URI's class.
    std::optional<AssociationFilter> association{};
    EnumerationMode mode = EnumerationMode::objects;
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
    /// Replaces an instance by `instance`, its element in XML; returns what the host made of it.
    /// Nothing, where the host answers nothing. Sent once.
    std::optional<XmlElement> put(const EndpointReference& target, const std::string& instance,
                                  std::stop_token stop);
    std::vector<XmlElement> enumerate(const EnumerationRequest& request, std::stop_token stop);
    /// The same without holding all of it: `take` gets the items one by one. `start_over` is told
    /// to forget what came before, at the beginning and wherever the enumeration has to start
    /// again. Who gets an error has seen a part and must not use it.
    void enumerate(const EnumerationRequest& request, const std::function<void()>& start_over,
                   const std::function<void(XmlElement&&)>& take, std::stop_token stop);
    /// The first item, if there is any; the rest is not asked for.
    std::optional<XmlElement> enumerate_first(const EnumerationRequest& request,
                                              std::stop_token stop);
    /// All items or an error, never a part. An empty `wql` lists the class of the URI.
    std::vector<XmlElement> enumerate(const std::string& resource_uri, const std::string& wql,
                                      std::stop_token stop);
    /// Calls a method; `parameters` are elements in the prefix p. Returns <method>_OUTPUT. Sent
    /// once where repetition is forbidden: the outcome of a lost answer is unknown.
    XmlElement invoke(const EndpointReference& target, const std::string& method,
                      const std::string& parameters, Repeat repeat, std::stop_token stop);

private:
    struct Page;
    /// What happens to a request that failed in passing; what a quota turned away is always asked
    /// for again. `by_caller`: somebody above starts over.
    enum class Retry { always, after_quota, by_caller };
    template <typename Body>
    auto repeated(Retry retry, const std::string& what, std::stop_token stop, Body&& body);
    Identity identify_once(std::stop_token stop);
    Answer exchange(const std::string& action, const EndpointReference& target,
                    const std::string& body, Retry retry, std::stop_token stop);
    static Retry retry_of(Repeat repeat);
    Answer exchange_once(const std::string& action, const EndpointReference& target,
                         const std::string& body, Retry retry, std::stop_token stop);
    HttpAnswer post(const std::string& request, Resend resend, std::stop_token stop);
    template <typename Body>
    auto restarted(const EnumerationRequest& request, std::stop_token stop, Body&& body);
    void hand_over(Page& page, const EndpointReference& target,
                   const std::function<void(XmlElement&&)>& take);
    void enumerate_once(const EnumerationRequest& request,
                        const std::function<void(XmlElement&&)>& take, std::stop_token stop);
    Page start(const EndpointReference& target, const EnumerationRequest& request,
               std::size_t items_max, std::stop_token stop);
    Page pull(const EndpointReference& target, const std::string& context, std::stop_token stop);
    void release(const EndpointReference& target, const std::string& context) noexcept;
    bool is_worth_a_restart(const Error& error);
    /// The host did not begin with it, so that even a call that acts may be made again.
    static bool is_turned_away(const Error& error);
    void wait_before(int attempt, std::stop_token stop);

    ClientWorld world_;
    Session& session_;
    ClientOptions options_;
    std::string session_id_;
    std::size_t items_per_pull_;
};

}  // namespace entrepot::wsman

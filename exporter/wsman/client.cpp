// The operations and their retries (wsman 6, 8, 9, 12).
#include "exporter/wsman/client.h"

#include "base/error.h"
#include "base/guid.h"
#include "exporter/wsman/fault.h"
#include "exporter/wsman/namespaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace entrepot::wsman {
namespace {

constexpr const char* kUnknownOutcome =
    "The answer is lost, and the host may have done it all the same: its objects tell.";

constexpr const char* kStrangeAnswer =
    "This is not how WinRM of Windows answers. Does the address lead to the host itself, not to a "
    "proxy or to another program? A recording (record = DIRECTORY under [hosts] in entrepot.toml) "
    "shows what it said.";

constexpr const char* kRedirected =
    "Redirections are not followed: give the host the address where its own WinRM answers, as in "
    "https://HOST:5986/wsman";

std::string last_part(const std::string& uri) {
    return uri.substr(uri.rfind('/') + 1);
}

std::string new_id(Random& random) {
    return "uuid:" + Guid::make_random(random).to_upper_string();
}

bool equals_ignoring_case(const std::string& left, const std::string& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    });
}

// The service did not take the request at all.
class NotReady : public Error {
public:
    NotReady()
        : Error(ErrorCode::busy, "the host answers HTTP 503: WinRM is not ready",
                "Is the service WinRM running on the host?") {}
};

// What HTTP itself says when there is no SOAP in the answer.
void check_http(const HttpAnswer& answer) {
    const std::string type = answer.header("content-type").value_or("");
    if (type.find("application/soap+xml") != std::string::npos && !answer.body.empty()) return;
    if (answer.status >= 300 && answer.status < 400) {
        throw Error{ErrorCode::protocol,
                    fmt::format("the host answers HTTP {}: it sends us elsewhere", answer.status),
                    kRedirected};
    }
    switch (answer.status) {
        case 403:
            throw Error{ErrorCode::access_denied, "the host answers HTTP 403"};
        case 404:
            throw Error{ErrorCode::protocol, "the host answers HTTP 404: no WinRM at this path",
                        "The address of WinRM looks like https://HOST:5986/wsman"};
        case 503:
            throw NotReady{};
        default:
            throw Error{ErrorCode::protocol,
                        fmt::format("the host answers HTTP {} with '{}' instead of SOAP",
                                    answer.status, type)};
    }
}

// An answer that no WinRM gives, and that nothing has explained yet.
bool is_strange(const Error& error) {
    const bool is_answer = error.code() == ErrorCode::protocol || error.code() == ErrorCode::limit;
    return is_answer && error.hint().empty() && dynamic_cast<const Fault*>(&error) == nullptr;
}

std::string describe(const std::string& action, const EndpointReference& target) {
    const std::string class_name = last_part(target.resource_uri);
    const std::string verb = last_part(action);
    if (action.starts_with(target.resource_uri)) return fmt::format("{}.{}", class_name, verb);
    return fmt::format("{} of {}", verb, class_name);
}

}  // namespace

bool Client::is_turned_away(const Error& error) {
    const auto* fault = dynamic_cast<const Fault*>(&error);
    const bool is_over_quota = fault != nullptr && fault->is_over_quota();
    return is_over_quota || dynamic_cast<const NotReady*>(&error) != nullptr;
}

Identity decode_identity(const Answer& answer) {
    if (answer.find_fault() != nullptr) throw Fault{decode_fault(answer.body), "Identify"};
    const XmlElement& body = answer.body.child(ns::kIdentity, "IdentifyResponse");
    const auto text = [&](std::string_view name) {
        const XmlElement* found = body.find(ns::kIdentity, name);
        return found == nullptr ? std::string{} : found->trimmed_text();
    };
    return {text("ProtocolVersion"), text("ProductVendor"), text("ProductVersion")};
}

Client::Client(const ClientWorld& world, Session& session, const ClientOptions& options)
    : world_(world),
      session_(session),
      options_(options),
      session_id_(new_id(world.random)),
      items_per_pull_(options.items_per_pull) {}

template <typename Body>
auto Client::repeated(Retry retry, const std::string& what, std::stop_token stop, Body&& body) {
    const SteadyTime begin = world_.clock.steady_now();
    for (int attempt = 1;; ++attempt) {
        try {
            return body();
        } catch (Error& error) {
            const bool is_over_quota = is_turned_away(error);
            if (is_over_quota && options_.gate != nullptr) options_.gate->note_overload();
            const bool may_repeat = is_over_quota || retry == Retry::always;
            const bool is_last = is_over_quota
                                     ? world_.clock.steady_now() - begin >= options_.quota_patience
                                     : attempt >= options_.attempt_count_max;
            if (!is_transient(error.code()) || !may_repeat || is_last) {
                error.add_context(what);
                if (is_strange(error)) error.set_hint(kStrangeAnswer);
                throw;
            }
            world_.log.debug("request repeated", {{"request", what}, {"reason", error.message()}});
        }
        wait_before(attempt, stop);
    }
}

// One request has one place among those of the host, its login included.
HttpAnswer Client::post(const std::string& request, Resend resend, std::stop_token stop) {
    if (options_.gate == nullptr) return session_.post(request, stop, resend);
    const HostGate::Place place = options_.gate->enter(stop);
    return session_.post(request, stop, resend);
}

Identity Client::identify(std::stop_token stop) {
    return repeated(Retry::always, "Identify", stop, [&] { return identify_once(stop); });
}

Identity Client::identify_once(std::stop_token stop) {
    const HttpAnswer http = post(write_identify(), Resend::allowed, stop);
    check_http(http);
    return decode_identity(decode_answer(http.body));
}

Answer Client::exchange_once(const std::string& action, const EndpointReference& target,
                             const std::string& body, Retry retry, std::stop_token stop) {
    const std::string message_id = new_id(world_.random);
    const std::string request = write_envelope({.action = action,
                                                .to = options_.url,
                                                .target = target,
                                                .message_id = message_id,
                                                .session_id = session_id_,
                                                .envelope_bytes_max = limits::kEnvelopeBytesMax,
                                                .operation_timeout = limits::kOperationTimeout},
                                               body);
    const bool acts = retry == Retry::after_quota;
    const HttpAnswer http =
        post(request, acts ? Resend::forbidden_without_tls : Resend::allowed, stop);
    check_http(http);
    Answer answer = decode_answer(http.body);
    const bool is_fault = answer.find_fault() != nullptr;
    // Some faults are written before the request was read and relate to nothing.
    const bool may_relate_to_nothing = is_fault && answer.relates_to.empty();
    if (!may_relate_to_nothing && !equals_ignoring_case(answer.relates_to, message_id)) {
        throw Error{ErrorCode::protocol,
                    fmt::format("the answer belongs to another request ('{}')", answer.relates_to)};
    }
    if (is_fault) throw Fault{decode_fault(answer.body), describe(action, target)};
    if (answer.action != action + "Response") {
        throw Error{ErrorCode::protocol,
                    fmt::format("the answer is of the kind '{}'", answer.action)};
    }
    if (options_.gate != nullptr) options_.gate->note_success();
    return answer;
}

void Client::wait_before(int attempt, std::stop_token stop) {
    constexpr int kDoublingsMax = 10;
    const auto longest = std::chrono::milliseconds{limits::kRetryDelayMax};
    const auto delay =
        std::min(longest, options_.retry_delay_min * (1 << std::min(attempt - 1, kDoublingsMax)));
    // By chance, so that jobs that failed together do not come back together.
    std::array<std::byte, 1> chance{};
    world_.random.fill(chance);
    const auto quarter = delay / 4;
    const auto pause = delay - quarter + 2 * quarter * std::to_integer<int>(chance[0]) / 255;
    world_.clock.sleep_for(std::min(longest, pause), stop);
    if (stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
}

Client::Retry Client::retry_of(Repeat repeat) {
    return repeat == Repeat::allowed ? Retry::always : Retry::after_quota;
}

Answer Client::exchange(const std::string& action, const EndpointReference& target,
                        const std::string& body, Retry retry, std::stop_token stop) {
    return repeated(retry, describe(action, target), stop,
                    [&] { return exchange_once(action, target, body, retry, stop); });
}

XmlElement Client::get(const EndpointReference& target, std::stop_token stop) {
    const std::string action = std::string{ns::kTransfer} + "/Get";
    Answer answer = exchange(action, target, "", Retry::always, stop);
    if (answer.body.children.size() != 1) {
        throw Error{ErrorCode::protocol,
                    fmt::format("Get of {} answers {} objects", last_part(target.resource_uri),
                                answer.body.children.size())};
    }
    return std::move(answer.body.children.front());
}

std::optional<XmlElement> Client::put(const EndpointReference& target, const std::string& instance,
                                      std::stop_token stop) {
    const std::string action = std::string{ns::kTransfer} + "/Put";
    Answer answer = exchange(action, target, instance, Retry::after_quota, stop);
    if (answer.body.children.empty()) return std::nullopt;
    return std::move(answer.body.children.front());
}

XmlElement Client::invoke(const EndpointReference& target, const std::string& method,
                          const std::string& parameters, Repeat repeat, std::stop_token stop) {
    const std::string body = fmt::format("<p:{0}_INPUT xmlns:p=\"{1}\">{2}</p:{0}_INPUT>", method,
                                         escape_xml(target.resource_uri), parameters);
    // A connection that the host closed while it was idle would leave open whether the call was
    // made; a harmless request finds that out before.
    if (repeat == Repeat::forbidden && session_.is_doubtful()) {
        try {
            identify_once(stop);
        } catch (const Error& error) {
            if (!is_transient(error.code())) throw;
        }
    }
    Answer answer;
    try {
        answer = exchange(target.resource_uri + "/" + method, target, body, retry_of(repeat), stop);
    } catch (Error& error) {
        const bool is_unknown =
            repeat == Repeat::forbidden && !is_turned_away(error) &&
            (error.code() == ErrorCode::timeout || error.code() == ErrorCode::unreachable);
        if (is_unknown && error.hint().empty()) error.set_hint(kUnknownOutcome);
        throw;
    }
    const std::string wanted = method + "_OUTPUT";
    for (XmlElement& child : answer.body.children) {
        if (child.name == wanted) return std::move(child);
    }
    throw Error{ErrorCode::protocol, fmt::format("the answer to {} has no {}", method, wanted)};
}

}  // namespace entrepot::wsman

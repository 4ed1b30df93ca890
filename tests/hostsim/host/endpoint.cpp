// From an HTTP request to a SOAP answer.
#include "tests/hostsim/host/endpoint.h"

#include "base/clock.h"
#include "base/error.h"
#include "tests/hostsim/cim/instance_xml.h"
#include "tests/hostsim/cim/xml.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace entrepot::hostsim {
namespace {

constexpr const char* kGet = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get";
constexpr const char* kEnumerate = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate";
constexpr const char* kPull = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull";
constexpr std::chrono::minutes kClockSkewMax{5};
constexpr const char* kRelease = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Release";

std::string http_date(DateTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
    return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(seconds));
}

bool is_soap(const HttpRequest& request) {
    std::string type = request.header("Content-Type");
    std::transform(type.begin(), type.end(), type.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return type.starts_with("application/soap+xml") &&
           (type.find("charset") == std::string::npos || type.find("utf-8") != std::string::npos);
}

/// One connection: a login that holds for it, and its requests.
class Session final : public ConnectionHandler {
public:
    explicit Session(Endpoint& endpoint)
        : endpoint_(endpoint), authenticator_(endpoint.host().config().login) {}

    HttpReply handle(const HttpRequest& request) override {
        HttpReply reply = handle_inner(request);
        reply.headers.emplace_back("Date", http_date(endpoint_.host().now()));
        return reply;
    }

private:
    HttpReply handle_inner(const HttpRequest& request) {
        if (request.target != "/wsman") return {.status = 404};
        if (request.method != "POST") return {.status = 405};
        const std::string type = request.header("Content-Type");
        const bool is_sealed = is_encrypted_type(type);
        if (!request.body.empty() && !is_sealed && !is_soap(request)) return {.status = 415};
        if (same_name(request.header("WSMANIDENTIFY"), "unauthenticated")) {
            return endpoint_.answer(request.body, nullptr);
        }
        HttpReply refusal;
        std::string challenge;
        const User* user = login(request, refusal, challenge);
        if (user == nullptr) return refusal;
        HttpReply reply = answer(request, is_sealed, *user);
        if (!challenge.empty()) reply.headers.emplace_back("WWW-Authenticate", challenge);
        return reply;
    }

    HttpReply answer(const HttpRequest& request, bool is_sealed, const User& user) {
        if (request.body.empty()) return {};
        if (!is_sealed) {
            // AllowUnencrypted=false.
            if (!request.is_tls) return {.status = 500};
            return endpoint_.answer(request.body, &user);
        }
        const auto plain = authenticator_.open(request.header("Content-Type"), request.body);
        if (!plain) return {.connection = Connection::drop_without_answer};
        HttpReply reply = endpoint_.answer(*plain, &user);
        if (endpoint_.host().faults().take("unsealed-answer", "session")) return reply;
        for (auto& [name, value] : reply.headers) {
            if (name != "Content-Type" || reply.body.empty()) continue;
            reply.body = authenticator_.seal(reply.body, value);
        }
        if (endpoint_.host().faults().take("broken-seal", "session")) {
            reply.body[reply.body.size() / 2] ^= 1;
        }
        return reply;
    }

    const User* login(const HttpRequest& request, HttpReply& refusal, std::string& challenge) {
        const LoginEvidence evidence{request.header("Authorization"), request.certificate_digest,
                                     request.is_tls};
        FaultPlan& faults = endpoint_.host().faults();
        refusal.status = 401;
        const bool has_header = !evidence.authorization.empty();
        if (!has_header && faults.take("session-lost", "session")) authenticator_.forget();
        if (!has_header && authenticator_.connection_user() != nullptr) {
            return authenticator_.connection_user();
        }
        LoginStep step;
        const bool is_refused =
            faults.is_planned("lock-account", "login") || faults.take("deny-login", "login");
        if (has_header && !is_refused) step = authenticator_.step(evidence);
        if (step.is_kerberos && is_clock_skewed()) {
            authenticator_.forget();
            step = {};
        }
        challenge = step.challenge;
        if (step.user != nullptr) return step.user;
        if (!step.challenge.empty()) {
            refusal.headers.emplace_back("WWW-Authenticate", step.challenge);
            return nullptr;
        }
        if (has_header) endpoint_.count_failed_login();
        for (const std::string& offer : authenticator_.offers()) {
            refusal.headers.emplace_back("WWW-Authenticate", offer);
        }
        return nullptr;
    }

    // The library sees the machine's clock, a domain controller would see the host's.
    bool is_clock_skewed() const {
        const auto skew = endpoint_.host().now() - SystemClock{}.wall_now();
        return skew > kClockSkewMax || skew < -kClockSkewMax;
    }

    Endpoint& endpoint_;
    Authenticator authenticator_;
};

/// What a fault may be planned for: the method, or the last part of the action.
std::string place_of(const SoapRequest& request) {
    return request.is_identify ? "Identify" : request.method();
}

}  // namespace

std::unique_ptr<ConnectionHandler> Endpoint::connect() {
    if (host_.faults().take("unreachable", "connect")) return nullptr;
    return std::make_unique<Session>(*this);
}

HttpReply Endpoint::answer(const std::string& envelope, const User* user) {
    SoapRequest request;
    SoapResponse response;
    response.language = host_.language();
    std::string verdict = "ok";
    int status = 200;
    Json line{{"time", format_datetime(host_.now())}, {"user", user == nullptr ? "" : user->name}};
    try {
        if (envelope.size() > host_.config().quotas.envelope_bytes_max)
            throw SoapFault{FaultKind::envelope_limit, {}};
        parse_request(envelope, request);
        if (!request.is_identify && user == nullptr) throw SoapFault{FaultKind::access_denied, {}};
        request.envelope_bytes_max =
            std::min(request.envelope_bytes_max, host_.config().quotas.envelope_bytes_max);
        if (auto refusal = message_faults_.refuse(place_of(request))) return std::move(*refusal);
        if (request.is_identify) {
            response.body = identify(user);
        } else {
            check_planned_faults(request);
            response.body = dispatch(request, *user, response.action, verdict);
            if (host_.faults().take("timed-out", place_of(request))) {
                throw SoapFault{FaultKind::timed_out, {}};
            }
        }
    } catch (const RequestLost&) {
        return {.connection = Connection::drop_without_answer};
    } catch (const SoapFault& fault) {
        status = 500;
        verdict = fmt::format("fault {}", fault_code(fault.kind));
        line["detail"] = fault.detail;
        response.action = fault_action(fault.kind);
        response.body = fault_xml(fault, host_.config().host_name, response.language);
    }
    line.update({{"action", request.action},
                 {"resource", request.resource_uri},
                 {"method", place_of(request)},
                 {"verdict", verdict}});
    host_.log_request(line);
    if (request.is_identify && status == 200) {
        return {.status = 200,
                .headers = {{"Content-Type", "application/soap+xml;charset=UTF-8"}},
                .body = response.body};
    }
    return finish(request, std::move(response), status);
}

HttpReply Endpoint::finish(const SoapRequest& request, SoapResponse response, int status) {
    response.message_id = "uuid:" + host_.make_id();
    response.relates_to = request.message_id;
    HttpReply reply;
    reply.status = status;
    reply.headers.emplace_back("Content-Type", "application/soap+xml;charset=UTF-8");
    message_faults_.spoil(place_of(request), response, reply);
    return reply;
}

void Endpoint::check_planned_faults(const SoapRequest& request) {
    FaultPlan& faults = host_.faults();
    const std::string place = place_of(request);
    if (faults.take("access-denied", place) || faults.take("access-denied", request.class_name)) {
        throw SoapFault{FaultKind::access_denied, {}};
    }
    if (faults.take("quota", place)) throw SoapFault{FaultKind::quota, {}};
    if (faults.take("rate-quota", place)) throw SoapFault{FaultKind::quota_rate, {}};
    if (faults.take("envelope-limit", place)) throw SoapFault{FaultKind::envelope_limit, {}};
    const bool is_v2 = request.name_space == kVirtualizationNamespace;
    if (is_v2 && faults.take("provider-stopped", request.class_name)) {
        throw SoapFault{FaultKind::endpoint_unavailable, "Provider load failure (0x80041013)"};
    }
}

std::string Endpoint::dispatch(const SoapRequest& request, const User& user, std::string& action,
                               std::string& verdict) {
    if (!user.may_use_wsman()) throw SoapFault{FaultKind::access_denied, {}};
    if (!host_.schema().has_namespace(request.name_space)) {
        throw SoapFault{FaultKind::invalid_resource_uri, "Invalid namespace (0x8004100E)"};
    }
    const bool is_any = request.class_name == "*";
    if (!is_any && host_.schema().find(request.name_space, request.class_name) == nullptr) {
        throw SoapFault{FaultKind::resource_not_found, "Invalid class (0x80041010)"};
    }
    const Viewer viewer{.sees_virtual_machines = user.sees_virtual_machines()};
    const std::lock_guard lock{host_.mutex()};
    host_.settle();
    action = request.action + "Response";
    // An open context is an operation; going on with it or giving it up must stay possible.
    const bool goes_on = request.action == kPull || request.action == kRelease;
    const std::size_t operations = enumerations_.count(user.name);
    if (!goes_on && operations >= host_.config().quotas.operations_per_user_max) {
        throw SoapFault{FaultKind::quota, {}};
    }
    if (request.action == kGet) return get(request, viewer);
    if (request.action == kEnumerate) return enumerations_.enumerate(request, viewer, user.name);
    if (request.action == kPull) return enumerations_.pull(request, user.name);
    if (request.action == kRelease) return enumerations_.release(request, user.name);
    if (!is_any && request.action == request.resource_uri + "/" + request.method()) {
        return methods_.invoke(request, viewer, verdict);
    }
    throw SoapFault{FaultKind::action_not_supported, {}};
}

std::string Endpoint::get(const SoapRequest& request, const Viewer& viewer) {
    if (request.class_name == "*") throw SoapFault{FaultKind::invalid_resource_uri, {}};
    if (!child_elements(request.body).empty()) throw SoapFault{FaultKind::schema_validation, {}};
    const Class* declared = host_.schema().find(request.name_space, request.class_name);
    ObjectRef ref{.name_space = request.name_space, .class_name = request.class_name};
    for (const auto& [name, value] : request.selectors) {
        const bool is_key =
            std::any_of(declared->keys.begin(), declared->keys.end(),
                        [&](const std::string& key) { return same_name(key, name); });
        if (!is_key) throw SoapFault{FaultKind::selectors_unexpected, {}};
        ref.keys[name] = value;
    }
    const bool is_singleton = declared->name == "Win32_OperatingSystem" && ref.keys.empty();
    if (ref.keys.size() < declared->keys.size() && !is_singleton) {
        // A real host answers a VM's Get by Name alone as if there were no such object.
        if (host_.schema().is_a(request.name_space, declared->name, "CIM_ComputerSystem")) {
            throw SoapFault{FaultKind::destination_unreachable, {}};
        }
        throw SoapFault{FaultKind::selectors_insufficient, {}};
    }
    const auto instance = find_instance(host_, viewer, ref);
    if (!instance) throw SoapFault{FaultKind::destination_unreachable, {}};
    const Class* real = host_.schema().find(instance->name_space, instance->class_name);
    return instance_xml(*instance, *real);
}

std::string Endpoint::identify(const User* user) const {
    const std::string version =
        user == nullptr ? "OS: 0.0.0 SP: 0.0 Stack: 3.0"
                        : fmt::format("OS: 10.0.{} SP: 0.0 Stack: 3.0", host_.config().os_build);
    return fmt::format(
        "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"{}\"><s:Header/><s:Body>"
        "<wsmid:IdentifyResponse xmlns:wsmid=\"{}\"><wsmid:ProtocolVersion>"
        "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</wsmid:ProtocolVersion>"
        "<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        "<wsmid:ProductVersion>{}</wsmid:ProductVersion></wsmid:IdentifyResponse></s:Body>"
        "</s:Envelope>",
        ns::kSoap, ns::kIdentity, version);
}

}  // namespace entrepot::hostsim

// The questions of the ladder (wsman 13).
#include "exporter/hyperv/host_probe.h"

#include "base/check.h"
#include "base/error.h"
#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/wsman_connection.h"
#include "exporter/wsman/fault.h"
#include "exporter/wsman/http_date.h"
#include "exporter/wsman/limits.h"

#include <charconv>
#include <utility>

namespace entrepot::hyperv {
namespace {

constexpr const char* kSoap = "application/soap+xml;charset=UTF-8";
constexpr const char* kConfigUri = "http://schemas.microsoft.com/wbem/wsman/1/config";
constexpr int kUnauthorized = 401;

std::optional<std::uint32_t> number_of(const wsman::XmlElement* element) {
    if (element == nullptr) return std::nullopt;
    const std::string text = element->trimmed_text();
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

class Probe final : public HostProbe {
public:
    Probe(const World& world, Connection connection, std::stop_token stop)
        : world_(world),
          settings_(std::move(connection)),
          stop_(std::move(stop)),
          connection_(std::make_unique<WsmanConnection>(world_, settings_)) {}

    HttpReport ask_without_login() override;
    LoginReport log_in() override;
    bool can_log_in_without_channel_binding() override;
    WinrmReport read_winrm() override;
    ProcessReport read_processes() override;
    HostCapabilities read_capabilities() override;
    HyperVHost& host() override;

private:
    wsman::HttpAnswer ask(std::vector<wsman::HttpHeader> headers, const std::string& body);
    void read_identity(const wsman::HttpAnswer& answer, HttpReport& report) const;
    wsman::Client& client() { return *client_; }

    World world_;
    Connection settings_;
    std::stop_token stop_;
    std::unique_ptr<WsmanConnection> connection_;
    wsman::Client* client_ = nullptr;  ///< Of `connection_`, wherever that has gone. Logged in.
    std::unique_ptr<HyperVHost> host_;
};

wsman::HttpAnswer Probe::ask(std::vector<wsman::HttpHeader> headers, const std::string& body) {
    wsman::HttpRequest request;
    request.headers = std::move(headers);
    request.headers.push_back({"Content-Type", kSoap});
    request.body = body;
    request.timeout = wsman::limits::kIdentifyTimeout;
    return connection_->transport().exchange(request, stop_);
}

void Probe::read_identity(const wsman::HttpAnswer& answer, HttpReport& report) const {
    if (answer.body.empty()) return;
    try {
        const auto identity = wsman::decode_identity(wsman::decode_answer(answer.body));
        report.is_wsman = true;
        report.vendor = identity.product_vendor;
    } catch (const Error& error) {  // A page, or a fault: what it is stands in the report.
        world_.log.debug("the answer to Identify is none", {{"reason", error.message()}});
    }
}

HttpReport Probe::ask_without_login() {
    HttpReport report;
    const auto identified = ask({{"WSMANIDENTIFY", "unauthenticated"}}, wsman::write_identify());
    const auto date = wsman::parse_http_date(identified.header("date").value_or(""));
    if (date) report.clock_difference = *date - world_.clock.wall_now();
    report.status = identified.status;
    report.server = identified.header("server").value_or("");
    report.content_type = identified.header("content-type").value_or("");
    report.location = identified.header("location").value_or("");
    report.schemes = wsman::offered_schemes(identified);
    read_identity(identified, report);
    if (!report.is_wsman) return report;
    // An empty request is refused with the ways to log in; certificates are shown only then.
    const auto refused = ask({}, "");
    if (refused.status == kUnauthorized) report.schemes = wsman::offered_schemes(refused);
    return report;
}

LoginReport Probe::log_in() {
    LoginReport report;
    report.product_version = connection_->client().identify(stop_).product_version;
    report.is_kerberos = connection_->session().login_way().is_kerberos;
    report.why_no_kerberos = connection_->session().login_way().why_no_kerberos;
    client_ = &connection_->client();
    return report;
}

bool Probe::can_log_in_without_channel_binding() {
    Connection unbound = settings_;
    unbound.binds_channel = false;
    unbound.gate.reset();
    WsmanConnection other{world_, unbound};
    try {
        other.client().identify(stop_);
        return true;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        return false;
    }
}

WinrmReport Probe::read_winrm() {
    ENTREPOT_CHECK(client_ != nullptr);
    const wsman::XmlElement config = client().get({kConfigUri, {}}, stop_);
    const auto find = [](const wsman::XmlElement* from, std::string_view name) {
        return from == nullptr ? nullptr : from->find(kConfigUri, name);
    };
    const wsman::XmlElement* service = find(&config, "Service");
    return {.envelope_kib = number_of(find(&config, "MaxEnvelopeSizekb")),
            .timeout_ms = number_of(find(&config, "MaxTimeoutms")),
            .operations_per_user = number_of(find(service, "MaxConcurrentOperationsPerUser")),
            .connections = number_of(find(service, "MaxConnections"))};
}

// What this account is not shown stays unknown; it is not needed for backups.
ProcessReport Probe::read_processes() {
    ENTREPOT_CHECK(client_ != nullptr);
    cim::WmiNamespace cimv2{client(), "root/cimv2", stop_};
    ProcessReport report;
    try {
        const auto services = cimv2.select("Win32_Service", "Name", "vmms");
        if (!services.empty()) report.vmms_state = services.front().text("State");
    } catch (const wsman::Fault& fault) {
        world_.log.debug("services are not shown", {{"reason", fault.message()}});
    }
    try {
        report.workers = cimv2.select("Win32_Process", "Name", "vmwp.exe").size();
    } catch (const wsman::Fault& fault) {
        world_.log.debug("processes are not shown", {{"reason", fault.message()}});
    }
    return report;
}

HostCapabilities Probe::read_capabilities() {
    ENTREPOT_CHECK(client_ != nullptr);
    cim::WmiNamespace virtualization{client(), "root/virtualization/v2", stop_};
    return probe_capabilities(virtualization);
}

HyperVHost& Probe::host() {
    ENTREPOT_CHECK(client_ != nullptr);
    if (host_ == nullptr) host_ = connect_over(world_, std::move(connection_), stop_);
    return *host_;
}

}  // namespace

std::unique_ptr<HostProbe> make_host_probe(const World& world, const Connection& connection,
                                           std::stop_token stop) {
    return std::make_unique<Probe>(world, connection, std::move(stop));
}

}  // namespace entrepot::hyperv

// A host made of answers: scripts for the WS-Management client's tests.
#pragma once

#include "base/error.h"
#include "exporter/wsman/namespaces.h"
#include "exporter/wsman/transport.h"
#include "exporter/wsman/xml.h"

#include <fmt/format.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace entrepot::wsman {

inline std::string text_between(const std::string& text, const std::string& before,
                                const std::string& after) {
    const std::size_t start = text.find(before);
    if (start == std::string::npos) return {};
    const std::size_t first = start + before.size();
    return text.substr(first, text.find(after, first) - first);
}

inline std::string action_of(const HttpRequest& request) {
    return text_between(request.body, "<a:Action s:mustUnderstand=\"true\">", "</a:Action>");
}

inline HttpAnswer soap(int status, const std::string& envelope) {
    HttpAnswer answer;
    answer.status = status;
    answer.headers = {{"content-type", "application/soap+xml;charset=UTF-8"}};
    answer.body = envelope;
    return answer;
}

/// An envelope that answers the request; `relates_to` empty means: to this request.
inline HttpAnswer answer_to(const HttpRequest& request, const std::string& body, int status = 200,
                            std::string action = {}, std::string relates_to = {}) {
    if (action.empty()) action = action_of(request) + "Response";
    if (relates_to.empty()) {
        relates_to = text_between(request.body, "<a:MessageID>", "</a:MessageID>");
    }
    return soap(status, fmt::format("<s:Envelope xmlns:s=\"{}\" xmlns:a=\"{}\" xmlns:n=\"{}\" "
                                    "xmlns:w=\"{}\"><s:Header><a:Action>{}</a:Action>"
                                    "<a:RelatesTo>{}</a:RelatesTo></s:Header><s:Body>{}</s:Body>"
                                    "</s:Envelope>",
                                    ns::kSoap, ns::kAddressing, ns::kEnumeration, ns::kWsman,
                                    action, relates_to, body));
}

inline HttpAnswer fault_to(const HttpRequest& request, const std::string& subcode,
                           std::uint32_t code, const std::string& text = "geht nicht") {
    return answer_to(
        request,
        fmt::format("<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>w:{}"
                    "</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang=\"de-DE\">{}"
                    "</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f=\"{}\" Code=\"{}\" "
                    "Machine=\"hv01\"><f:Message>{}</f:Message></f:WSManFault></s:Detail>"
                    "</s:Fault>",
                    subcode, text, ns::kWsmanFault, code, text),
        500, "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault");
}

class FakeTransport final : public Transport {
public:
    using Handler = std::function<HttpAnswer(const HttpRequest&)>;

    explicit FakeTransport(Handler handler) : handler_(std::move(handler)) {}
    /// One handler a request; a request beyond them fails the test by an exception.
    explicit FakeTransport(std::deque<Handler> script) : script_(std::move(script)) {}

    HttpAnswer exchange(const HttpRequest& request, std::stop_token stop) override {
        if (stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
        requests.push_back(request);
        if (handler_) return handler_(request);
        if (script_.empty()) throw Error{ErrorCode::internal, "request beyond the script"};
        const Handler next = script_.front();
        script_.pop_front();
        return next(request);
    }
    void disconnect() override { ++disconnect_count; }
    Bytes peer_certificate() const override { return {}; }
    bool is_encrypted() const override { return has_tls; }
    bool is_script_done() const { return script_.empty(); }

    std::vector<HttpRequest> requests;
    int disconnect_count = 0;
    bool has_tls = true;

private:
    Handler handler_;
    std::deque<Handler> script_;
};

}  // namespace entrepot::wsman

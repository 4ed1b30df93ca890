// One planned fault changes one answer.
#include "tests/hostsim/host/message_faults.h"

#include "tests/hostsim/cim/xml.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kNestingCount = 100'000;
constexpr std::size_t kAttributeCount = 1'000'000;

std::string repeat(std::string_view text, std::size_t count) {
    std::string result;
    result.reserve(text.size() * count);
    for (std::size_t i = 0; i < count; ++i)
        result += text;
    return result;
}

/// Documents that a parser must give up on (F-WM-06).
std::string make_hostile(const std::string& kind, const std::string& body) {
    const std::string start = fmt::format("<s:Envelope xmlns:s=\"{}\"><s:Body>", ns::kSoap);
    const std::string end = "</s:Body></s:Envelope>";
    if (kind == "doctype") {
        return "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>" + start + "&e;" + end;
    }
    if (kind == "entities") {
        std::string entities = "<!DOCTYPE x [<!ENTITY a0 \"aaaaaaaaaa\">";
        for (int i = 1; i < 12; ++i) {
            const std::string former = fmt::format("&a{};", i - 1);
            entities += fmt::format("<!ENTITY a{} \"{}\">", i, repeat(former, 10));
        }
        return entities + "]>" + start + "&a11;" + end;
    }
    if (kind == "depth") {
        return start + repeat("<d>", kNestingCount) + repeat("</d>", kNestingCount) + end;
    }
    if (kind == "attributes") {
        std::string element = "<d";
        for (std::size_t i = 0; i < kAttributeCount; ++i)
            element += fmt::format(" a{}=''", i);
        return start + element + "/>" + end;
    }
    std::string spoilt = body;
    const std::size_t middle = spoilt.find("</a:MessageID>");
    if (middle == std::string::npos) return start + end;
    if (kind == "nul") spoilt.insert(middle, 1, '\0');
    if (kind == "utf8") spoilt.insert(middle, "\xC0\xAF\xED\xA0\x80");
    return spoilt;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

}  // namespace

std::optional<HttpReply> MessageFaults::refuse(const std::string& place) {
    if (take("request-lost", place)) {
        return HttpReply{.connection = Connection::drop_without_answer};
    }
    if (const auto status = host_.faults().take_number("http-status", place)) {
        return HttpReply{.status = static_cast<int>(*status)};
    }
    if (const auto url = host_.faults().take("redirect", place)) {
        return HttpReply{.status = 307, .headers = {{"Location", *url}}};
    }
    return std::nullopt;
}

void MessageFaults::spoil(const std::string& place, SoapResponse& response, HttpReply& reply) {
    if (const auto delay = host_.faults().take_number("stall", place)) {
        std::this_thread::sleep_for(std::chrono::milliseconds{*delay});
    }
    if (take("wrong-relates-to", place)) response.relates_to = "uuid:" + host_.make_id();
    if (take("wrong-action", place)) {
        response.action = "http://schemas.xmlsoap.org/ws/2004/09/transfer/PutResponse";
    }
    std::string body = format_response(response);
    if (take("wrong-namespace", place)) {
        replace_all(body, "virtualization/v2/", "virtualization/v1/");
        replace_all(body, ns::kEnumeration, "http://schemas.xmlsoap.org/ws/2004/09/other");
    }
    if (const auto kind = host_.faults().take("hostile-xml", place)) {
        body = make_hostile(*kind, body);
    }
    {
        const std::lock_guard lock{mutex_};
        const std::string former = std::exchange(former_body_, body);
        if (!former.empty() && take("stale-reply", place)) body = former;
    }
    reply.body = std::move(body);
    spoil_transport(place, reply);
}

void MessageFaults::spoil_transport(const std::string& place, HttpReply& reply) {
    if (take("gzip-body", place)) reply.headers.emplace_back("Content-Encoding", "gzip");
    if (const auto rate = host_.faults().take_number("slow-body", place)) {
        reply.bytes_per_second = *rate;
    }
    constexpr std::pair<const char*, Connection> kEnds[] = {
        {"reply-lost", Connection::drop_without_answer},
        {"half-open", Connection::hang},
        {"cut-body", Connection::cut_body},
        {"wrong-length", Connection::short_length},
        {"broken-chunks", Connection::broken_chunks},
        {"endless-body", Connection::endless_body},
    };
    for (const auto& [name, connection] : kEnds) {
        if (take(name, place)) reply.connection = connection;
    }
}

}  // namespace entrepot::hostsim

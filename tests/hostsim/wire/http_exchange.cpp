// HTTP/1.1 by hand, as far as WinRM's clients use it.
#include "tests/hostsim/wire/http_exchange.h"

#include <Poco/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kBodyBytesMax = 1024 * 1024;
constexpr std::size_t kEndlessBytesMax = std::size_t{256} * 1024 * 1024;

const char* reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 411:
            return "Length Required";
        case 413:
            return "Request Entity Too Large";
        case 415:
            return "Unsupported Media Type";
        case 500:
            return "Internal Server Error";
        case 307:
            return "Temporary Redirect";
        case 503:
            return "Service Unavailable";
        default:
            return "Status";
    }
}

/// The fields that say where the body ends; some of them lie.
std::string framing_of(const HttpReply& reply) {
    switch (reply.connection) {
        case Connection::broken_chunks:
        case Connection::endless_body:
            return "Transfer-Encoding: chunked\r\n\r\n";
        case Connection::short_length:
            return fmt::format("Content-Length: {}\r\n\r\n", reply.body.size() / 2);
        case Connection::keep_alive:
        case Connection::close:
        case Connection::drop_without_answer:
        case Connection::hang:
        case Connection::cut_body:
            break;
    }
    return fmt::format("Content-Length: {}\r\n\r\n", reply.body.size());
}

std::string body_of(const HttpReply& reply) {
    const std::size_t half = reply.body.size() / 2;
    if (reply.connection == Connection::cut_body) return reply.body.substr(0, half);
    if (reply.connection == Connection::broken_chunks) {
        return fmt::format("{:x}\r\n{}\r\nnone\r\n{}", half, reply.body.substr(0, half),
                           reply.body.substr(half));
    }
    return reply.connection == Connection::endless_body ? std::string{} : reply.body;
}

}  // namespace

std::string HttpRequest::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string{} : found->second;
}

bool Exchange::fill() {
    char chunk[16384];
    const int count = socket_.receiveBytes(chunk, static_cast<int>(sizeof chunk));
    if (count <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(count));
    return true;
}

bool Exchange::parse_head(std::string_view head, HttpRequest& request) const {
    std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || last <= first) return false;
    if (line.substr(last + 1) != "HTTP/1.1") return false;
    request.method = std::string{line.substr(0, first)};
    request.target = std::string{line.substr(first + 1, last - first - 1)};
    while (end != std::string_view::npos) {
        head.remove_prefix(end + 2);
        end = head.find("\r\n");
        const std::string_view field = head.substr(0, end);
        if (field.empty()) break;
        const std::size_t colon = field.find(':');
        if (colon == std::string_view::npos || colon == 0) return false;
        std::string_view value = field.substr(colon + 1);
        const std::size_t start = value.find_first_not_of(" \t");
        value.remove_prefix(start == std::string_view::npos ? value.size() : start);
        value = value.substr(0, value.find_last_not_of(" \t") + 1);
        request.headers[std::string{field.substr(0, colon)}] = std::string{value};
    }
    return true;
}

std::optional<HttpRequest> Exchange::read_request(int& refusal) {
    refusal = 0;
    std::size_t head_end = std::string::npos;
    while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        if (buffer_.size() > kHeadBytesMax) {
            refusal = 400;
            return HttpRequest{};
        }
        if (!fill()) return std::nullopt;
    }
    HttpRequest request;
    if (!parse_head(std::string_view{buffer_}.substr(0, head_end + 2), request)) {
        refusal = 400;
        return request;
    }
    buffer_.erase(0, head_end + 4);
    const std::string length_text = request.header("Content-Length");
    const bool is_number = !length_text.empty() && length_text.size() < 10 &&
                           std::all_of(length_text.begin(), length_text.end(),
                                       [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) {
        refusal = 411;
        return request;
    }
    const std::size_t length = std::stoul(length_text);
    if (length > kBodyBytesMax) {
        refusal = 413;
        return request;
    }
    if (same_name(request.header("Expect"), "100-continue")) {
        const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        socket_.sendBytes(go_on.data(), static_cast<int>(go_on.size()));
    }
    while (buffer_.size() < length) {
        if (!fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return request;
}

bool Exchange::send(std::string_view text, std::uint32_t bytes_per_second) {
    const auto started = std::chrono::steady_clock::now();
    const std::size_t step = bytes_per_second == 0 ? text.size() : 1;
    for (std::size_t sent = 0; sent < text.size();) {
        const std::size_t length = std::min(std::max<std::size_t>(step, 1), text.size() - sent);
        const int count = socket_.sendBytes(text.data() + sent, static_cast<int>(length));
        if (count <= 0) return false;
        sent += static_cast<std::size_t>(count);
        if (bytes_per_second == 0) continue;
        std::this_thread::sleep_until(
            started + std::chrono::microseconds{sent * 1'000'000 / bytes_per_second});
    }
    return true;
}

void Exchange::send_endless() {
    const std::string chunk = fmt::format("4000\r\n{}\r\n", std::string(0x4000, ' '));
    for (std::size_t sent = 0; sent < kEndlessBytesMax; sent += chunk.size()) {
        if (!send(chunk, 0)) return;
    }
}

void Exchange::wait_for_end() {
    while (fill())
        buffer_.clear();
}

void Exchange::write_reply(const HttpReply& reply) {
    std::string text = fmt::format("HTTP/1.1 {} {}\r\n", reply.status, reason_of(reply.status));
    text += "Server: Microsoft-HTTPAPI/2.0\r\n";
    for (const auto& [name, value] : reply.headers)
        text += fmt::format("{}: {}\r\n", name, value);
    if (reply.connection == Connection::close) text += "Connection: close\r\n";
    if (!send(text + framing_of(reply), 0)) return;
    if (!send(body_of(reply), reply.bytes_per_second)) return;
    if (reply.connection == Connection::endless_body) send_endless();
}

}  // namespace entrepot::hostsim

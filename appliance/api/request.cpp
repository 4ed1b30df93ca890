// Requests and responses: small accessors, percent encoding.
#include "appliance/api/request.h"

#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"

#include <fmt/format.h>

#include <array>

namespace entrepot::api {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 5> kMethods{{
    {Method::get, "GET"},
    {Method::post, "POST"},
    {Method::put, "PUT"},
    {Method::patch, "PATCH"},
    {Method::delete_, "DELETE"},
}};

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string_view to_string(Method method) {
    for (const auto& [known, name] : kMethods) {
        if (known == method) return name;
    }
    return "GET";
}

std::optional<Method> method_from(std::string_view name) {
    for (const auto& [known, known_name] : kMethods) {
        if (known_name == name) return known;
    }
    return std::nullopt;
}

const std::string& Request::parameter(const std::string& name) const {
    const auto found = parameters.find(name);
    ENTREPOT_CHECK(found != parameters.end());
    return found->second;
}

std::string Request::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string{} : found->second;
}

std::string Request::query_value(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::string{} : found->second;
}

bool Request::query_flag(const std::string& name) const {
    const std::string value = query_value(name);
    if (value.empty() || value == "false") return false;
    if (value == "true") return true;
    throw Error{ErrorCode::invalid,
                fmt::format("query parameter {} is \"{}\", not true or false", name, value)};
}

Json Request::json() const {
    if (body.empty()) return Json::object();
    return parse_json(body, "the request's body", limits::kRequestBodyBytesMax);
}

Response Response::json(const Json& value, int status) {
    Response response;
    response.status = status;
    response.headers["content-type"] = "application/json";
    response.body = dump_json(value);
    return response;
}

Response Response::text(std::string body, std::string content_type) {
    Response response;
    response.headers["content-type"] = std::move(content_type);
    response.body = std::move(body);
    return response;
}

Response Response::no_content() {
    Response response;
    response.status = 204;
    return response;
}

Response Response::accepted(const Json& job, const std::string& location) {
    Response response = json(job, 202);
    response.headers["location"] = location;
    return response;
}

Response Response::created(const Json& value, const std::string& location) {
    Response response = json(value, 201);
    response.headers["location"] = location;
    return response;
}

bool is_error(const Response& response) {
    constexpr int kStatusFirstError = 400;
    return response.status >= kStatusFirstError;
}

std::string decode_percent(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0)) {
            throw Error{ErrorCode::invalid, "the address has a broken percent escape"};
        }
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

std::string encode_percent(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        if (is_unreserved(c)) {
            encoded += c;
        } else {
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return encoded;
}

std::map<std::string, std::string> parse_query(std::string_view text) {
    std::map<std::string, std::string> query;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        std::string name = decode_percent(pair.substr(0, equals));
        std::string value;
        if (equals != std::string_view::npos) value = decode_percent(pair.substr(equals + 1));
        if (!query.emplace(name, value).second) {
            throw Error{ErrorCode::invalid, fmt::format("query parameter {} is given twice", name)};
        }
    }
    return query;
}

}  // namespace entrepot::api

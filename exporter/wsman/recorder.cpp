// What is written down, and what is not (architecture 5).
#include "exporter/wsman/recorder.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "exporter/wsman/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::wsman {
namespace {

bool is_private(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name == "authorization" || name == "cookie" || name == "set-cookie" ||
           name == "authentication-info";
}

Json headers_to_json(const std::vector<HttpHeader>& headers) {
    Json list = Json::array();
    for (const HttpHeader& header : headers) {
        if (is_private(header.name)) continue;
        // Of a challenge only the scheme is told, not the token behind it.
        const bool is_challenge = header.name == "www-authenticate";
        list.push_back({header.name, is_challenge ? header.value.substr(0, header.value.find(' '))
                                                  : header.value});
    }
    return list;
}

Json request_to_json(const HttpRequest& request, const Redactor& redactor) {
    return {{"headers", headers_to_json(request.headers)}, {"body", redactor.redact(request.body)}};
}

}  // namespace

Recorder::Recorder(FileSystem& file_system, std::filesystem::path directory, Redactor redactor)
    : file_system_(file_system), directory_(std::move(directory)), redactor_(std::move(redactor)) {}

void Recorder::on_answer(const HttpRequest& request, const HttpAnswer& answer) noexcept {
    if (is_broken_ || count_ >= limits::kRecordedExchangesMax) return;
    try {
        redactor_.learn(answer.body);
        const Json record{{"request", request_to_json(request, redactor_)},
                          {"answer",
                           {{"status", answer.status},
                            {"headers", headers_to_json(answer.headers)},
                            {"body", redactor_.redact(answer.body)}}}};
        write(dump_json(record, 1));
    } catch (const std::exception&) {
        is_broken_ = true;
    }
}

void Recorder::on_failure(const HttpRequest& request, const Error& error) noexcept {
    if (is_broken_ || count_ >= limits::kRecordedExchangesMax) return;
    try {
        const Json record{
            {"request", request_to_json(request, redactor_)},
            {"error",
             {{"code", to_string(error.code())}, {"message", redactor_.redact(error.message())}}}};
        write(dump_json(record, 1));
    } catch (const std::exception&) {
        is_broken_ = true;
    }
}

void Recorder::write(const std::string& content) {
    if (count_ == 0) file_system_.make_directories(directory_);
    std::filesystem::path path;
    do {
        path = directory_ / fmt::format("{:06}.json", ++count_);
    } while (file_system_.exists(path) && count_ < limits::kRecordedExchangesMax);
    write_file_atomically(file_system_, path, as_bytes(content));
}

Redactor redactor_of(const std::string& host, const std::string& user) {
    Redactor redactor;
    redactor.hide(host, "host-0");
    redactor.hide(host.substr(0, host.find('.')), "host-0");
    redactor.hide(user, "user-0");
    const std::size_t slash = user.find('\\');
    const std::size_t at = user.rfind('@');
    if (slash != std::string::npos) {
        redactor.hide(user.substr(0, slash), "domain-0");
        redactor.hide(user.substr(slash + 1), "user-0");
    } else if (at != std::string::npos) {
        redactor.hide(user.substr(at + 1), "domain-0");
        redactor.hide(user.substr(0, at), "user-0");
    }
    return redactor;
}

}  // namespace entrepot::wsman

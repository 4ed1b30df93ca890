// Transcripts of the wire for people who have a real host (architecture 5).
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

}  // namespace

RecordingTransport::RecordingTransport(FileSystem& file_system, Transport& inner,
                                       std::filesystem::path directory)
    : file_system_(file_system), inner_(inner), directory_(std::move(directory)) {}

HttpAnswer RecordingTransport::exchange(const HttpRequest& request, std::stop_token stop) {
    Json record{
        {"request", {{"headers", headers_to_json(request.headers)}, {"body", request.body}}}};
    try {
        HttpAnswer answer = inner_.exchange(request, stop);
        record["answer"] = {{"status", answer.status},
                            {"headers", headers_to_json(answer.headers)},
                            {"body", answer.body}};
        write(dump_json(record, 1));
        return answer;
    } catch (const Error& error) {
        record["error"] = {{"code", to_string(error.code())}, {"message", error.message()}};
        write(dump_json(record, 1));
        throw;
    }
}

void RecordingTransport::write(const std::string& content) noexcept {
    if (is_broken_ || count_ >= limits::kRecordedExchangesMax) return;
    try {
        if (count_ == 0) file_system_.make_directories(directory_);
        std::filesystem::path path;
        do {
            path = directory_ / fmt::format("{:06}.json", ++count_);
        } while (file_system_.exists(path) && count_ < limits::kRecordedExchangesMax);
        write_file_atomically(file_system_, path, as_bytes(content));
    } catch (const std::exception&) {
        is_broken_ = true;
    }
}

}  // namespace entrepot::wsman

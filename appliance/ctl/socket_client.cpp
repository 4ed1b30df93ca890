// curl over a UNIX socket: plain HTTP, since the file's mode says who may speak.
#include "appliance/ctl/socket_client.h"

#include "base/check.h"
#include "base/error.h"

#include <curl/curl.h>

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kAnswerBytesMax = 256 * kMiB;
constexpr long kConnectTimeoutMs = 5'000;
constexpr long kAnswerTimeoutMs = 300'000;  // A host may be asked in between.

// A download takes as long as it takes, as long as something comes.
constexpr long kStallSeconds = 300;
constexpr long kStatusFirstError = 400;

struct Answer {
    std::string body;
    std::map<std::string, std::string> headers;
    void* handle = nullptr;
    const BodySink* sink = nullptr;  ///< Takes the body unless it is an error's.
    std::exception_ptr sink_error;
};

bool goes_to_sink(const Answer& answer) {
    long status = 0;
    curl_easy_getinfo(answer.handle, CURLINFO_RESPONSE_CODE, &status);
    return answer.sink != nullptr && status < kStatusFirstError;
}

std::size_t take_body(char* data, std::size_t, std::size_t size, void* target) {
    Answer& answer = *static_cast<Answer*>(target);
    if (goes_to_sink(answer)) {
        try {
            (*answer.sink)({data, size});
            return size;
        } catch (const std::exception&) {
            answer.sink_error = std::current_exception();  // Must not pass through curl.
            return 0;
        }
    }
    auto& body = answer.body;
    if (size > kAnswerBytesMax - body.size()) return 0;
    body.append(data, size);
    return size;
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* target) {
    const std::string_view line{data, size};
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size;
    std::string name{line.substr(0, colon)};
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0)
        value.remove_suffix(1);
    while (!value.empty() && value.front() == ' ')
        value.remove_prefix(1);
    static_cast<Answer*>(target)->headers[name] = std::string{value};
    return size;
}

std::string address_of(const api::Request& request) {
    std::string address = "http://localhost" + request.path;
    char separator = '?';
    for (const auto& [name, value] : request.query) {
        address += separator + api::encode_percent(name) + "=" + api::encode_percent(value);
        separator = '&';
    }
    return address;
}

using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

Headers headers_of(const api::Request& request) {
    Headers headers{curl_slist_append(nullptr, "Content-Type: application/json"),
                    &curl_slist_free_all};
    for (const auto& [name, value] : request.headers) {
        // A line end would begin another header.
        if (value.find_first_of("\r\n") != std::string::npos) {
            throw Error{ErrorCode::invalid, fmt::format("the header {} has a line end", name)};
        }
        const std::string line = fmt::format("{}: {}", name, value);
        curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
        ENTREPOT_CHECK(longer != nullptr);
        static_cast<void>(headers.release());
        headers.reset(longer);
    }
    return headers;
}

[[noreturn]] void fail(CURLcode code, bool is_answer_begun, const std::filesystem::path& socket) {
    const std::string reason = curl_easy_strerror(code);
    if (code == CURLE_OPERATION_TIMEDOUT) {
        throw Error{ErrorCode::timeout, "the daemon does not answer: " + reason};
    }
    // A chunked answer without its last chunk is the one or the other, by where it ended.
    if (code == CURLE_PARTIAL_FILE || (is_answer_begun && code == CURLE_RECV_ERROR)) {
        throw Error{ErrorCode::io, "the daemon gave up in the middle of the answer",
                    "its log says why"};
    }
    throw Error{ErrorCode::unreachable,
                fmt::format("the daemon at {} went away: {}", socket.string(), reason),
                "the job goes on when the daemon is back; see entrepot job list"};
}

}  // namespace

bool is_daemon_there(const std::filesystem::path& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket.string();
    if (path.size() >= sizeof(address.sun_path)) return false;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    const bool is_there =
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(descriptor);
    return is_there;
}

SocketClient::SocketClient(std::filesystem::path socket) : socket_(std::move(socket)) {
    handle_ = curl_easy_init();
    ENTREPOT_CHECK(handle_ != nullptr);
}

SocketClient::~SocketClient() {
    curl_easy_cleanup(handle_);
}

api::Response SocketClient::send(const api::Request& request) {
    return perform(request, nullptr);
}

api::Response SocketClient::download(const api::Request& request, const BodySink& sink) {
    return perform(request, &sink);
}

api::Response SocketClient::perform(const api::Request& request, const BodySink* sink) {
    const std::string address = address_of(request);
    const std::string method{to_string(request.method)};
    Answer answer;
    answer.handle = handle_;
    answer.sink = sink;
    curl_easy_reset(handle_);
    const Headers headers = headers_of(request);
    curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle_, CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
    curl_easy_setopt(handle_, CURLOPT_URL, address.c_str());
    curl_easy_setopt(handle_, CURLOPT_PROXY, "");
    curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle_, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
    if (sink == nullptr) {
        curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, kAnswerTimeoutMs);
    } else {
        curl_easy_setopt(handle_, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(handle_, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    }
    curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle_, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(handle_, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(handle_, CURLOPT_HEADERDATA, &answer);
    if (request.method != api::Method::get) {
        curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, request.body.c_str());
    }
    curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, method.c_str());
    const CURLcode code = curl_easy_perform(handle_);
    if (answer.sink_error) std::rethrow_exception(answer.sink_error);
    long status = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) fail(code, status > 0 && sink != nullptr, socket_);

    api::Response response;
    response.status = static_cast<int>(status);
    response.headers = std::move(answer.headers);
    response.body = std::move(answer.body);
    return response;
}

}  // namespace entrepot::ctl

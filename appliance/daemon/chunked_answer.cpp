// RFC 9112, 7.1.
#include "appliance/daemon/chunked_answer.h"

#include "base/check.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace entrepot::daemon {
namespace {

constexpr std::size_t kSendBytes = 1024 * 1024;
/// Goes out in one piece with what is around it.
constexpr std::size_t kSmallBytes = 16 * 1024;

// The only kind of request that Poco's server makes.
Poco::Net::StreamSocket socket_of(Poco::Net::HTTPServerRequest& request) {
    auto* const own = dynamic_cast<Poco::Net::HTTPServerRequestImpl*>(&request);
    ENTREPOT_CHECK(own != nullptr);
    return own->socket();
}

}  // namespace

ChunkedAnswer::ChunkedAnswer(Poco::Net::HTTPServerRequest& request,
                             const Poco::Net::HTTPServerResponse& response)
    : socket_(socket_of(request)) {
    std::ostringstream head;
    response.write(head);
    send(head.str());
}

void ChunkedAnswer::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto length = static_cast<int>(std::min(bytes.size(), kSendBytes));
        const int count = socket_.sendBytes(bytes.data(), length);
        if (count <= 0) throw Poco::IOException{"the connection takes nothing"};
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

bool ChunkedAnswer::write(std::string_view piece) {
    if (is_gone_) return false;
    if (piece.empty()) return true;  // An empty chunk would be the last one.
    try {
        const std::string length = fmt::format("{:x}\r\n", piece.size());
        if (piece.size() <= kSmallBytes) {
            send(fmt::format("{}{}\r\n", length, piece));
        } else {
            send(length);
            send(piece);
            send("\r\n");
        }
    } catch (const Poco::Exception&) {
        is_gone_ = true;
    }
    return !is_gone_;
}

void ChunkedAnswer::finish(const Fields& trailers) {
    if (is_gone_) return;
    std::string end = "0\r\n";
    for (const auto& [name, value] : trailers)
        end += fmt::format("{}: {}\r\n", name, value);
    send(end + "\r\n");
}

}  // namespace entrepot::daemon

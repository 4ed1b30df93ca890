// An answer in chunks whose end can be missing. Poco writes the last chunk whatever happened, so
// that half an answer would look whole, and it knows no trailers.
#pragma once

#include <Poco/Net/StreamSocket.h>

#include <map>
#include <string>
#include <string_view>

namespace Poco::Net {
class HTTPServerRequest;
class HTTPServerResponse;
}  // namespace Poco::Net

namespace entrepot::daemon {

class ChunkedAnswer {
public:
    using Fields = std::map<std::string, std::string>;

    /// Sends the head. Requires that nothing was sent, that the response says it is chunked, and
    /// that the connection is closed after it. Poco's exceptions.
    ChunkedAnswer(Poco::Net::HTTPServerRequest& request,
                  const Poco::Net::HTTPServerResponse& response);

    /// False when the other side is gone.
    bool write(std::string_view piece);
    /// Without it the answer is broken. The values are printable ASCII.
    void finish(const Fields& trailers);

private:
    void send(std::string_view bytes);

    Poco::Net::StreamSocket socket_;
    bool is_gone_ = false;
};

}  // namespace entrepot::daemon

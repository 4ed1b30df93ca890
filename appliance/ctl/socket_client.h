// The REST API over the daemon's local socket. The only file of the command line that knows curl.
#pragma once

#include "appliance/ctl/api_client.h"

#include <filesystem>

namespace entrepot::ctl {

/// True if somebody accepts connections on the socket.
bool is_daemon_there(const std::filesystem::path& socket);

class SocketClient final : public ApiClient {
public:
    explicit SocketClient(std::filesystem::path socket);
    SocketClient(const SocketClient&) = delete;
    SocketClient& operator=(const SocketClient&) = delete;
    ~SocketClient() override;

    api::Response send(const api::Request& request) override;
    api::Response download(const api::Request& request, const BodySink& sink) override;

private:
    api::Response perform(const api::Request& request, const BodySink* sink);

    std::filesystem::path socket_;
    void* handle_ = nullptr;
};

}  // namespace entrepot::ctl

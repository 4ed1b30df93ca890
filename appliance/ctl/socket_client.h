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

private:
    std::filesystem::path socket_;
    void* handle_ = nullptr;
};

}  // namespace entrepot::ctl

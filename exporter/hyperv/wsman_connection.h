// The connection to a host, from the wire up: transport, record, login, client.
#pragma once

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "exporter/hyperv/hyperv_host.h"
#include "exporter/hyperv/restore_host.h"
#include "exporter/wsman/client.h"
#include "exporter/wsman/recorder.h"
#include "exporter/wsman/session.h"
#include "exporter/wsman/transport.h"

#include <memory>
#include <optional>

namespace entrepot::hyperv {

class WsmanConnection {
public:
    /// Throws Error{invalid} and {unsupported} for a connection that cannot be made.
    WsmanConnection(const World& world, const Connection& connection);
    /// Over a transport that is there already.
    WsmanConnection(const World& world, const Connection& connection,
                    std::unique_ptr<wsman::Transport> transport);

    wsman::Client& client() { return *client_; }
    wsman::Session& session() { return *session_; }
    wsman::Transport& transport() { return *transport_; }

private:
    std::shared_ptr<wsman::HostGate> gate_;
    SystemRandom random_;
    PosixFileSystem file_system_;
    std::unique_ptr<wsman::Transport> transport_;
    std::optional<wsman::Recorder> recorder_;
    std::optional<wsman::Session> session_;
    std::optional<wsman::Client> client_;
};

/// A host over a connection that may be logged in already.
std::unique_ptr<HyperVHost> connect_over(const World& world,
                                         std::unique_ptr<WsmanConnection> connection,
                                         std::stop_token stop);

/// The same host behind another transport.
std::unique_ptr<HyperVHost> connect_over(const World& world, const Connection& connection,
                                         std::unique_ptr<wsman::Transport> transport,
                                         std::stop_token stop);

std::unique_ptr<RestoreHost> connect_for_restore_over(const World& world,
                                                      const Connection& connection,
                                                      std::unique_ptr<wsman::Transport> transport,
                                                      std::stop_token stop);

}  // namespace entrepot::hyperv

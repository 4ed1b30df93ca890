// The thread that looks after our own Samba.
#pragma once

#include "appliance/share/samba_supervisor.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace entrepot::share {

/// Safe to share between threads, apart from start() and stop().
class SambaService {
public:
    /// `on_look` runs in the thread after each look, and must not throw; it may be empty.
    SambaService(const SambaEnvironment& environment, SambaPlaces places,
                 std::function<void()> on_look);
    SambaService(const SambaService&) = delete;
    SambaService& operator=(const SambaService&) = delete;
    ~SambaService();  ///< As stop().

    /// Before it, nothing runs and want() only remembers.
    void start();
    /// Ends Samba, and the thread.
    void stop();
    bool is_started() const;

    /// Returns when it was acted on, well or badly, or after a bounded time; health() says which.
    void want(WantedSamba wanted);
    SambaHealth health() const { return supervisor_.health(); }
    std::vector<std::string> read_log_tail() const { return supervisor_.read_log_tail(); }
    std::string life() const { return supervisor_.life(); }
    FileServer& server() { return supervisor_.server(); }

private:
    void run(const std::stop_token& stop);

    SambaSupervisor supervisor_;
    std::function<void()> on_look_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;  ///< A wish came, or was acted on.
    bool has_wish_ = false;
    bool is_started_ = false;
    std::jthread thread_;
};

/// Whether a TCP connection to the address is taken; a wildcard is asked at the loopback.
bool is_tcp_port_taken(const std::string& address, std::uint16_t port);

}  // namespace entrepot::share

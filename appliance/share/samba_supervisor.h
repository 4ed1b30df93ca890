// One Samba of our own: configured, started, watched, started again when it dies, told of changes.
// Decides in single looks, so that tests need no thread; SambaService gives it one.
#pragma once

#include "appliance/share/file_server.h"
#include "appliance/share/samba_accounts.h"
#include "appliance/share/samba_settings.h"

#include "base/background_process.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/random.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace entrepot::share {

/// What our Samba shall be. Without a share it shall not run.
struct WantedSamba {
    SambaSettings settings;
    std::vector<SambaAccount> accounts;  ///< Those that may log in.
};

enum class SambaState {
    off,       ///< Nothing is to be served, or nobody watches it in this process.
    starting,  ///< Started, does not answer yet.
    running,
    failed,  ///< Not running; `message` says why, and it will be tried again.
};

std::string_view to_string(SambaState state);

struct SambaHealth {
    SambaState state = SambaState::off;
    WallTime since{};
    std::string message{};  ///< Of the last failure, while it matters.
    std::string hint{};
    std::uint64_t restart_count = 0;  ///< How often it was started again after it had died.
};

/// All outlive the supervisor.
struct SambaEnvironment {
    Clock& clock;
    Random& random;
    Log& log;
    FileSystem& file_system;
    ProcessRunner& processes;
    ProcessStarter& starter;
    /// Whether somebody listens at this address already: Samba would share the port without a word.
    std::function<bool(const std::string& address, std::uint16_t port)> is_port_taken;
    /// Samba takes the identity of the accounts that log in, which only root can.
    bool is_root = true;
};

/// How long what takes. Restarts wait twice as long each time, from the first bound to the second.
struct SambaPace {
    std::chrono::milliseconds restart_min{1'000};
    std::chrono::milliseconds restart_max{60'000};
    std::chrono::milliseconds ready_max{20'000};
    /// It ran well if it lived this long: then the next restart is quick again.
    std::chrono::milliseconds well{60'000};
    std::chrono::milliseconds look{2'000};
    std::chrono::milliseconds ping{10'000};
    std::chrono::milliseconds end_max{10'000};
    int silent_pings_max = 3;
};

class SambaSupervisor {
public:
    SambaSupervisor(const SambaEnvironment& environment, SambaPlaces places,
                    const SambaPace& pace = {});
    SambaSupervisor(const SambaSupervisor&) = delete;
    SambaSupervisor& operator=(const SambaSupervisor&) = delete;

    /// From any thread; the next look acts on it. Returns the number of this wish.
    std::uint64_t want(WantedSamba wanted);
    /// The newest wish that was acted on, well or badly.
    std::uint64_t acted_on() const;
    SambaHealth health() const;
    /// Names one life of the file server; empty while it does not run. What broke because it died
    /// can be tried again in its next life.
    std::string life() const;
    /// The end of its log, newest line last; of its first words where it wrote none.
    std::vector<std::string> read_log_tail() const;
    FileServer& server() { return *server_; }

    /// One look, from one thread at a time: acts where something must be done. Never throws an
    /// Error. Returns how long to wait before the next look.
    std::chrono::milliseconds look();
    /// Ends Samba. From the thread that looks.
    void shut_down();

private:
    std::chrono::milliseconds act();
    void adopt();
    void apply(const WantedSamba& wanted);
    void end_changed_logins(const WantedSamba& wanted);
    void write_record();
    void prepare(const WantedSamba& wanted);
    void write_space_script(const ServedShare& share);
    void start(const WantedSamba& wanted);
    void watch();
    void note_death(const std::string& message, const std::string& hint);
    void end_process();
    void set_state(SambaState state, const std::string& message = {}, const std::string& hint = {});
    std::string last_output() const;

    SambaEnvironment environment_;
    SambaPlaces places_;
    SambaPace pace_;
    std::unique_ptr<FileServer> server_;

    mutable std::mutex mutex_;  ///< Guards what other threads look at, down to `life_`.
    WantedSamba wanted_;
    std::uint64_t wish_ = 0;
    std::uint64_t acted_on_ = 0;
    SambaHealth health_;
    std::string life_;

    // Only the thread that looks uses the rest.
    std::unique_ptr<BackgroundProcess> process_;
    Json fixed_part_;               ///< Of the running process's settings.
    Json logins_ = Json::object();  ///< By account, as it was told.
    std::uint64_t applied_wish_ = 0;
    bool is_to_be_applied_ = false;
    bool has_looked_for_earlier_ = false;
    bool has_died_ = false;
    SteadyTime started_{};
    SteadyTime start_at_{};
    SteadyTime ping_at_{};
    std::chrono::milliseconds restart_delay_{0};
    int silent_pings_ = 0;
};

}  // namespace entrepot::share

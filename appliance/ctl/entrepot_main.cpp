// entrepot: the command line with the real world behind it.
#include "appliance/ctl/own_client.h"
#include "appliance/ctl/passphrase.h"
#include "appliance/ctl/run.h"
#include "appliance/ctl/socket_client.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"

#include <algorithm>

namespace entrepot::ctl {
namespace {

using namespace std::chrono_literals;

// A daemon that starts holds the lock before it listens.
constexpr auto kDaemonStartMax = 5s;
constexpr auto kDaemonStartPoll = 100ms;

std::unique_ptr<ApiClient> make_client(const daemon::World& world, Terminal& terminal,
                                       const config::Config& config, const GlobalOptions& options) {
    const auto socket = daemon::socket_path(config);
    const auto deadline = world.clock.steady_now() + kDaemonStartMax;
    for (;;) {
        if (is_daemon_there(socket)) return std::make_unique<SocketClient>(socket);
        try {
            return std::make_unique<OwnClient>(world, config, [=, &world, &terminal] {
                return read_passphrase(world.file_system, terminal, options.passphrase_file,
                                       config.passphrase_file);
            });
        } catch (const Error& error) {
            const bool is_over = world.clock.steady_now() >= deadline;
            if (error.code() != ErrorCode::busy || is_over) throw;
        }
        world.clock.sleep_for(kDaemonStartPoll, {});
    }
}

int run_process(const std::vector<std::string>& arguments) {
    SystemClock clock;
    SystemRandom random;
    PosixFileSystem file_system;
    const bool is_verbose =
        std::find(arguments.begin(), arguments.end(), "--verbose") != arguments.end();
    // What a person must see comes as a message of the command; the log is for --verbose.
    StderrLog stderr_log{clock, LogLevel::debug};
    NullLog null_log;
    Log& log = is_verbose ? static_cast<Log&>(stderr_log) : null_log;
    const daemon::World world{clock, random, file_system, log};
    SystemTerminal terminal;
    return run(arguments,
               {world, terminal, [&](const config::Config& config, const GlobalOptions& options) {
                    return make_client(world, terminal, config, options);
                }});
}

}  // namespace
}  // namespace entrepot::ctl

int main(int argument_count, char** argument_values) {
    return entrepot::ctl::run_process({argument_values + 1, argument_values + argument_count});
}

// entrepotd: options, signals, exit status.
#include "appliance/config/config.h"
#include "appliance/daemon/daemon.h"
#include "appliance/daemon/key_files.h"
#include "appliance/daemon/version.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"

#include <CLI/CLI.hpp>

#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <iostream>

namespace entrepot::daemon {
namespace {

struct Arguments {
    std::filesystem::path data_directory;
    std::filesystem::path config_file;
    std::filesystem::path passphrase_file;
    std::string listen;
};

void declare(CLI::App& app, Arguments& arguments) {
    app.set_version_flag("--version", std::string{kVersion});
    app.add_option("--data", arguments.data_directory,
                   "The data directory (default /var/lib/entrepot)")
        ->envname("ENTREPOT_DATA");
    app.add_option("--config", arguments.config_file,
                   "The configuration (default /etc/entrepot/entrepot.toml, if it exists)");
    app.add_option("--listen", arguments.listen, "Where the console and the REST API listen")
        ->type_name("ADDR:PORT");
    app.add_option("--passphrase-file", arguments.passphrase_file,
                   "A file with the repository's passphrase; else ENTREPOT_PASSPHRASE_FILE, the "
                   "configuration, or the systemd credential \"passphrase\"");
}

config::Config read_config(FileSystem& file_system, const Arguments& arguments) {
    std::optional<std::filesystem::path> file;
    if (!arguments.config_file.empty()) file = arguments.config_file;
    config::Config config = config::load_config(file_system, file);
    if (!arguments.data_directory.empty()) {
        config.data_directory = std::filesystem::absolute(arguments.data_directory);
        config.sources["data"] = config::Source::command_line;
    }
    if (!arguments.listen.empty()) {
        config.listen = config::parse_listen_address(arguments.listen);
        config.sources["server.listen"] = config::Source::command_line;
    }
    // systemd's RuntimeDirectory=: in memory, and gone with the service.
    if (const char* runtime = std::getenv("RUNTIME_DIRECTORY");
        runtime != nullptr && config.samba_directory.empty()) {
        config.samba_directory = std::filesystem::path{runtime} / "samba";
        config.sources["share.samba_directory"] = config::Source::environment;
    }
    return config;
}

// Blocked before any thread starts, so that only our sigwait() sees them.
sigset_t block_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, nullptr);
    return set;
}

int run(const Arguments& arguments) {
    SystemClock clock;
    SystemRandom random;
    PosixFileSystem file_system;
    try {
        const auto config = read_config(file_system, arguments);
        StderrLog log{clock, config.log_level};
        const auto signals = block_signals();
        run_daemon(
            {clock, random, file_system, log}, config,
            [&] {
                return read_key_file(file_system, arguments.passphrase_file,
                                     config.passphrase_file);
            },
            std::cout,
            [&] {
                int received = 0;
                sigwait(&signals, &received);
            });
        return EXIT_SUCCESS;
    } catch (const Error& error) {
        std::cerr << "entrepotd: " << error.what() << "\n";
        if (!error.hint().empty()) std::cerr << "hint: " << error.hint() << "\n";
        return exit_status(error.code());
    } catch (const std::exception& error) {
        std::cerr << "entrepotd: " << error.what() << "\n";
        return EXIT_FAILURE;
    }
}

}  // namespace
}  // namespace entrepot::daemon

int main(int argument_count, char** argument_values) {
    // Everything that the daemon makes is its own.
    umask(S_IRWXG | S_IRWXO);
    CLI::App app{"The Entrepot appliance: jobs, policies, REST API and console.", "entrepotd"};
    entrepot::daemon::Arguments arguments;
    entrepot::daemon::declare(app, arguments);
    try {
        app.parse(argument_count, argument_values);
    } catch (const CLI::ParseError& error) {
        const bool is_help = app.exit(error) == EXIT_SUCCESS;
        return is_help ? EXIT_SUCCESS : 2;
    }
    return entrepot::daemon::run(arguments);
}

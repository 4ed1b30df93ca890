// Puts the parts together.
#include "tests/hostsim/host/program.h"

#include "tests/hostsim/host/control.h"
#include "tests/hostsim/host/endpoint.h"
#include "tests/hostsim/wire/certificate.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

namespace entrepot::hostsim {
namespace {

/// Signals are taken in the main thread alone, by waiting for them.
sigset_t block_signals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return signals;
}

void announce(const Host& host, const ServerOptions& options, std::uint16_t port) {
    const Json line{{"url", fmt::format("https://{}:{}/wsman", options.host, port)},
                    {"certificate_sha256", certificate_digest(options.certificate)},
                    {"certificate", options.certificate.string()},
                    {"state", host.config().state.string()},
                    {"process", ::getpid()}};
    std::ofstream{host.state_path("endpoint.json")} << dump_json(line) << '\n';
    std::cout << dump_json(line) << std::endl;
}

}  // namespace

int run_simulator(const std::filesystem::path& config_file) {
    const sigset_t signals = block_signals();
    Config config = read_config(config_file);
    std::filesystem::create_directories(config.state);
    ServerOptions options{.host = config.listen_host,
                          .port = config.listen_port,
                          .certificate = config.certificate,
                          .key = config.key};
    if (options.certificate.empty()) {
        options.certificate = config.state / "certificate.pem";
        options.key = config.state / "key.pem";
        ensure_certificate(options.certificate, options.key, config.host_name);
    }
    Authenticator::prepare_ntlm(config.state / "ntlm-users", config.login.users);

    Host host{std::move(config)};
    JobRunner jobs{host};
    Methods methods{host, jobs};
    Endpoint endpoint{host, methods};
    HttpServer server{options, [&] { return endpoint.connect(); }};
    Control control{host, jobs, endpoint, [&] { server.drop_connections(); }};
    ControlServer control_server{host.state_path("control.sock"), control};
    announce(host, options, server.port());

    int signal = 0;
    ::sigwait(&signals, &signal);
    return 0;
}

}  // namespace entrepot::hostsim

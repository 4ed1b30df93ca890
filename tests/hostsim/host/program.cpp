// Puts the parts together.
#include "tests/hostsim/host/program.h"

#include "tests/hostsim/host/control.h"
#include "tests/hostsim/host/endpoint.h"
#include "tests/hostsim/wire/certificate.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iostream>
#include <optional>
#include <thread>

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

Oddity next_oddity(FaultPlan& faults) {
    if (faults.take("other-certificate", "connect")) return Oddity::other_key;
    if (faults.take("expired-certificate", "connect")) return Oddity::expired;
    if (faults.take("wrong-name-certificate", "connect")) return Oddity::wrong_name;
    return faults.take("old-tls", "connect") ? Oddity::old_protocol : Oddity::none;
}

void announce(const Host& host, const ServerOptions& options, std::uint16_t port,
              const HttpServer* plain) {
    Json line{{"url", fmt::format("https://{}:{}/wsman", options.host, port)},
              {"certificate_sha256", certificate_digest(options.certificate)},
              {"certificate", options.certificate.string()},
              {"state", host.config().state.string()},
              {"process", ::getpid()}};
    if (plain != nullptr) {
        line["http_url"] =
            fmt::format("http://{}:{}/wsman", host.config().http_host, plain->port());
    }
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
                          .key = config.key,
                          .asks_for_certificate = config.login.allows_certificate};
    if (options.certificate.empty()) {
        options.certificate = config.state / "certificate.pem";
        options.key = config.state / "key.pem";
        ensure_certificate(options.certificate, options.key, config.host_name);
    }
    config.login.channel_binding = channel_binding_of(options.certificate);
    Authenticator::prepare(config.state / "ntlm-users", config.login);

    Host host{std::move(config)};
    JobRunner jobs{host};
    Methods methods{host, jobs};
    Endpoint endpoint{host, methods};
    options.odd_certificates = host.config().state;
    ensure_odd_certificates(options.certificate, options.key, options.odd_certificates,
                            host.config().host_name);
    options.choose_oddity = [&host] { return next_oddity(host.faults()); };
    HttpServer server{options, [&] { return endpoint.connect(); }};
    std::optional<HttpServer> plain;
    if (!host.config().http_host.empty()) {
        plain.emplace(
            ServerOptions{.host = host.config().http_host, .port = host.config().http_port},
            [&] { return endpoint.connect(); });
    }
    Control control{host, jobs, endpoint, [&] {
                        server.drop_connections();
                        if (plain) plain->drop_connections();
                    }};
    std::jthread rebooter;
    std::atomic<bool> is_rebooting = false;
    host.set_reboot([&] {
        if (is_rebooting.exchange(true)) return;
        rebooter = std::jthread{[&control, &is_rebooting] {
            control.run({"reboot"});
            is_rebooting = false;
        }};
    });
    ControlServer control_server{host.state_path("control.sock"), control};
    announce(host, options, server.port(), plain ? &*plain : nullptr);

    int signal = 0;
    ::sigwait(&signals, &signal);
    return 0;
}

}  // namespace entrepot::hostsim

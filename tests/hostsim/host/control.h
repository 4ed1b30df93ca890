// Changing the running host from outside: `entrepot-hostsim ctl`.
#pragma once

#include "tests/hostsim/host/endpoint.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::hostsim {

/// The commands, for --help.
std::string control_help();

/// Carries out commands.
class Control {
public:
    Control(Host& host, JobRunner& jobs, Endpoint& endpoint, std::function<void()> drop_connections)
        : host_(host),
          jobs_(jobs),
          endpoint_(endpoint),
          drop_connections_(std::move(drop_connections)) {}

    /// Throws Error for a command that is wrong or cannot be done.
    Json run(const std::vector<std::string>& words);

private:
    Json change_vm(const std::vector<std::string>& words);
    Json change_disk(const std::vector<std::string>& words);
    Json change_checkpoint(const std::vector<std::string>& words);
    Json change_fault(const std::vector<std::string>& words);
    Json change_planned(const std::vector<std::string>& words);
    Json drop_reference_points(const std::vector<std::string>& words);
    Json reboot();
    Json audit();

    Host& host_;
    JobRunner& jobs_;
    Endpoint& endpoint_;
    std::function<void()> drop_connections_;
};

/// Listens on a UNIX socket: one JSON array of words in, one JSON answer out.
class ControlServer {
public:
    ControlServer(const std::filesystem::path& socket, Control& control);
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;
    ~ControlServer();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// Sends one command and prints the answer. Returns the exit status.
int run_control_client(const std::filesystem::path& state, const std::vector<std::string>& words);

}  // namespace entrepot::hostsim

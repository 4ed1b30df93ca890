// The simulator as a process.
#pragma once

#include <filesystem>

namespace entrepot::hostsim {

/// Runs until SIGTERM or SIGINT. Prints one line of JSON when it listens: url,
/// certificate_sha256, state, process.
int run_simulator(const std::filesystem::path& config_file);

}  // namespace entrepot::hostsim

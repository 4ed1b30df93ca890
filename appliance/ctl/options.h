// What every command takes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace entrepot::ctl {

struct GlobalOptions {
    std::optional<std::filesystem::path> data_directory;
    std::optional<std::filesystem::path> config_file;
    std::filesystem::path passphrase_file;
    std::string once_key;  ///< Empty: the same command makes new jobs.
    bool is_json = false;
    bool is_yes = false;
    bool is_verbose = false;
};

}  // namespace entrepot::ctl

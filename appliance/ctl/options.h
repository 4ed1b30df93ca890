// What every command takes.
#pragma once

#include <filesystem>
#include <optional>

namespace entrepot::ctl {

struct GlobalOptions {
    std::optional<std::filesystem::path> data_directory;
    std::optional<std::filesystem::path> config_file;
    std::filesystem::path passphrase_file;
    bool is_json = false;
    bool is_yes = false;
    bool is_verbose = false;
};

}  // namespace entrepot::ctl

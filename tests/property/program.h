// Runs another program to its end, without a shell, and hands on what it writes.
#pragma once

#include "base/bytes.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace entrepot::property {

struct Finished {
    int status = 0;     ///< 128 + the signal if one ended it.
    std::string words;  ///< What it wrote to standard error; bounded.
};

using Sink = std::function<void(ByteView)>;

/// True if a program of this name is in PATH.
bool is_installed(const std::string& name);

/// `words` begins with the program's name; standard input is empty, it runs in `directory`. Throws
/// Error{io} if it cannot be started, Error{timeout} if it does not end within two minutes.
Finished run_program(const std::vector<std::string>& words, const std::filesystem::path& directory,
                     const Sink& sink);

/// The same, with what it wrote to standard output.
struct Answer {
    int status = 0;
    std::string out;
    std::string words;
};
Answer ask_program(const std::vector<std::string>& words, const std::filesystem::path& directory);

}  // namespace entrepot::property

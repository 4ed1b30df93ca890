// Runs a program to its end, or in the background until told to stop.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace entrepot::test {

struct Command {
    std::filesystem::path program;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;  ///< On top of our own.
};

struct Finished {
    int status = 0;
    std::string out;
    std::string err;
    std::uint64_t peak_memory_bytes = 0;  ///< Resident, with the program itself.
};

/// Standard input is empty. Fails the test after two minutes.
Finished run_to_end(const Command& command);

/// A program in the background with its output in a file.
class BackgroundProcess {
public:
    BackgroundProcess(const Command& command, std::filesystem::path output);
    BackgroundProcess(const BackgroundProcess&) = delete;
    BackgroundProcess& operator=(const BackgroundProcess&) = delete;
    ~BackgroundProcess();

    /// Reads the output until it contains the text; false after 30 seconds or when the program
    /// ended.
    bool wait_for_output(const std::string& text);
    std::string output() const;
    /// SIGTERM, then the exit status.
    int stop();

private:
    bool has_ended();

    std::filesystem::path output_;
    pid_t process_ = -1;
    int status_ = 0;
};

}  // namespace entrepot::test

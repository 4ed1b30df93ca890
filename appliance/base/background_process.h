// Programs that run beside us until they are told to end, as an interface: tests play them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace entrepot {

struct BackgroundCommand {
    /// A name is looked for in the system's own folders, whatever our PATH says; a path is taken.
    std::string program{};
    std::vector<std::string> arguments{};
    /// Takes both streams; made anew, mode 0600.
    std::filesystem::path output_file{};
};

/// Used from one thread. Letting it go leaves the program running.
class BackgroundProcess {
public:
    virtual ~BackgroundProcess() = default;
    virtual pid_t id() const = 0;
    virtual bool is_running() = 0;
    /// False if it still runs after this time.
    virtual bool wait_for_end(std::chrono::milliseconds timeout) = 0;
    /// Asks it to end by itself (SIGTERM). Nothing happens if it has ended.
    virtual void ask_to_end() = 0;
    /// Ends it at once, with the children that stayed in its process group.
    virtual void kill() = 0;
};

class ProcessStarter {
public:
    virtual ~ProcessStarter() = default;
    /// Nothing on standard input, a plain environment (PATH, LC_ALL=C), a process group of its own.
    /// Error{not_found} if there is no such program, Error{io}.
    virtual std::unique_ptr<BackgroundProcess> start(const BackgroundCommand& command) = 0;
    /// What an earlier life of ours started: the process of this id if `argument` is one of its
    /// arguments, else nullptr. Ids are used again, so the argument must be ours alone.
    virtual std::unique_ptr<BackgroundProcess> find(pid_t id, const std::string& argument) = 0;
};

/// The system's processes. Safe to share between threads.
class PosixProcessStarter final : public ProcessStarter {
public:
    std::unique_ptr<BackgroundProcess> start(const BackgroundCommand& command) override;
    std::unique_ptr<BackgroundProcess> find(pid_t id, const std::string& argument) override;
};

}  // namespace entrepot

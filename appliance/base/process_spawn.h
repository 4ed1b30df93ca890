// Starting a program on Linux: what process_posix.cpp and background_process_posix.cpp share.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace entrepot::process {

/// Throws Error{io} with the system's word for `error_number`.
[[noreturn]] void fail(const std::string& program, std::string_view what, int error_number);

/// An open file of ours, closed when it goes.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }
    void close();
    int number() const { return number_; }

private:
    int number_ = -1;
};

struct Pipe {
    Descriptor read_end;
    Descriptor write_end;
    /// `program` is for messages.
    explicit Pipe(const std::string& program);
};

/// A path as it is, a name in the system's own folders. Error{not_found}.
std::string find_program(const std::string& name);

/// The child's standard streams.
struct Streams {
    int in = -1;  ///< -1: /dev/null.
    int out = -1;
    int err = -1;
};

/// Starts the program at `path` in a process group of its own, with no other descriptor, default
/// signal handling and a plain environment. `name` is its own name for itself. Error{io}.
pid_t spawn(const std::string& path, const std::string& name,
            const std::vector<std::string>& arguments, const Streams& streams);

/// Becomes readable when the process ends. Error{io} if it cannot be watched.
Descriptor watch(pid_t process, const std::string& program);

}  // namespace entrepot::process

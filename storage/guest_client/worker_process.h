// The worker's process and our end of its socket.
#pragma once

#include "storage/guest_model/protocol.h"

#include "base/clock.h"
#include "base/process_spawn.h"

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace entrepot::guest {

/// After any error it is dead.
class WorkerProcess {
public:
    /// Error{not_found}, Error{io}.
    explicit WorkerProcess(const std::filesystem::path& program);
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;
    ~WorkerProcess();

    /// Error{corrupt} if it died, Error{limit} beyond the deadline, Error{protocol} for a frame
    /// that is too long.
    void send(Clock& clock, MessageKind kind, ByteView body, SteadyTime deadline);
    Message receive(Clock& clock, SteadyTime deadline);

    void kill();
    bool is_alive() const { return id_ > 0; }
    pid_t id() const { return id_; }

private:
    void write_all(Clock& clock, ByteView data, SteadyTime deadline);
    void read_exactly(Clock& clock, MutableByteView target, SteadyTime deadline);
    void wait_for(Clock& clock, short events, SteadyTime deadline);
    [[noreturn]] void report_death();
    int reap();

    process::Descriptor socket_;
    pid_t id_ = -1;
    std::string end_;  ///< How it died, for every later call.
};

}  // namespace entrepot::guest

// Nothing waits for ever: each step has the question's deadline, and what is beyond it is killed.
#include "storage/guest_client/worker_process.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace entrepot::guest {
namespace {

constexpr const char* kName = "entrepot-guest-worker";
constexpr const char* kHint =
    "the file system is damaged, or made to do harm; entrepot restore disk gives the whole disk "
    "back as a file";

std::string describe_end(int status) {
    if (WIFSIGNALED(status)) {
        const char* words = ::sigabbrev_np(WTERMSIG(status));
        return fmt::format("it was ended by SIG{}", words == nullptr ? "?" : words);
    }
    return fmt::format("it ended with status {}", WEXITSTATUS(status));
}

}  // namespace

WorkerProcess::WorkerProcess(const std::filesystem::path& program) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        process::fail(kName, "cannot make a socket", errno);
    }
    socket_ = process::Descriptor{ends[0]};
    const process::Descriptor theirs{ends[1]};
    const process::Descriptor nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    if (nowhere.number() < 0) process::fail(kName, "cannot open /dev/null", errno);
    const std::string path = process::find_program(program.string());
    id_ = process::spawn(path, kName, {}, {theirs.number(), nowhere.number(), nowhere.number()});
}

WorkerProcess::~WorkerProcess() {
    kill();
}

int WorkerProcess::reap() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = -1;
    socket_.close();
    return status;
}

void WorkerProcess::kill() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    reap();
    if (end_.empty()) end_ = "it was ended";
}

// The socket has ended, so the process has, or is about to: killing decides it without waiting for
// one that closed the socket and stays.
void WorkerProcess::report_death() {
    if (id_ > 0) {
        constexpr int kPatienceMs = 1000;
        const process::Descriptor ending = process::watch(id_, kName);
        pollfd waiting{ending.number(), POLLIN, 0};
        static_cast<void>(::poll(&waiting, 1, kPatienceMs));
        ::kill(id_, SIGKILL);
        end_ = describe_end(reap());
    }
    throw Error{ErrorCode::corrupt,
                fmt::format("the reader of guest files died of this disk: {}", end_), kHint};
}

void WorkerProcess::wait_for(Clock& clock, short events, SteadyTime deadline) {
    if (id_ <= 0) report_death();
    for (;;) {
        const auto rest =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.steady_now());
        pollfd waiting{socket_.number(), events, 0};
        const int count =
            rest.count() <= 0 ? 0 : ::poll(&waiting, 1, static_cast<int>(rest.count()));
        if (count > 0) return;
        if (count < 0 && errno == EINTR) continue;
        end_ = "it took too long";
        kill();
        throw Error{ErrorCode::limit,
                    "reading the guest's file system took too long, and was ended", kHint};
    }
}

void WorkerProcess::write_all(Clock& clock, ByteView data, SteadyTime deadline) {
    while (!data.empty()) {
        wait_for(clock, POLLOUT, deadline);
        const ssize_t count =
            ::send(socket_.number(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (count < 0) report_death();
        data = data.subspan(static_cast<std::size_t>(count));
    }
}

void WorkerProcess::read_exactly(Clock& clock, MutableByteView target, SteadyTime deadline) {
    while (!target.empty()) {
        wait_for(clock, POLLIN, deadline);
        const ssize_t count = ::recv(socket_.number(), target.data(), target.size(), MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (count <= 0) report_death();
        target = target.subspan(static_cast<std::size_t>(count));
    }
}

void WorkerProcess::send(Clock& clock, MessageKind kind, ByteView body, SteadyTime deadline) {
    LittleEndianWriter head;
    head.u32(static_cast<std::uint32_t>(body.size())).u8(static_cast<std::uint8_t>(kind));
    write_all(clock, head.data(), deadline);
    write_all(clock, body, deadline);
}

Message WorkerProcess::receive(Clock& clock, SteadyTime deadline) {
    Bytes head(kFrameHeadBytes);
    read_exactly(clock, head, deadline);
    const std::uint32_t length = load_u32(head, 0);
    if (length > kFrameBytesMax) {
        kill();
        throw Error{ErrorCode::protocol, "the reader of guest files says too much at a time"};
    }
    Message message{static_cast<MessageKind>(head[4]), Bytes(length)};
    read_exactly(clock, message.body, deadline);
    return message;
}

}  // namespace entrepot::guest

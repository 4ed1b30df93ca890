// Enters the cage as the worker does and tries one thing from inside.
//   guest-cage-escape ATTEMPT     exit status 42: it worked; 7: it was refused; else a signal
#include "storage/guest_worker/cage.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr int kWorked = 42;
constexpr int kRefused = 7;
constexpr int kUnknown = 3;

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
    return ::syscall(number, a, b, c, d, e);
}

long address_of(const void* pointer) {
    return reinterpret_cast<long>(pointer);
}

bool use_memory() {
    std::vector<char*> pieces;
    constexpr std::size_t kPiece = 16 << 20;
    for (int i = 0; i < 256; ++i) {
        char* piece = static_cast<char*>(std::malloc(kPiece));
        if (piece == nullptr) return false;
        std::memset(piece, i, kPiece);
        pieces.push_back(piece);
    }
    return pieces.size() == 256;  // 4 GiB.
}

bool burn() {
    volatile unsigned long count = 0;
    for (;;)
        count = count + 1;
}

bool run_code() {
    void* memory =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED && ::mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0;
}

using Attempts = std::map<std::string, std::function<bool()>>;

constexpr const char* kPath = "/etc/passwd";

Attempts with_files_and_sockets() {
    return {
        {"open", [] { return call(SYS_open, address_of(kPath), O_RDONLY) >= 0; }},
        {"openat", [] { return call(SYS_openat, AT_FDCWD, address_of(kPath), O_RDONLY) >= 0; }},
        {"create", [] { return ::creat("/tmp/entrepot-escape", 0600) >= 0; }},
        {"unlink", [] { return ::unlink("/tmp/entrepot-escape-victim") == 0; }},
        {"stat",
         [] {
             struct stat status {};
             return ::stat(kPath, &status) == 0;
         }},
        {"readlink",
         [] {
             char text[64];
             return ::readlink("/proc/self/exe", text, 64) >= 0;
         }},
        {"chdir", [] { return ::chdir("/") == 0; }},
        {"mount", [] { return ::mount("none", "/mnt", "tmpfs", 0, nullptr) == 0; }},
        {"socket-inet", [] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }},
        {"socket-unix", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }},
        {"connect",
         [] {
             sockaddr_un address{};
             address.sun_family = AF_UNIX;
             return ::connect(0, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
         }},
        {"send-descriptor",
         [] {
             msghdr message{};
             return ::sendmsg(0, &message, 0) >= 0;
         }},
        {"receive-descriptor",
         [] {
             msghdr message{};
             return ::recvmsg(0, &message, MSG_DONTWAIT) >= 0;
         }},
    };
}

Attempts with_processes_and_memory() {
    return {
        {"fork", [] { return call(SYS_fork) >= 0; }},
        {"vfork", [] { return call(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD) >= 0; }},
        {"clone3", [] { return call(SYS_clone3, 0, 0) >= 0; }},
        {"exec",
         [] {
             char* arguments[] = {nullptr};
             return ::execve("/bin/true", arguments, arguments) == 0;
         }},
        {"ptrace", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr) == 0; }},
        {"read-other-memory", [] { return call(SYS_process_vm_readv, 1, 0, 0, 0, 0) >= 0; }},
        {"kill-parent", [] { return call(SYS_kill, 1, 0) == 0; }},
        {"write-inherited", [] { return ::write(9, "x", 1) == 1; }},
        {"read-inherited",
         [] {
             char c = 0;
             return ::read(9, &c, 1) >= 0;
         }},
        {"write-standard-output", [] { return ::write(1, "x", 1) == 1; }},
        {"dup", [] { return ::dup(0) >= 0; }},
        {"code-from-memory", run_code},
        {"map-code",
         [] {
             return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                           0) != MAP_FAILED;
         }},
        {"map-descriptor",
         [] { return ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, 0, 0) != MAP_FAILED; }},
        {"raise-limits",
         [] {
             const rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
             return ::setrlimit(RLIMIT_AS, &limit) == 0;
         }},
        {"become-root", [] { return ::setuid(0) == 0; }},
        {"prctl", [] { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0; }},
        {"unshare", [] { return ::unshare(CLONE_NEWUSER) == 0; }},
        {"ioctl",
         [] {
             int count = 0;
             return ::ioctl(0, FIONREAD, &count) == 0;
         }},
        {"bpf", [] { return call(SYS_bpf, BPF_PROG_LOAD, 0, 0) >= 0; }},
        {"io-uring", [] { return call(425, 1, 0) >= 0; }},
        {"memfd", [] { return ::memfd_create("x", 0) >= 0; }},
        {"keyctl", [] { return call(SYS_keyctl, 0, 0) >= 0; }},
        {"perf", [] { return call(SYS_perf_event_open, 0, 0, -1, -1) >= 0; }},
        {"userfault", [] { return call(SYS_userfaultfd, 0) >= 0; }},
        {"memory-bomb", use_memory},
        {"cpu-bomb", burn},
        // Proves that the others can fail: what is allowed works.
        {"nothing", [] { return true; }},
        {"allowed-memory", [] { return std::malloc(1 << 20) != nullptr; }},
    };
}

}  // namespace

int main(int argument_count, char** arguments) {
    Attempts attempts = with_files_and_sockets();
    attempts.merge(with_processes_and_memory());
    const auto attempt = attempts.find(argument_count == 2 ? arguments[1] : "");
    if (attempt == attempts.end()) return kUnknown;
    // Somebody forgot a descriptor that can do harm.
    ::dup2(::open("/dev/zero", O_RDWR), 9);
    entrepot::guest::CageLimits limits;
    limits.memory_bytes = 256 << 20;
    limits.cpu_seconds = 1;
    entrepot::guest::enter_cage(limits);
    ::_exit(attempt->second() ? kWorked : kRefused);
}

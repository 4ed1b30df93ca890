// Nothing that is tried from inside the cage works (P11).
#include "base/process_spawn.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <string>

using namespace entrepot;

namespace {

constexpr int kWorked = 42;
constexpr int kRefused = 7;

int run_attempt(const std::string& attempt) {
    const process::Descriptor nowhere{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    const pid_t id = process::spawn(std::string{ENTREPOT_BINARY_DIR} + "/bin/guest-cage-escape",
                                    "guest-cage-escape", {attempt},
                                    {nowhere.number(), nowhere.number(), nowhere.number()});
    int status = 0;
    REQUIRE(::waitpid(id, &status, 0) == id);
    return status;
}

}  // namespace

TEST_CASE("cage: what is no business of a parser ends it", "[guest]") {
    const std::string attempt =
        GENERATE("open", "openat", "create", "unlink", "readlink", "chdir", "mount", "socket-inet",
                 "socket-unix", "connect", "send-descriptor", "receive-descriptor", "fork", "vfork",
                 "clone3", "exec", "ptrace", "read-other-memory", "kill-parent", "write-inherited",
                 "read-inherited", "dup", "code-from-memory", "map-code", "map-descriptor",
                 "raise-limits", "become-root", "prctl", "unshare", "ioctl", "bpf", "io-uring",
                 "memfd", "keyctl", "perf", "userfault");
    INFO(attempt);
    const int status = run_attempt(attempt);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSYS);
}

TEST_CASE("cage: what the C library may try is refused", "[guest]") {
    const std::string attempt = GENERATE("stat", "write-standard-output");
    INFO(attempt);
    const int status = run_attempt(attempt);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == kRefused);
}

TEST_CASE("cage: bombs of memory and time meet their limits", "[guest]") {
    const int memory = run_attempt("memory-bomb");
    REQUIRE(WIFEXITED(memory));
    CHECK(WEXITSTATUS(memory) == kRefused);
    const int time = run_attempt("cpu-bomb");
    REQUIRE(WIFSIGNALED(time));
    CHECK((WTERMSIG(time) == SIGXCPU || WTERMSIG(time) == SIGKILL));
}

TEST_CASE("cage: what a parser needs works, so the attempts could", "[guest]") {
    for (const std::string attempt : {"nothing", "allowed-memory"}) {
        const int status = run_attempt(attempt);
        REQUIRE(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == kWorked);
    }
}

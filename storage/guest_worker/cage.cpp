// Several walls, one behind the other: each holds if the others do not.
#include "storage/guest_worker/cage.h"

#include "base/error.h"

#include <fmt/format.h>

#include <seccomp.h>

#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

namespace entrepot::guest {
namespace {

constexpr uid_t kNobody = 65534;
// To the parent, and the two that are /dev/null.
constexpr rlim_t kDescriptorCount = 3;

[[noreturn]] void fail(const char* what, int error_number) {
    throw Error{ErrorCode::internal,
                fmt::format("the reader of guest files cannot shut itself in: {}: {}", what,
                            std::strerror(error_number))};
}

void require(bool is_done, const char* what) {
    if (!is_done) fail(what, errno);
}

// A service may be forbidden to make namespaces: then the system call filter alone has to do.
void leave_namespaces() {
    constexpr int kOwn = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS;
    if (::unshare(kOwn) != 0) static_cast<void>(::unshare(CLONE_NEWUSER | kOwn));
}

void become_nobody() {
    if (::geteuid() != 0) return;
    // In a namespace of its own there is no such user: root there is nobody outside already.
    static_cast<void>(::setgroups(0, nullptr));
    if (::setresgid(kNobody, kNobody, kNobody) != 0 && errno != EINVAL) fail("setresgid", errno);
    if (::setresuid(kNobody, kNobody, kNobody) != 0 && errno != EINVAL) fail("setresuid", errno);
}

void set_limit(__rlimit_resource resource, rlim_t value, const char* name) {
    const rlimit limit{value, value};
    require(::setrlimit(resource, &limit) == 0, name);
}

void set_limits(const CageLimits& limits) {
#ifndef __SANITIZE_ADDRESS__  // Which maps terabytes, and uses little of them.
    set_limit(RLIMIT_AS, limits.memory_bytes, "RLIMIT_AS");
#endif
    set_limit(RLIMIT_CPU, limits.cpu_seconds, "RLIMIT_CPU");
    set_limit(RLIMIT_NOFILE, kDescriptorCount, "RLIMIT_NOFILE");
    set_limit(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE");
    set_limit(RLIMIT_CORE, 0, "RLIMIT_CORE");
    set_limit(RLIMIT_NPROC, 0, "RLIMIT_NPROC");
    set_limit(RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK");
    set_limit(RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE");
}

class Filter {
public:
    Filter() : context_(seccomp_init(SCMP_ACT_KILL_PROCESS)) {
        if (context_ == nullptr) fail("seccomp_init", ENOMEM);
    }
    Filter(const Filter&) = delete;
    Filter& operator=(const Filter&) = delete;
    ~Filter() { seccomp_release(context_); }

    template <typename... Conditions>
    void add(std::uint32_t action, int call, Conditions... conditions) {
        const std::array<scmp_arg_cmp, sizeof...(Conditions)> list{conditions...};
        const int error = seccomp_rule_add_array(context_, action, call, list.size(), list.data());
        if (error != 0) fail("seccomp_rule_add", -error);
    }
    void load() {
        const int error = seccomp_load(context_);
        if (error != 0) fail("seccomp_load", -error);
    }

private:
    scmp_filter_ctx context_;
};

scmp_arg_cmp equals(unsigned argument, scmp_datum_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}

scmp_arg_cmp has_bits(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

void filter_system_calls() {
    Filter filter;
    // What computing takes.
    constexpr std::array kHarmless{
        SCMP_SYS(brk),
        SCMP_SYS(munmap),
        SCMP_SYS(madvise),
        SCMP_SYS(futex),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(time),
        SCMP_SYS(getrandom),
        SCMP_SYS(sched_yield),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(restart_syscall),
    };
    for (const int call : kHarmless)
        filter.add(SCMP_ACT_ALLOW, call);
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(mremap));
    // Memory of its own, and none that is code.
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(mmap), has_bits(2, PROT_EXEC, 0),
               has_bits(3, MAP_ANONYMOUS, MAP_ANONYMOUS));
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(mprotect), has_bits(2, PROT_EXEC, 0));
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(read), equals(0, kParentDescriptor));
    filter.add(SCMP_ACT_ALLOW, SCMP_SYS(write), equals(0, kParentDescriptor));
    // What the C library tries where it can do without: refused, not deadly.
    filter.add(SCMP_ACT_ERRNO(EBADF), SCMP_SYS(write), equals(0, STDOUT_FILENO));
    filter.add(SCMP_ACT_ERRNO(EBADF), SCMP_SYS(write), equals(0, STDERR_FILENO));
    for (const int call : {SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(sysinfo)})
        filter.add(SCMP_ACT_ERRNO(EACCES), call);
    filter.load();
}

}  // namespace

void enter_cage(const CageLimits& limits) {
    // Times of FAT are local ones; the C library would look for the zone's file later.
    ::setenv("TZ", "UTC0", 1);
    ::tzset();
    require(::close_range(kDescriptorCount, ~0U, 0) == 0, "close_range");
    leave_namespaces();
    become_nobody();
    set_limits(limits);
    require(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "PR_SET_DUMPABLE");
    require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    filter_system_calls();
}

}  // namespace entrepot::guest

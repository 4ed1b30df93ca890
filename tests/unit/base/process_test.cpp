// Other programs: their answers, and that none of them can hold us up.
#include "base/process.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <optional>
#include <thread>

using namespace entrepot;
using namespace std::chrono_literals;

namespace {

Command shell(const std::string& script) {
    return {.program = "/bin/sh", .arguments = {"-c", script}};
}

struct Failed {
    ErrorCode code;
    std::chrono::nanoseconds after;
};

std::optional<Failed> fail(const Command& command, std::stop_token stop = {}) {
    SystemClock clock;
    PosixProcessRunner runner{clock};
    const SteadyTime begin = clock.steady_now();
    try {
        runner.run(command, stop);
    } catch (const Error& error) {
        return Failed{error.code(), clock.steady_now() - begin};
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("process: status and both streams come back, arguments reach it as they are", "[base]") {
    SystemClock clock;
    PosixProcessRunner runner{clock};
    const auto result = runner.run(shell("printf out; printf err >&2; exit 7"), {});
    CHECK(result.exit_status == 7);
    CHECK(result.out == "out");
    CHECK(result.err == "err");
    const auto echoed =
        runner.run({.program = "printf", .arguments = {"%s|", "a b", "$(id)", "*", ""}}, {});
    CHECK(echoed.out == "a b|$(id)|*||");
    // Nothing to read, nothing inherited but the three streams.
    CHECK(runner.run(shell("cat; ls /proc/self/fd | wc -l"), {}).out == "4\n");
}

TEST_CASE("process: what it is given arrives on its standard input, and nowhere else", "[base]") {
    SystemClock clock;
    PosixProcessRunner runner{clock};
    Command command = shell("cat; tr '\\0' ' ' </proc/$$/cmdline; env");
    command.input = Secret{std::string_view{"pass word\n"}};
    const auto result = runner.run(command, {});
    CHECK(result.out.starts_with("pass word\n/bin/sh"));
    CHECK(result.out.find("pass word", 1) == std::string::npos);
    // A program that does not read it hinders nobody.
    command = shell("exit 3");
    command.input = Secret{std::string(kProcessInputBytesMax, 'x')};
    CHECK(runner.run(command, {}).exit_status == 3);
}

TEST_CASE("process: what hangs is killed with its children", "[base]") {
    Command command = shell("sleep 600 & sleep 600");
    command.timeout = 50ms;
    const auto failed = fail(command);
    REQUIRE(failed);
    CHECK(failed->code == ErrorCode::timeout);
    CHECK(failed->after < 10s);
}

TEST_CASE("process: a child that keeps the output open does not keep us", "[base]") {
    SystemClock clock;
    PosixProcessRunner runner{clock};
    const SteadyTime begin = clock.steady_now();
    const auto result = runner.run(shell("sleep 3 & echo done"), {});
    CHECK(result.out == "done\n");
    CHECK(clock.steady_now() - begin < 2s);
}

TEST_CASE("process: endless output, a stop, a signal and a missing program are errors", "[base]") {
    Command endless = shell("while :; do echo yes; done");
    endless.output_bytes_max = 100'000;
    CHECK(fail(endless)->code == ErrorCode::limit);

    std::stop_source stop;
    std::jthread stopper{[&] { stop.request_stop(); }};
    CHECK(fail(shell("sleep 600"), stop.get_token())->code == ErrorCode::cancelled);

    CHECK(fail(shell("kill -9 $$"))->code == ErrorCode::io);
    CHECK(fail({.program = "no-such-program"})->code == ErrorCode::not_found);
    CHECK(fail({.program = "/nowhere/program"})->code == ErrorCode::not_found);
}

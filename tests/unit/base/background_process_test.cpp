// Programs beside us: their end is seen, they can be found again, and another's id is not theirs.
#include "base/background_process.h"

#include "tests/support/temporary_directory.h"

#include "base/error.h"
#include "base/file_system.h"

#include <catch2/catch.hpp>

#include <unistd.h>

using namespace entrepot;
using namespace std::chrono_literals;

namespace {

struct BackgroundFixture {
    test::TemporaryDirectory directory;
    PosixProcessStarter starter;
    std::filesystem::path output = directory.path() / "output";

    BackgroundCommand shell(const std::string& script) const {
        return {.program = "/bin/sh",
                .arguments = {"-c", script, directory.path().string()},
                .output_file = output};
    }
    std::string read_output() {
        PosixFileSystem files;
        return std::string{as_text(files.read_file(output, kMiB))};
    }
};

}  // namespace

TEST_CASE("background process: it runs, writes to its file, and ends when asked", "[base]") {
    BackgroundFixture fixture;
    const auto process =
        fixture.starter.start(fixture.shell("echo out; echo err >&2; trap 'exit 0' TERM; "
                                            "echo ready; while :; do sleep 0.01; done"));
    while (fixture.read_output().find("ready") == std::string::npos)
        REQUIRE(!process->wait_for_end(10ms));
    CHECK(fixture.read_output() == "out\nerr\nready\n");
    CHECK(process->is_running());
    process->ask_to_end();
    CHECK(process->wait_for_end(20s));
    CHECK(!process->is_running());
    process->ask_to_end();
    process->kill();
}

TEST_CASE("background process: killing takes its children along", "[base]") {
    BackgroundFixture fixture;
    const auto process = fixture.starter.start(fixture.shell("sleep 600 & echo $!; wait"));
    while (fixture.read_output().empty())
        REQUIRE(!process->wait_for_end(10ms));
    const auto child = static_cast<pid_t>(std::stoi(fixture.read_output()));
    auto watched = fixture.starter.find(child, "600");
    // Until the shell's child has become what it was started for, it has the shell's arguments.
    for (int i = 0; i < 500 && !watched; ++i) {
        REQUIRE(!process->wait_for_end(10ms));
        watched = fixture.starter.find(child, "600");
    }
    REQUIRE(watched);
    process->kill();
    CHECK(process->wait_for_end(20s));
    CHECK(watched->wait_for_end(20s));
}

TEST_CASE("background process: a later life finds it by id and argument, both", "[base]") {
    BackgroundFixture fixture;
    const std::string argument = fixture.directory.path().string();
    const auto process = fixture.starter.start(fixture.shell("sleep 600; :"));
    auto found = fixture.starter.find(process->id(), argument);
    // The system tells that it runs a moment before it tells its arguments.
    for (int i = 0; i < 500 && !found; ++i) {
        REQUIRE(!process->wait_for_end(10ms));
        found = fixture.starter.find(process->id(), argument);
    }
    REQUIRE(found);
    CHECK(found->id() == process->id());
    CHECK(!fixture.starter.find(process->id(), argument + "x"));
    CHECK(!fixture.starter.find(process->id(), argument.substr(1)));
    CHECK(!fixture.starter.find(::getpid(), argument));
    CHECK(!fixture.starter.find(0, argument));
    found->kill();
    CHECK(process->wait_for_end(20s));
    CHECK(found->wait_for_end(20s));
    CHECK(!fixture.starter.find(process->id(), argument));
}

TEST_CASE("background process: a missing program is said to be missing", "[base]") {
    BackgroundFixture fixture;
    try {
        fixture.starter.start({.program = "no-such-program", .output_file = fixture.output});
        FAIL("started");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::not_found);
    }
}

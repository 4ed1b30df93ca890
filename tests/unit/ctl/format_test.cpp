// Words, tables and bars for people.
#include "tests/unit/ctl/fake_terminal.h"

#include "appliance/ctl/format.h"
#include "appliance/ctl/passphrase.h"
#include "appliance/ctl/progress_bar.h"
#include "tests/support/temporary_directory.h"

#include "base/atomic_file.h"
#include "base/table.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <sstream>

using namespace entrepot;
using namespace entrepot::ctl;
using namespace std::chrono_literals;

TEST_CASE("format: durations, counts, absent members", "[ctl]") {
    CHECK(format_duration(7s) == "0:07");
    CHECK(format_duration(250s) == "4:10");
    CHECK(format_duration(3850s) == "1:04:10");
    CHECK(plural(1, "point") == "1 point");
    CHECK(plural(2, "point") == "2 points");
    const Json object{{"text", 5}, {"null", nullptr}, {"size", 1536}};
    CHECK(text_of(object, "text").empty());
    CHECK(text_of(object, "null").empty());
    CHECK(number_of(object, "none") == 0);
    CHECK(size_of(object, "size") == "1.5 KiB");
    CHECK(list_of(object, "size").empty());
    CHECK(local_time_of(object, "null") == "-");
}

TEST_CASE("table: columns are aligned, control characters never reach a terminal", "[ctl]") {
    Table table{{{"NAME"}, {"SIZE", Align::right}}};
    table.add_row({"ü", "1"});
    table.add_row({"long name", "100"});
    table.add_row({"evil\x1b[2J", "2"});
    std::ostringstream out;
    table.print(out);
    CHECK(out.str() ==
          "NAME       SIZE\n"
          "ü             1\n"
          "long name   100\n"
          "evil?[2J      2\n");
}

TEST_CASE("progress bar: one line that is overwritten on a terminal", "[ctl]") {
    test::FakeTerminal terminal;
    terminal.is_person = true;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    {
        ProgressBar bar{clock, terminal, ProgressStyle::bar};
        bar.update("ingest", "read", 0, 100 * kMiB);
        clock.advance(10s);
        bar.update("ingest", "read", 50 * kMiB, 100 * kMiB);
    }
    const std::string text = terminal.err_text();
    CHECK(text.find('\n') == std::string::npos);
    CHECK(text.find("[##########..........]") != std::string::npos);
    CHECK(text.ends_with("\r\x1b[K"));
}

TEST_CASE("progress bar: a line at each stage and every ten seconds elsewhere", "[ctl]") {
    test::FakeTerminal terminal;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    ProgressBar bar{clock, terminal, ProgressStyle::lines};
    bar.update("ingest", "read", 0, 0);
    bar.update("ingest", "read", 1, 0);
    clock.advance(11s);
    bar.update("ingest", "read", 2, 0);
    bar.update("ingest", "commit", 2, 0);
    const std::string text = terminal.err_text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 3);
    CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("passphrase: line ends of a file are not part of it", "[ctl]") {
    const test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    test::FakeTerminal terminal;
    const auto file = directory.path() / "passphrase";
    write_file_atomically(file_system, file, as_bytes("correct horse\r\n"));
    const auto key = read_passphrase(file_system, terminal, file, {});
    REQUIRE(key);
    CHECK(key->reveal_text() == "correct horse");
    CHECK_THROWS_AS(read_passphrase(file_system, terminal, directory.path() / "none", {}), Error);
}

TEST_CASE("passphrase: a new one is asked for twice, and only of a person", "[ctl]") {
    PosixFileSystem file_system;
    test::FakeTerminal terminal;
    CHECK_THROWS_AS(read_new_passphrase(file_system, terminal, std::nullopt, "hint"), Error);
    terminal.is_person = true;
    terminal.answers = {"one", "two"};
    CHECK_THROWS_AS(read_new_passphrase(file_system, terminal, std::nullopt, "hint"), Error);
    terminal.answers = {"one", "one"};
    CHECK(read_new_passphrase(file_system, terminal, std::nullopt, "hint").reveal_text() == "one");
}

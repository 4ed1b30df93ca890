// The table of findings, its document, and how arguments are put into commands.
#include "appliance/doctor/finding.h"
#include "appliance/doctor/report.h"

#include "base/bytes.h"
#include "base/file_system.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>

namespace entrepot::doctor {
namespace {

std::string read_document() {
    PosixFileSystem files;
    const auto path = std::filesystem::path{ENTREPOT_SOURCE_DIR} / "packaging/doc/doctor.md";
    return std::string{as_text(files.read_file(path, kMiB))};
}

}  // namespace

TEST_CASE("findings: ids are unique, of a known layer, and each failure has words", "[doctor]") {
    std::set<std::string_view> ids;
    const auto layers = all_layers();
    for (const Finding& finding : all_findings()) {
        INFO(finding.id);
        CHECK(ids.insert(finding.id).second);
        CHECK(std::find(layers.begin(), layers.end(), finding.layer()) != layers.end());
        CHECK(finding.cause.size() > 10);
        if (finding.result == Result::ok) continue;
        CHECK(finding.cause.size() > 20);
        CHECK(finding.cure.size() > 15);
        CHECK(finding.command.size() > 3);
        for (const char* empty_words : {"access denied.", "failed."}) {
            CHECK(finding.cause != empty_words);
        }
    }
    CHECK(ids.size() > 100);
}

TEST_CASE("findings: the document lists every id with its cause, and no other", "[doctor]") {
    const std::string document = read_document();
    std::size_t rows = 0;
    for (const Finding& finding : all_findings()) {
        INFO(finding.id);
        const std::string row =
            fmt::format("| `{}` | {} | ", finding.id, to_string(finding.result));
        CHECK(document.find(row) != std::string::npos);
        ++rows;
    }
    // A row of an id has its layer; the rows of the five results do not.
    const std::regex listed_row{"\n\\| `[a-z]+\\."};
    const auto listed = static_cast<std::size_t>(
        std::distance(std::sregex_iterator{document.begin(), document.end(), listed_row},
                      std::sregex_iterator{}));
    CHECK(listed == rows);
}

// contract_doctor '[table]' prints the rows of packaging/doc/doctor.md.
TEST_CASE("findings: the rows of the document", "[.][table]") {
    const std::regex argument{"@(?:[a-z]+:)?([a-z_0-9]+)@"};
    const auto plain = [&](std::string_view text) {
        std::string out = std::regex_replace(std::string{text}, argument, "[$1]");
        if (out.ends_with(':')) out.back() = '.';  // Where a command would follow.
        return out;
    };
    for (const Finding& finding : all_findings()) {
        fmt::print("| `{}` | {} | {} | {} |\n", finding.id, to_string(finding.result),
                   plain(finding.cause), plain(finding.cure));
    }
}

TEST_CASE("report: what a host is called cannot become a command", "[doctor]") {
    CHECK(quote_for_powershell("a'b") == "'a''b'");
    CHECK(quote_for_powershell("a\xE2\x80\x99; Remove-Item C:\\") ==
          "'a\xE2\x80\x99\xE2\x80\x99; Remove-Item C:\\'");
    CHECK(quote_for_powershell("a\nb") == "'ab'");
    CHECK(quote_for_shell("a'b;rm -rf /") == "'a'\\''b;rm -rf /'");

    Report report{{{"host", "h'; evil"}, {"port", "5986; evil"}, {"user", "x"}, {"name", "n"}}};
    report.add("port.refused", "seen\nhere");
    const Check check = report.checks().at(0);
    CHECK(check.command.find("'h''; evil'") != std::string::npos);
    CHECK(check.evidence == "seen here");
    report.add("http.other-server", "x");
    CHECK(report.checks().at(1).command.find("-LocalPort ?") != std::string::npos);
}

TEST_CASE("report: long evidence is cut between characters", "[doctor]") {
    Report report{{{"host", "h"}, {"port", "1"}}};
    std::string text;
    for (int i = 0; i < 1000; ++i)
        text += "\xC3\xA4";
    report.add("port.open", "x" + text);

    const std::string& evidence = report.checks().at(0).evidence;
    CHECK(evidence.size() < 1010);
    CHECK(evidence.ends_with("\xC3\xA4..."));
}

}  // namespace entrepot::doctor

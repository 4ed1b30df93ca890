// What people type, against names.
#include "appliance/search/index_block.h"
#include "appliance/search/name_pattern.h"

#include "base/error.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <tuple>
#include <vector>

using namespace entrepot;
using search::NamePattern;

TEST_CASE("name pattern: a part without stars, the whole with them", "[search]") {
    using Row = std::tuple<std::string, std::string, bool>;
    const auto [pattern, name, fits] = GENERATE(values<Row>({
        {"plan", "The PLAN.docx", true},
        {"plan", "lan", false},
        {"ÄRGER", "ärgerlich", true},
        {"ŁÓDŹ", "łódź.txt", true},
        {"ΣΟΦΟΣ", "σοφος", true},
        {"отчЁТ", "ОТЧёт", true},
        {"報告", "報告書.txt", true},
        {"*.txt", "a.TXT", true},
        {"*.txt", "a.txt.bak", false},
        {"a?c", "aбc", true},
        {"a?c", "ac", false},
        {"?", "書", true},
        {"*a*b*", "xxaxxbxx", true},
        {"*a*b*", "xxbxxaxx", false},
        {"*", "", true},
        {"a*", "ba", false},
        {"**x", "aax", true},
        {"a\\x5cb", "a\\x5cb", true},
    }));
    CAPTURE(pattern, name);
    CHECK(NamePattern{pattern}.fits(name) == fits);
}

TEST_CASE("name pattern: stars against a name that nearly fits take no time", "[search]") {
    std::string pattern;
    for (int i = 0; i < 200; ++i)
        pattern += "*a";
    const NamePattern stars{pattern + "b"};
    CHECK_FALSE(stars.fits(std::string(4000, 'a')));
    CHECK_THROWS_AS(NamePattern{std::string(2000, 'a')}, Error);
}

TEST_CASE("index block: comes back as it went in, from any number on", "[search]") {
    std::mt19937 chance{7};
    std::vector<std::tuple<std::string, guest::FileKind, std::uint64_t, std::optional<WallTime>>>
        files;
    search::BlockWriter writer;
    for (int i = 0; i < 500; ++i) {
        std::string path = fmt::format("/folder {}/файл {}", i / 9, chance() % 100'000);
        std::optional<WallTime> time;
        if (i % 5 != 0) {
            time = WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(chance()) * 900 -
                                                      1'000'000'000'000}};
        }
        const auto kind = static_cast<guest::FileKind>(i % 4);
        const std::uint64_t size = kind == guest::FileKind::file ? chance() * 77'777ULL : 0;
        writer.add({path, kind, size, time});
        files.emplace_back(std::move(path), kind, size, time);
    }
    CHECK(writer.count() == 500);
    CHECK(writer.first_path() == std::get<0>(files.front()));
    Bytes block = writer.take();
    CHECK(writer.empty());
    for (const std::uint32_t first : {0U, 1U, 499U, 500U}) {
        std::uint32_t expected = first;
        search::scan_block(block, first,
                           [&](const search::IndexedFile& file, std::uint32_t number) {
                               CHECK(number == expected++);
                               const auto& [path, kind, size, time] = files.at(number);
                               CHECK(file.path == path);
                               CHECK(file.kind == kind);
                               CHECK(file.size_bytes == size);
                               CHECK(file.modified == time);
                               return search::Scan::go_on;
                           });
        CHECK(expected == 500);
    }
    const auto ignore = [](const search::IndexedFile&, std::uint32_t) {
        return search::Scan::go_on;
    };
    block.pop_back();
    CHECK_THROWS_AS(search::scan_block(block, 0, ignore), Error);
    CHECK_THROWS_AS(search::scan_block(Bytes(100, std::byte{0xFF}), 0, ignore), Error);
}

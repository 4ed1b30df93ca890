// Our calendar against systemd's own, where its tool is installed.
#include "appliance/policy/calendar.h"

#include "base/random.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>

using namespace entrepot;
using namespace entrepot::policy;

namespace {

constexpr std::size_t kIterations = 4;

bool has_systemd_analyze() {
    return std::system("systemd-analyze --version >/dev/null 2>&1") == 0;
}

std::string run(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(command.c_str(), "r"), &pclose};
    std::string output;
    std::array<char, 4'096> buffer{};
    while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
        output += buffer.data();
    }
    return output;
}

// "Next elapse: Mon 2026-08-31 23:00:00 UTC", "Iter. #2: ...": the dates, in order. With another
// zone than UTC a line "(in UTC)" follows each, and only those count.
std::vector<std::string> ask_systemd(const std::string& expression, WallTime base) {
    const std::string output = run(fmt::format(
        "TZ=UTC LC_ALL=C systemd-analyze calendar --iterations={} --base-time='{}' '{}' "
        "2>/dev/null",
        kIterations,
        format_time(base).substr(0, 10) + " " + format_time(base).substr(11, 8) + " UTC",
        expression));
    std::vector<std::string> moments;
    std::istringstream lines{output};
    for (std::string line; std::getline(lines, line);) {
        const bool is_moment = line.find("Next elapse:") != std::string::npos ||
                               line.find("Iter. #") != std::string::npos;
        const std::size_t end = line.rfind(" UTC");
        if (!is_moment || end == std::string::npos) continue;
        std::string text = line.substr(end - 19, 19);
        text[10] = 'T';
        moments.push_back(text + ".000Z");
    }
    return moments;
}

std::vector<std::string> ask_ours(const std::string& expression, WallTime base, TimeZones& zones) {
    std::vector<std::string> moments;
    for (const WallTime moment : CalendarExpression::parse(expression, zones)
                                     .list_after(base, *zones.get("UTC"), kIterations)) {
        moments.push_back(format_time(moment));
    }
    return moments;
}

class ExpressionMaker {
public:
    explicit ExpressionMaker(std::uint64_t seed) : random_(seed) {}

    std::string make() {
        std::string text;
        if (below(3) == 0) text += weekdays() + " ";
        if (below(3) != 0) text += date() + " ";
        if (below(4) != 0 || text.empty()) text += time();
        if (text.back() == ' ') text.pop_back();
        const std::array<std::string, 4> zones{"", "", " UTC", " Asia/Tokyo"};
        return text + zones[below(zones.size())];
    }

    WallTime make_time() {
        return *parse_time("2024-01-01T00:00:00Z") + std::chrono::seconds{below(400'000'000)};
    }

private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.u64() % bound); }

    std::string weekdays() {
        const std::array<std::string, 5> forms{"Mon", "Tue..Fri", "sat,sunday", "Mon..Wed,Fri",
                                               "Thu"};
        return forms[below(forms.size())];
    }
    std::string date() {
        const std::array<std::string, 4> years{"*", "*", "2026..2030", "2025/2"};
        std::string text = below(4) == 0 ? "" : years[below(years.size())] + "-";
        text += field(1, 12);
        return text + (below(5) == 0 ? "~" + field(1, 28) : "-" + field(1, 28));
    }
    std::string time() {
        std::string text = field(0, 23) + ":" + field(0, 59);
        if (below(2) == 0) text += ":" + field(0, 59);
        return text;
    }
    std::string field(std::size_t least, std::size_t most) {
        if (below(3) == 0) return "*";
        const std::size_t first = least + below(most - least);
        const std::size_t room = most - first;
        const std::size_t last = first + 1 + below(room);
        switch (below(5)) {
            case 0:
                return fmt::format("{}..{}", first, last);
            case 1:
                // systemd refuses neighbours such as "~27,28", for no reason that it documents.
                return last == first + 1 ? std::to_string(first)
                                         : fmt::format("{},{}", first, last);
            case 2: {
                // From the month's end a step counts towards day 1, hence the lesser room.
                const std::size_t step_max = std::min(room, first - least);
                return step_max == 0 ? std::to_string(first)
                                     : fmt::format("{}/{}", first, 1 + below(step_max));
            }
            case 3:
                return fmt::format("{}..{}/{}", first, last, 1 + below(last - first));
            default:
                return std::to_string(first);
        }
    }

    SeededRandom random_;
};

}  // namespace

TEST_CASE("calendar: random expressions elapse as systemd says", "[policy][systemd]") {
    if (!has_systemd_analyze()) {
        WARN("systemd-analyze is not installed: skipped");
        return;
    }
    PosixFileSystem files;
    TimeZones zones{files};
    const std::uint64_t seed = 20260301;
    CAPTURE(seed);
    ExpressionMaker maker{seed};
    int compared = 0;
    for (int i = 0; i < 250; ++i) {
        const std::string expression = maker.make();
        const WallTime base = maker.make_time();
        const auto theirs = ask_systemd(expression, base);
        CAPTURE(i, expression, format_time(base));
        CHECK(ask_ours(expression, base, zones) == theirs);
        if (!theirs.empty()) ++compared;
    }
    CHECK(compared > 150);
}

TEST_CASE("calendar: daylight saving moves moments as systemd says", "[policy][systemd]") {
    if (!has_systemd_analyze()) {
        WARN("systemd-analyze is not installed: skipped");
        return;
    }
    PosixFileSystem files;
    TimeZones zones{files};
    for (const std::string zone : {"Europe/Berlin", "America/New_York", "Australia/Sydney",
                                   "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo"}) {
        for (const std::string date : {"2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03",
                                       "2026-10-24", "2026-10-31", "2040-06-01"}) {
            const std::string expression = "12,22:30 " + zone;
            const WallTime base = *parse_time(date + "T00:00:00Z");
            CAPTURE(expression, date);
            const auto theirs = ask_systemd(expression, base);
            CHECK(theirs.size() == kIterations);
            CHECK(ask_ours(expression, base, zones) == theirs);
        }
    }
}

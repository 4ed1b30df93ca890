// TZif as RFC 8536 describes it: the 64-bit block, and the POSIX rule behind it for all later
// times.
#include "storage/repository/time_zone.h"

#include "base/error.h"
#include "base/file_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace entrepot::repository {
namespace {

using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr const char* kDatabase = "/usr/share/zoneinfo";
constexpr std::size_t kFileBytesMax = kMiB;
constexpr std::size_t kHeaderBytes = 44;
constexpr std::size_t kCountsOffset = 20;
constexpr std::size_t kTypeBytes = 6;
constexpr std::uint32_t kCountMax = 100'000;

[[noreturn]] void corrupt(const std::string& fact) {
    throw Error{ErrorCode::corrupt, "time zone: " + fact};
}

// TZif is big-endian, unlike everything of ours.
class BigEndianReader {
public:
    explicit BigEndianReader(ByteView bytes) : rest_(bytes) {}
    ByteView bytes(std::size_t count) {
        if (count > rest_.size()) corrupt("file is cut short");
        const ByteView taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        for (const std::byte b : bytes(size))
            value = value << 8 | std::to_integer<unsigned>(b);
        return value;
    }
    ByteView rest() const { return rest_; }

private:
    ByteView rest_;
};

// "M3.5.0/2": the fifth (last) Sunday of March at two o'clock.
struct YearlyRule {
    int month = 0;
    int week = 0;
    int weekday = 0;
    seconds time{2 * 3600};

    // Local seconds since the epoch, of the wall clock before the change.
    std::int64_t moment_in(std::chrono::year year) const {
        using namespace std::chrono;
        const std::chrono::month m{static_cast<unsigned>(month)};
        const std::chrono::weekday day{static_cast<unsigned>(weekday)};
        const sys_days date = week == 5 ? sys_days{year / m / day[last]}
                                        : sys_days{year / m / day[static_cast<unsigned>(week)]};
        return (date.time_since_epoch() + time).count();
    }
};

// "CET-1CEST,M3.5.0,M10.5.0/3".
class PosixRule {
public:
    explicit PosixRule(std::string_view text) : rest_(text) {
        skip_name();
        standard_ = -offset();
        if (rest_.empty()) return;
        skip_name();
        daylight_ = standard_ + seconds{3600};
        if (!rest_.empty() && rest_.front() != ',') daylight_ = -offset();
        start_ = yearly();
        end_ = yearly();
        if (!rest_.empty()) corrupt("rule with bytes left over");
    }

    seconds offset_at(sys_seconds time) const {
        if (!start_) return standard_;
        const auto year =
            std::chrono::year_month_day{floor<std::chrono::days>(time + standard_)}.year();
        const std::int64_t now = time.time_since_epoch().count();
        const std::int64_t start = start_->moment_in(year) - standard_.count();
        const std::int64_t end = end_->moment_in(year) - daylight_.count();
        const bool is_daylight =
            start < end ? start <= now && now < end : !(end <= now && now < start);
        return is_daylight ? daylight_ : standard_;
    }

private:
    void skip_name() {
        if (!rest_.empty() && rest_.front() == '<') {
            const std::size_t end = rest_.find('>');
            if (end == std::string_view::npos) corrupt("rule without the end of a name");
            rest_.remove_prefix(end + 1);
            return;
        }
        const std::size_t end = rest_.find_first_of("0123456789+-,");
        if (end == 0) corrupt("rule without a name");
        rest_.remove_prefix(std::min(end, rest_.size()));
    }

    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    int number(int max) {
        int value = 0;
        std::size_t digits = 0;
        while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9' &&
               digits < 4) {
            value = value * 10 + (rest_[digits] - '0');
            ++digits;
        }
        if (digits == 0 || value > max) corrupt("rule with a number that makes no sense");
        rest_.remove_prefix(digits);
        return value;
    }

    seconds offset() {
        const bool is_negative = take('-');
        if (!is_negative) take('+');
        seconds value{number(167) * 3600};
        if (take(':')) value += seconds{number(59) * 60};
        if (take(':')) value += seconds{number(59)};
        return is_negative ? -value : value;
    }

    std::optional<YearlyRule> yearly() {
        if (!take(',') || !take('M')) corrupt("rule of a kind that is not known");
        YearlyRule rule;
        rule.month = number(12);
        if (!take('.')) corrupt("rule without a week");
        rule.week = number(5);
        if (!take('.')) corrupt("rule without a weekday");
        rule.weekday = number(6);
        if (rule.month == 0 || rule.week == 0) corrupt("rule with a zero");
        if (take('/')) rule.time = offset();
        return rule;
    }

    std::string_view rest_;
    seconds standard_{0};
    seconds daylight_{0};
    std::optional<YearlyRule> start_;
    std::optional<YearlyRule> end_;
};

bool is_zone_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || name.front() == '/') return false;
    if (name.find("..") != std::string_view::npos) return false;
    return std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '/' || c == '_' || c == '-' || c == '+';
    });
}

struct Counts {
    std::uint32_t isut = 0, isstd = 0, leap = 0, time = 0, type = 0, character = 0;

    std::size_t block_bytes(std::size_t time_bytes) const {
        return std::size_t{time} * (time_bytes + 1) + std::size_t{type} * kTypeBytes + character +
               std::size_t{leap} * (time_bytes + 4) + isstd + isut;
    }
};

Counts read_counts(BigEndianReader& in) {
    const ByteView header = in.bytes(kHeaderBytes);
    if (as_text(header.first(4)) != "TZif") corrupt("file of another format");
    BigEndianReader fields{header.subspan(kCountsOffset)};
    Counts counts;
    for (std::uint32_t* count : {&counts.isut, &counts.isstd, &counts.leap, &counts.time,
                                 &counts.type, &counts.character}) {
        *count = static_cast<std::uint32_t>(fields.number(4));
        if (*count > kCountMax) corrupt("file with too many entries");
    }
    return counts;
}

}  // namespace

struct TimeZone::Rules {
    std::vector<std::int64_t> transitions;
    std::vector<seconds> after;  // The offset from each transition on.
    seconds first{0};
    std::optional<PosixRule> later;
};

TimeZone::TimeZone(const std::string& name) : rules_(std::make_unique<Rules>()) {
    if (name == "UTC") return;
    if (!is_zone_name(name)) {
        throw Error{ErrorCode::not_found, fmt::format("there is no time zone '{}'", name)};
    }
    PosixFileSystem file_system;
    Bytes content;
    try {
        content = file_system.read_file(std::filesystem::path{kDatabase} / name, kFileBytesMax);
    } catch (const Error&) {
        throw Error{ErrorCode::not_found, fmt::format("there is no time zone '{}'", name),
                    "is the package tzdata installed?"};
    }
    with_context(fmt::format("reading time zone {}", name), [&] {
        BigEndianReader in{content};
        in.bytes(read_counts(in).block_bytes(4));
        const Counts counts = read_counts(in);
        BigEndianReader block{in.bytes(counts.block_bytes(8))};
        for (std::uint32_t i = 0; i < counts.time; ++i) {
            rules_->transitions.push_back(static_cast<std::int64_t>(block.number(8)));
        }
        const ByteView indices = block.bytes(counts.time);
        std::vector<seconds> offsets;
        for (std::uint32_t i = 0; i < counts.type; ++i) {
            offsets.emplace_back(static_cast<std::int32_t>(block.number(4)));
            block.bytes(2);
        }
        for (const std::byte index : indices) {
            const auto i = std::to_integer<std::size_t>(index);
            if (i >= offsets.size()) corrupt("transition to a type that is not there");
            rules_->after.push_back(offsets[i]);
        }
        if (!offsets.empty()) rules_->first = offsets.front();
        std::string_view footer = as_text(in.rest());
        if (footer.size() > 2 && footer.front() == '\n' && footer.back() == '\n') {
            rules_->later.emplace(footer.substr(1, footer.size() - 2));
        }
    });
}

TimeZone::~TimeZone() = default;
TimeZone::TimeZone(TimeZone&&) noexcept = default;

seconds TimeZone::offset_at(WallTime time) const {
    const auto moment = floor<seconds>(time);
    const auto next =
        std::ranges::upper_bound(rules_->transitions, moment.time_since_epoch().count());
    if (next == rules_->transitions.end() && rules_->later) {
        return rules_->later->offset_at(moment);
    }
    if (next == rules_->transitions.begin()) return rules_->first;
    return rules_->after[static_cast<std::size_t>(next - rules_->transitions.begin()) - 1];
}

LocalTime TimeZone::local(WallTime time) const {
    const seconds offset = offset_at(time);
    const auto shifted = floor<seconds>(time) + offset;
    const auto day = floor<std::chrono::days>(shifted);
    return {std::chrono::year_month_day{day},
            static_cast<std::int32_t>(floor<std::chrono::hours>(shifted - day).count()), offset};
}

}  // namespace entrepot::repository

// Zone files (RFC 8536) and their rules; see time_zone.h.
#include "base/time_zone.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot {
namespace {

using namespace std::chrono;

constexpr std::size_t kFileBytesMax = 64 * kKiB;
constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kTransitionsMax = 4'096;
constexpr std::int64_t kOffsetSecondsMax = 26 * 3'600;
// No zone is further from UTC than this, so a local time is near its moment.
constexpr std::int64_t kNearbySeconds = 2 * 86'400;

// Big-endian fields, as only zone files have them here.
class Cursor {
public:
    Cursor(ByteView bytes, const std::string& name) : rest_(bytes), name_(name) {}

    ByteView take(std::uint64_t count) {
        if (count > rest_.size()) fail("ends too early");
        const ByteView part = rest_.first(static_cast<std::size_t>(count));
        rest_ = rest_.subspan(static_cast<std::size_t>(count));
        return part;
    }
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        for (const std::byte byte : take(size)) {
            value = (value << 8) | std::to_integer<std::uint64_t>(byte);
        }
        return value;
    }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::int64_t i64() { return static_cast<std::int64_t>(number(8)); }
    std::string_view rest() const { return as_text(rest_); }
    [[noreturn]] void fail(std::string_view why) const {
        throw Error{ErrorCode::corrupt, fmt::format("the zone file of {} {}", name_, why)};
    }

private:
    ByteView rest_;
    const std::string& name_;
};

struct Counts {
    std::uint32_t universal_flags = 0;
    std::uint32_t standard_flags = 0;
    std::uint32_t leap_seconds = 0;
    std::uint32_t transitions = 0;
    std::uint32_t types = 0;
    std::uint32_t name_bytes = 0;

    std::uint64_t block_bytes(std::uint64_t time_bytes) const {
        return transitions * (time_bytes + 1) + types * std::uint64_t{6} + name_bytes +
               leap_seconds * (time_bytes + 4) + standard_flags + universal_flags;
    }
};

// RFC 8536 3.1.
Counts read_header(Cursor& in) {
    if (as_text(in.take(4)) != "TZif") in.fail("does not begin with TZif");
    const auto version = static_cast<char>(in.number(1));
    if (version < '2') in.fail("is of version 1, which has no years after 2037");
    in.take(15);
    Counts counts;
    counts.universal_flags = in.u32();
    counts.standard_flags = in.u32();
    counts.leap_seconds = in.u32();
    counts.transitions = in.u32();
    counts.types = in.u32();
    counts.name_bytes = in.u32();
    if (counts.transitions > kTransitionsMax || counts.types == 0 || counts.types > 256) {
        in.fail("has counts beyond reason");
    }
    return counts;
}

std::int32_t read_offset(Cursor& in) {
    const auto offset = static_cast<std::int32_t>(in.u32());
    in.take(2);  // Whether it is daylight saving time, and its name.
    if (offset > kOffsetSecondsMax || offset < -kOffsetSecondsMax) {
        in.fail("has an offset beyond reason");
    }
    return offset;
}

bool is_zone_name(std::string_view name) {
    if (name.empty() || name.size() > kNameBytesMax || name.front() == '/' || name.back() == '/') {
        return false;
    }
    // No dots: nothing that leads out of the directory can be written.
    return std::all_of(name.begin(), name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '_' ||
               c == '-' || c == '+';
    });
}

}  // namespace

TimeZone::TimeZone() = default;

std::shared_ptr<const TimeZone> TimeZone::utc() {
    std::shared_ptr<TimeZone> zone{new TimeZone{}};
    zone->name_ = "UTC";
    return zone;
}

std::shared_ptr<const TimeZone> TimeZone::parse(const std::string& name, ByteView file) {
    Cursor in{file, name};
    in.take(read_header(in).block_bytes(4));  // The block with 32-bit times.
    const Counts counts = read_header(in);

    std::shared_ptr<TimeZone> zone{new TimeZone{}};
    zone->name_ = name;
    zone->transitions_.resize(counts.transitions);
    for (ZoneTransition& transition : zone->transitions_) {
        transition.at = in.i64();
    }
    std::vector<std::size_t> type_of_transition;
    for (std::uint32_t i = 0; i < counts.transitions; ++i) {
        type_of_transition.push_back(static_cast<std::size_t>(in.number(1)));
        if (type_of_transition.back() >= counts.types) in.fail("names a type that it has not");
    }
    std::vector<std::int32_t> offsets;
    for (std::uint32_t i = 0; i < counts.types; ++i) {
        offsets.push_back(read_offset(in));
    }
    for (std::size_t i = 0; i < zone->transitions_.size(); ++i) {
        zone->transitions_[i].offset_seconds = offsets[type_of_transition[i]];
        if (i > 0 && zone->transitions_[i].at <= zone->transitions_[i - 1].at) {
            in.fail("has transitions out of order");
        }
    }
    zone->first_offset_seconds_ = offsets.front();
    in.take(counts.name_bytes + counts.leap_seconds * std::uint64_t{12} + counts.standard_flags +
            counts.universal_flags);
    const std::string_view footer = in.rest();
    if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') {
        in.fail("has no footer");
    }
    if (footer.size() > 2) {
        zone->rule_ = ZoneRule::parse(footer.substr(1, footer.size() - 2));
        if (!zone->rule_) in.fail("has a rule that cannot be read");
    }
    return zone;
}

std::vector<ZoneTransition> TimeZone::list_transitions(std::int64_t from, std::int64_t to) const {
    // Begins with what holds at `from`, as if it had begun there.
    std::vector<ZoneTransition> result{{from, first_offset_seconds_}};
    const auto add = [&](const ZoneTransition& transition) {
        if (transition.at <= from) {
            result.front().offset_seconds = transition.offset_seconds;
        } else if (transition.at <= to) {
            result.push_back(transition);
        }
    };
    for (const ZoneTransition& transition : transitions_) {
        add(transition);
    }
    if (!rule_) return result;
    const std::int64_t table_end = transitions_.empty() ? INT64_MIN : transitions_.back().at;
    if (!rule_->has_daylight_saving()) {
        if (transitions_.empty()) result.front().offset_seconds = rule_->standard_offset_seconds();
        return result;
    }
    const auto year_of = [](std::int64_t time) {
        return year_month_day{floor<days>(sys_seconds{seconds{time}})}.year();
    };
    for (year y = year_of(from) - years{1}; y <= year_of(to) + years{1}; ++y) {
        for (const ZoneTransition& transition : rule_->transitions_of(y)) {
            if (transition.at > table_end) add(transition);
        }
    }
    return result;
}

seconds TimeZone::offset_at(sys_seconds time) const {
    const std::int64_t at = time.time_since_epoch().count();
    return seconds{list_transitions(at, at).front().offset_seconds};
}

sys_seconds TimeZone::first_showing(LocalSeconds local) const {
    const std::int64_t target = local.time_since_epoch().count();
    const std::vector<ZoneTransition> periods =
        list_transitions(target - kNearbySeconds, target + kNearbySeconds);
    for (std::size_t i = 0; i < periods.size(); ++i) {
        const std::int64_t at = target - periods[i].offset_seconds;
        // Before this period began: the clocks went past it when they were put forward.
        if (at < periods[i].at) return sys_seconds{seconds{periods[i].at}};
        if (i + 1 == periods.size() || at < periods[i + 1].at) return sys_seconds{seconds{at}};
    }
    return sys_seconds{seconds{target - periods.back().offset_seconds}};
}

std::shared_ptr<const TimeZone> TimeZones::find(std::string_view name) {
    if (!is_zone_name(name)) return nullptr;
    const std::scoped_lock lock{mutex_};
    if (const auto known = zones_.find(name); known != zones_.end()) return known->second;
    std::shared_ptr<const TimeZone> zone;
    if (name == "UTC") {
        zone = TimeZone::utc();
    } else {
        const std::filesystem::path file = directory_ / name;
        const auto status = file_system_.find_status(file);
        if (!status || status->type == FileType::directory) return nullptr;
        zone = TimeZone::parse(std::string{name}, file_system_.read_file(file, kFileBytesMax));
    }
    zones_.emplace(name, zone);
    return zone;
}

std::shared_ptr<const TimeZone> TimeZones::get(std::string_view name) {
    if (auto zone = find(name)) return zone;
    throw Error{ErrorCode::invalid, fmt::format("there is no time zone \"{:.80}\"", name),
                "use a name such as Europe/Berlin, or UTC; is the package tzdata installed?"};
}

}  // namespace entrepot

// Newest first, each rule keeps the newest point of each of its latest slots.
#include "storage/repository/retention.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace entrepot::repository {
namespace {

// A moment as a calendar shows it.
struct LocalTime {
    std::chrono::year_month_day date;
    std::int32_t hour = 0;
    std::chrono::seconds utc_offset{0};
};

LocalTime local_time(WallTime time, const TimeZone& zone) {
    using namespace std::chrono;
    const seconds offset = zone.offset_at(floor<seconds>(time));
    const auto shifted = floor<seconds>(time) + offset;
    const auto day = floor<days>(shifted);
    return {year_month_day{day}, static_cast<std::int32_t>(floor<hours>(shifted - day).count()),
            offset};
}

using SlotName = std::string (*)(const LocalTime&);

int year_of(const LocalTime& time) {
    return static_cast<int>(time.date.year());
}
unsigned month_of(const LocalTime& time) {
    return static_cast<unsigned>(time.date.month());
}
unsigned day_of(const LocalTime& time) {
    return static_cast<unsigned>(time.date.day());
}

// The offset is part of an hour's name: when clocks go back, an hour comes twice.
std::string hourly(const LocalTime& time) {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time.utc_offset).count();
    return fmt::format("hourly {:04}-{:02}-{:02}T{:02}{:+03}:{:02}", year_of(time), month_of(time),
                       day_of(time), time.hour, minutes / 60, std::abs(minutes % 60));
}

std::string daily(const LocalTime& time) {
    return fmt::format("daily {:04}-{:02}-{:02}", year_of(time), month_of(time), day_of(time));
}

// ISO 8601: a week belongs to the year of its Thursday.
std::string weekly(const LocalTime& time) {
    using namespace std::chrono;
    const sys_days date{time.date};
    const sys_days thursday = date - (weekday{date} - Monday) + days{3};
    const year_month_day in{thursday};
    const auto week = (thursday - sys_days{in.year() / January / 1}).count() / 7 + 1;
    return fmt::format("weekly {:04}-W{:02}", static_cast<int>(in.year()), week);
}

std::string monthly(const LocalTime& time) {
    return fmt::format("monthly {:04}-{:02}", year_of(time), month_of(time));
}

std::string yearly(const LocalTime& time) {
    return fmt::format("yearly {:04}", year_of(time));
}

struct Candidate {
    const RetentionPoint* point = nullptr;
    LocalTime local;
};

using Reasons = std::map<std::string, std::vector<std::string>>;

void keep_last(const std::vector<Candidate>& newest_first, std::uint32_t count, Reasons& reasons) {
    std::uint32_t number = 0;
    for (const Candidate& candidate : newest_first) {
        // A damaged point must not push a sound one out.
        if (candidate.point->is_damaged) continue;
        if (number == count) return;
        reasons[candidate.point->id].push_back(fmt::format("last {}", ++number));
    }
}

void keep_slots(const std::vector<Candidate>& newest_first, std::uint32_t count, SlotName slot_name,
                Reasons& reasons) {
    std::optional<std::string> current;
    const RetentionPoint* chosen = nullptr;
    std::uint32_t slots = 0;
    const auto close_slot = [&] {
        if (chosen != nullptr) reasons[chosen->id].push_back(*current);
    };
    for (const Candidate& candidate : newest_first) {
        std::string name = slot_name(candidate.local);
        if (current != name) {
            close_slot();
            chosen = nullptr;
            if (slots == count) return;
            current = std::move(name);
            ++slots;
        }
        const bool is_better =
            chosen == nullptr || (chosen->is_damaged && !candidate.point->is_damaged);
        if (is_better) chosen = candidate.point;
    }
    close_slot();
}

}  // namespace

bool RetentionRule::is_empty() const {
    return keep_last == 0 && keep_hourly == 0 && keep_daily == 0 && keep_weekly == 0 &&
           keep_monthly == 0 && keep_yearly == 0;
}

RetentionPoint seen_by_retention(const PointSummary& point, const TimeState& time) {
    const bool has_date = point.protected_until && *point.protected_until > time.now;
    const bool is_young = time.now - point.trusted_time < time.minimum_age;
    return {.id = point.id,
            .sequence = point.sequence,
            .time = point.time,
            .is_protected = !point.hold_reason.empty() || has_date || is_young,
            .is_damaged = point.has_known_damage};
}

RetentionPlan plan_retention(const std::vector<RetentionPoint>& points, const RetentionRule& rule,
                             WallTime now, const TimeZone& zone) {
    if (rule.is_empty()) {
        throw Error{ErrorCode::usage, "a rule that keeps nothing",
                    "give at least one --keep-... number"};
    }
    std::vector<RetentionPoint> ordered = points;
    std::ranges::sort(ordered, {}, &RetentionPoint::sequence);

    Reasons reasons;
    std::vector<Candidate> by_order;
    for (auto point = ordered.rbegin(); point != ordered.rend(); ++point) {
        if (point->is_protected) reasons[point->id].push_back("protected");
        if (point->time > now) {
            reasons[point->id].push_back("dated in the future");
        } else {
            by_order.push_back({&*point, local_time(point->time, zone)});
        }
    }
    // Last counts our own order, slots count time: a clock that was wrong must not split a slot.
    std::vector<Candidate> by_time = by_order;
    std::ranges::stable_sort(by_time, [](const Candidate& first, const Candidate& second) {
        return first.point->time > second.point->time;
    });
    keep_last(by_order, rule.keep_last, reasons);
    keep_slots(by_time, rule.keep_hourly, hourly, reasons);
    keep_slots(by_time, rule.keep_daily, daily, reasons);
    keep_slots(by_time, rule.keep_weekly, weekly, reasons);
    keep_slots(by_time, rule.keep_monthly, monthly, reasons);
    keep_slots(by_time, rule.keep_yearly, yearly, reasons);
    for (const Candidate& candidate : by_order) {
        if (candidate.point->is_damaged) continue;
        reasons[candidate.point->id].push_back("newest undamaged");
        break;
    }

    RetentionPlan plan;
    for (const RetentionPoint& point : ordered) {
        if (const auto found = reasons.find(point.id); found != reasons.end()) {
            plan.kept.push_back({point.id, found->second});
        } else {
            plan.removed.push_back(point.id);
        }
    }
    return plan;
}

}  // namespace entrepot::repository

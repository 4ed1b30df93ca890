// One small sealed file, replaced whole.
#include "storage/repository/trusted_time.h"

#include "storage/repository/limits.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace entrepot::repository {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::hours kJumpMax{24};
// How much time a crash may take from us; it is given back when wall time tells of it.
constexpr std::chrono::minutes kKeepInterval{10};
constexpr std::chrono::hours kSeenAgeMax{1};
constexpr std::size_t kRecordBytesMax = 64 * kKiB;
constexpr std::string_view kAssociated = "time";
// Changes when the machine starts: random(4).
constexpr const char* kBootFile = "/proc/sys/kernel/random/boot_id";
constexpr std::size_t kBootNameBytes = 36;

WallTime at(std::int64_t ms) {
    return WallTime{milliseconds{ms}};
}

}  // namespace

TrustedTime::TrustedTime(const Environment& environment, const RepositoryKeys& keys,
                         std::filesystem::path file)
    : environment_(environment), keys_(keys), file_(std::move(file)) {}

std::string TrustedTime::boot_name() const {
    try {
        std::array<std::byte, kBootNameBytes> name{};
        const auto file = environment_.file_system.open_read(kBootFile);
        const std::size_t length = file->read_some(0, name);
        return std::string{as_text(ByteView{name}.first(length))};
    } catch (const Error&) {
        return {};
    }
}

milliseconds TrustedTime::steady_now() const {
    return std::chrono::floor<milliseconds>(environment_.clock.steady_now().time_since_epoch());
}

WallTime TrustedTime::now() const {
    return record_.time + (steady_now() - anchor_);
}

Sealer TrustedTime::sealer(const Salt& salt) const {
    return keys_.sealer_for("entrepot time v1", salt, {});
}

void TrustedTime::start(WallTime floor, std::chrono::seconds minimum_age) {
    const std::scoped_lock lock{mutex_};
    const WallTime wall = environment_.clock.wall_now();
    std::optional<Record> found;
    std::string damage;
    try {
        found = load();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::limit) throw;
        damage = error.message();
    }
    anchor_ = steady_now();
    if (found) {
        go_on_from(*found);
    } else {
        record_.time = std::max(wall, floor);
        record_.frozen = damage;
    }
    record_.minimum_age = std::max(record_.minimum_age, minimum_age);
    record_.boot = boot_name();
    if (!found) keep_if_possible();
    observe();
}

// Time passed while nobody looked. The steady clock knows how much if the machine kept running;
// else wall time is believed for a day.
void TrustedTime::go_on_from(const Record& record) {
    record_ = record;
    kept_ = record.time;
    const bool is_same_boot =
        !record.boot.empty() && record.boot == boot_name() && anchor_ >= record.steady;
    if (is_same_boot) {
        record_.time += anchor_ - record.steady;
        return;
    }
    const milliseconds gap = environment_.clock.wall_now() - record.offset - record.time;
    if (gap > milliseconds{0} && gap <= kJumpMax) record_.time += gap;
}

void TrustedTime::observe() {
    const WallTime ours = now();
    const WallTime wall = environment_.clock.wall_now();
    const milliseconds drift = wall - record_.offset - ours;
    const bool is_jump = drift > kJumpMax || drift < -kJumpMax;
    if (is_jump && record_.frozen.empty()) {
        record_.frozen =
            fmt::format("the clock jumped: it says {}, and by the time that passed it is {}",
                        format_time(wall), format_time(ours + record_.offset));
        environment_.log.error("deletion is frozen", {{"because", record_.frozen}});
        keep_if_possible();
    } else if (ours - kept_ >= kKeepInterval) {
        keep_if_possible();
    }
}

TimeState TrustedTime::read() {
    const std::scoped_lock lock{mutex_};
    observe();
    return {.now = now(),
            .wall = environment_.clock.wall_now(),
            .frozen = record_.frozen,
            .minimum_age = record_.minimum_age};
}

void TrustedTime::require_deletion_allowed() {
    const TimeState state = read();
    if (state.frozen.empty()) return;
    throw Error{ErrorCode::conflict, fmt::format("nothing is deleted: {}", state.frozen),
                "set the clock right if it is wrong, then: entrepot clock confirm"};
}

void TrustedTime::confirm(WallTime seen) {
    const std::scoped_lock lock{mutex_};
    const WallTime wall = environment_.clock.wall_now();
    const milliseconds age = wall - seen;
    if (age > kSeenAgeMax || age < -kSeenAgeMax) {
        throw Error{ErrorCode::conflict,
                    fmt::format("the clock says {} and not {} any more", format_time(wall),
                                format_time(seen)),
                    "look at it again: entrepot clock show"};
    }
    const WallTime ours = now();
    anchor_ = steady_now();
    record_.time = std::max(ours, wall);
    record_.offset = wall - record_.time;
    const std::string was = std::exchange(record_.frozen, {});
    environment_.log.warning(
        "the clock was confirmed",
        {{"wall", format_time(wall)}, {"before", format_time(ours)}, {"frozen", was}});
    keep();
}

void TrustedTime::extend_minimum_age(std::chrono::seconds minimum_age) {
    const std::scoped_lock lock{mutex_};
    if (minimum_age < record_.minimum_age) {
        throw Error{ErrorCode::conflict,
                    fmt::format("the minimum age is {} seconds; {} would be less",
                                record_.minimum_age.count(), minimum_age.count()),
                    "it can only be extended"};
    }
    if (minimum_age > limits::kMinimumAgeMax) {
        throw Error{ErrorCode::limit,
                    fmt::format("a minimum age of {} seconds is more than {}", minimum_age.count(),
                                limits::kMinimumAgeMax.count()),
                    "it could never be taken back"};
    }
    const auto before = std::exchange(record_.minimum_age, minimum_age);
    try {
        keep();
    } catch (...) {
        record_.minimum_age = before;
        throw;
    }
}

void TrustedTime::keep() {
    const milliseconds steady = steady_now();
    record_.time += steady - anchor_;
    anchor_ = steady;
    const Json json = {{"time_ms", record_.time.time_since_epoch().count()},
                       {"offset_ms", record_.offset.count()},
                       {"minimum_age_seconds", record_.minimum_age.count()},
                       {"frozen", record_.frozen},
                       {"boot", record_.boot},
                       {"steady_ms", steady.count()}};
    Salt salt{};
    environment_.random.fill(salt);
    Bytes content(salt.begin(), salt.end());
    const Bytes sealed = sealer(salt).seal(0, as_bytes(kAssociated), as_bytes(dump_json(json)));
    content.insert(content.end(), sealed.begin(), sealed.end());
    write_file_atomically(environment_.file_system, file_, content);
    kept_ = record_.time;
}

// A full disk must not keep anybody from deleting: an older record only makes the next process look
// at the clock with more suspicion.
void TrustedTime::keep_if_possible() {
    try {
        keep();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::no_space) throw;
        environment_.log.warning("the repository's time could not be written",
                                 {{"error", error.what()}});
    }
}

std::optional<TrustedTime::Record> TrustedTime::load() const {
    if (!environment_.file_system.exists(file_)) return std::nullopt;
    const Bytes content = environment_.file_system.read_file(file_, kRecordBytesMax);
    const Error damaged{ErrorCode::corrupt, "the repository's record of time is damaged"};
    if (content.size() < kSaltBytes) throw damaged;
    Salt salt{};
    std::ranges::copy(ByteView{content}.first(kSaltBytes), salt.begin());
    const auto text =
        sealer(salt).open(0, as_bytes(kAssociated), ByteView{content}.subspan(kSaltBytes));
    if (!text) throw damaged;
    try {
        const Json json = parse_json(as_text(*text), "time");
        Record record;
        record.time = at(json.at("time_ms").get<std::int64_t>());
        record.offset = milliseconds{json.at("offset_ms").get<std::int64_t>()};
        record.minimum_age =
            std::chrono::seconds{json.at("minimum_age_seconds").get<std::int64_t>()};
        record.frozen = json.at("frozen").get<std::string>();
        record.boot = json.at("boot").get<std::string>();
        record.steady = milliseconds{json.at("steady_ms").get<std::int64_t>()};
        return record;
    } catch (const Json::exception&) {
        throw damaged;
    }
}

}  // namespace entrepot::repository

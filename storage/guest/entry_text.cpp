// Times and links' targets.
#include "storage/guest/entry_text.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include <utility>

namespace entrepot::guest {
namespace {

// Years 1601 to 9999: what file systems can mean, and what our clock can hold.
constexpr std::int64_t kTimeMin = -11'644'473'600;
constexpr std::int64_t kTimeMax = 253'402'300'799;

}  // namespace

std::optional<WallTime> wall_time_of(std::int64_t seconds) {
    if (seconds == 0 || seconds < kTimeMin || seconds > kTimeMax) return std::nullopt;
    return WallTime{std::chrono::seconds{seconds}};
}

std::string shown_target(std::string_view raw) {
    std::string target = escape_name(raw.substr(0, limits::kLinkTargetBytesMax));
    for (const auto& [escape, plain] : {std::pair{"\\x2f", "/"}, std::pair{"\\x5c", "\\"}}) {
        for (std::size_t i = target.find(escape); i != std::string::npos;
             i = target.find(escape, i + 1))
            target.replace(i, std::string_view{escape}.size(), plain);
    }
    return target;
}

}  // namespace entrepot::guest

// The rule of the specification's appendix "CHS Calculation" (vhdx.md section 8).
#include "storage/disk/vhd_geometry.h"

#include "storage/disk/vhd_footer.h"

#include <algorithm>
#include <string_view>

namespace entrepot::disk::vhd {
namespace {

constexpr std::uint64_t kCylindersMax = 65535;
constexpr std::uint64_t kHeadsMax = 16;
constexpr std::uint64_t kSectorsMax = 255;

}  // namespace

Geometry geometry_of(std::uint64_t size_bytes) {
    const std::uint64_t sectors =
        std::min(size_bytes / kSectorBytes, kCylindersMax * kHeadsMax * kSectorsMax);
    std::uint64_t per_track = kSectorsMax;
    std::uint64_t heads = kHeadsMax;
    std::uint64_t cylinders_times_heads = sectors / per_track;
    if (sectors < kCylindersMax * kHeadsMax * 63) {
        per_track = 17;
        cylinders_times_heads = sectors / per_track;
        heads = std::max<std::uint64_t>(4, (cylinders_times_heads + 1023) / 1024);
        if (cylinders_times_heads >= heads * 1024 || heads > kHeadsMax) {
            per_track = 31;
            heads = kHeadsMax;
            cylinders_times_heads = sectors / per_track;
        }
        if (cylinders_times_heads >= heads * 1024) {
            per_track = 63;
            heads = kHeadsMax;
            cylinders_times_heads = sectors / per_track;
        }
    }
    return {static_cast<std::uint16_t>(cylinders_times_heads / heads),
            static_cast<std::uint8_t>(heads), static_cast<std::uint8_t>(per_track)};
}

std::optional<std::uint64_t> find_geometry_size(const Footer& footer) {
    // Those whose disks every reader takes at their current size. The NUL of "tap" counts.
    constexpr std::string_view kCurrentSizeCreators[] = {"win ", "d2v ", "qem2",
                                                         std::string_view{"tap\0", 4}, "CTXS"};
    const std::string_view creator{footer.creator_application.data(),
                                   footer.creator_application.size()};
    if (std::find(std::begin(kCurrentSizeCreators), std::end(kCurrentSizeCreators), creator) !=
        std::end(kCurrentSizeCreators)) {
        return std::nullopt;
    }
    const std::uint64_t sectors =
        std::uint64_t{footer.cylinders} * footer.heads * footer.sectors_per_track;
    // The largest geometry stands for all that is larger.
    if (sectors == kCylindersMax * kHeadsMax * kSectorsMax) return std::nullopt;
    if (sectors * kSectorBytes == footer.current_size) return std::nullopt;
    return sectors * kSectorBytes;
}

}  // namespace entrepot::disk::vhd

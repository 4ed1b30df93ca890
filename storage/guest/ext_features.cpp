// Numbers of fs/ext4/ext4.h of Linux. A feature that is not known to be read rightly is refused.
#include "storage/guest/ext_features.h"

#include "storage/guest/volume_source.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace entrepot::guest {
namespace {

constexpr std::uint64_t kSuperblockOffset = 1024;
constexpr std::size_t kSuperblockBytes = 1024;
constexpr std::size_t kFeaturesOffset = 0x60;
constexpr std::size_t kBlockCountHighOffset = 0x150;
constexpr std::uint32_t k64Bit = 0x80;

// File types in names, recovery, extents, 64 bits, multiple mount protection, flexible groups,
// attributes in inodes, checksum seed, large folders, folders without case.
constexpr std::uint32_t kReadRightly =
    0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x20000;

struct FeatureWords {
    std::uint32_t bit;
    std::string_view words;
};

constexpr std::array kFeatures{
    FeatureWords{0x1, "compression"},        FeatureWords{0x8, "a journal of another volume"},
    FeatureWords{0x10, "meta block groups"}, FeatureWords{0x1000, "data in folder entries"},
    FeatureWords{0x8000, "inline data"},     FeatureWords{0x10000, "encrypted folders"},
};

constexpr std::string_view kAdvice = "entrepot restore disk gives the whole disk back as a file";

}  // namespace

void check_ext_features(const disk::DiskSource& volume) {
    const Bytes superblock = read_up_to(volume, kSuperblockOffset, kSuperblockBytes);
    if (superblock.size() < kSuperblockBytes) {
        throw Error{ErrorCode::corrupt, "the volume is too short for ext"};
    }
    const std::uint32_t features = load_u32(superblock, kFeaturesOffset);
    // The library counts blocks in 32 bits here and there, and reads others in their place.
    if ((features & k64Bit) != 0 && load_u32(superblock, kBlockCountHighOffset) != 0) {
        throw Error{ErrorCode::unsupported,
                    "this ext file system has more than 2^32 blocks, which cannot be read here",
                    std::string{kAdvice}};
    }
    const std::uint32_t unknown = features & ~kReadRightly;
    if (unknown == 0) return;
    std::string words;
    for (const FeatureWords& feature : kFeatures) {
        if ((unknown & feature.bit) != 0) {
            words += fmt::format("{}{}", words.empty() ? "" : ", ", feature.words);
        }
    }
    if (words.empty()) words = fmt::format("incompatible features 0x{:x}", unknown);
    throw Error{ErrorCode::unsupported,
                fmt::format("this ext file system has what cannot be read here: {}", words),
                std::string{kAdvice}};
}

}  // namespace entrepot::guest

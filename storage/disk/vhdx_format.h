// Constants and shapes of the VHDX format (MS-VHDX; sections are named where they help).
#pragma once

#include "base/bytes.h"
#include "base/guid.h"

#include <cstdint>
#include <string_view>

namespace entrepot::disk::vhdx {

// 2.2: the first MiB.
inline constexpr std::string_view kFileSignature = "vhdxfile";
inline constexpr std::size_t kFileSignatureBytes = 8;
inline constexpr std::size_t kCreatorBytes = 512;
inline constexpr std::uint64_t kHeaderSectionBytes = kMiB;
inline constexpr std::uint64_t kFirstHeaderOffset = 64 * kKiB;
inline constexpr std::uint64_t kSecondHeaderOffset = 128 * kKiB;
inline constexpr std::uint64_t kFirstRegionTableOffset = 192 * kKiB;
inline constexpr std::uint64_t kSecondRegionTableOffset = 256 * kKiB;
inline constexpr std::size_t kRegionTableBytes = 64 * kKiB;
/// Of the header, region tables and log entries alike.
inline constexpr std::size_t kChecksumFieldOffset = 4;
inline constexpr std::uint64_t kAlignment = kMiB;
inline constexpr std::uint16_t kVersion = 1;

inline constexpr std::uint32_t kHeaderSignature = 0x64616568;          // "head"
inline constexpr std::uint32_t kRegionSignature = 0x69676572;          // "regi"
inline constexpr std::uint32_t kLogEntrySignature = 0x65676f6c;        // "loge"
inline constexpr std::uint32_t kZeroDescriptorSignature = 0x6f72657a;  // "zero"
inline constexpr std::uint32_t kDataDescriptorSignature = 0x63736564;  // "desc"
inline constexpr std::uint32_t kDataSectorSignature = 0x61746164;      // "data"
inline constexpr std::string_view kMetadataSignature = "metadata";

// 2.6: the metadata table.
inline constexpr std::uint32_t kMetadataTableBytes = 64 * kKiB;
inline constexpr std::uint32_t kMetadataIsUser = 1;
inline constexpr std::uint32_t kMetadataIsVirtualDisk = 2;
inline constexpr std::uint32_t kMetadataIsRequired = 4;
inline constexpr std::uint32_t kFileLeaveBlockAllocated = 1;
inline constexpr std::uint32_t kFileHasParent = 2;

// 2.5.1: states of table entries.
inline constexpr std::uint64_t kStateMask = 7;
inline constexpr std::uint64_t kReservedMask = 0xFFFF8;
inline constexpr std::uint64_t kOffsetMask = ~std::uint64_t{0xFFFFF};
inline constexpr std::uint64_t kNotPresent = 0;
inline constexpr std::uint64_t kUndefined = 1;
inline constexpr std::uint64_t kZero = 2;
inline constexpr std::uint64_t kUnmapped = 3;
inline constexpr std::uint64_t kFullyPresent = 6;
inline constexpr std::uint64_t kPartiallyPresent = 7;
inline constexpr std::uint64_t kBitmapBlockBytes = kMiB;
inline constexpr std::uint64_t kSectorsPerChunk = std::uint64_t{1} << 23;

/// A GUID from its parts, for constants.
constexpr Guid make_guid(std::uint32_t a, std::uint16_t b, std::uint16_t c, std::uint64_t d) {
    Guid guid;
    for (unsigned i = 0; i < 4; ++i)
        guid.bytes[i] = std::byte(a >> (8 * i) & 0xFF);
    for (unsigned i = 0; i < 2; ++i)
        guid.bytes[4 + i] = std::byte(b >> (8 * i) & 0xFF);
    for (unsigned i = 0; i < 2; ++i)
        guid.bytes[6 + i] = std::byte(c >> (8 * i) & 0xFF);
    for (unsigned i = 0; i < 8; ++i)
        guid.bytes[8 + i] = std::byte(d >> (56 - 8 * i) & 0xFF);
    return guid;
}

inline constexpr Guid kBatRegion = make_guid(0x2DC27766, 0xF623, 0x4200, 0x9D64115E9BFD4A08);
inline constexpr Guid kMetadataRegion = make_guid(0x8B7CA206, 0x4790, 0x4B9A, 0xB8FE575F050F886E);
inline constexpr Guid kFileParameters = make_guid(0xCAA16737, 0xFA36, 0x4D43, 0xB3B633F0AA44E76B);
inline constexpr Guid kVirtualDiskSize = make_guid(0x2FA54224, 0xCD1B, 0x4876, 0xB2115DBED83BF4B8);
inline constexpr Guid kVirtualDiskId = make_guid(0xBECA12AB, 0xB2E6, 0x4523, 0x93EFC309E000C746);
inline constexpr Guid kLogicalSectorSize =
    make_guid(0x8141BF1D, 0xA96F, 0x4709, 0xBA47F233A8FAAB5F);
inline constexpr Guid kPhysicalSectorSize =
    make_guid(0xCDA348C7, 0x445D, 0x4471, 0x9CC9E9885251C556);
inline constexpr Guid kParentLocator = make_guid(0xA8D35F2D, 0xB30B, 0x454D, 0xABF7D3D84834AB0C);
inline constexpr Guid kParentLocatorType =
    make_guid(0xB04AEFB7, 0xD19E, 0x4A81, 0xB78925B8E9445913);
// Not in the specification; Microsoft's open code knows them.
inline constexpr Guid kChsParameters = make_guid(0xDA02D7BC, 0x3D3A, 0x423C, 0xAC882A36AB21479B);
inline constexpr Guid kIncompleteFile = make_guid(0x71CC85F0, 0x1B69, 0x4E28, 0x9558C3BF83AE75D3);

/// A part of the file that belongs to one structure.
struct FileRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool operator==(const FileRange&) const = default;
    /// Requires that neither end wraps.
    bool overlaps(std::uint64_t other_offset, std::uint64_t other_length) const {
        return offset < other_offset + other_length && other_offset < offset + length;
    }
};

}  // namespace entrepot::disk::vhdx

// What the host's VHDX writer and reader share: the numbers of the format (MS-VHDX 2).
#pragma once

#include <cstddef>
#include <cstdint>

namespace entrepot::hostsim {

inline constexpr std::uint32_t kHeadSignature = 0x64616568;    // "head"
inline constexpr std::uint32_t kRegionSignature = 0x69676572;  // "regi"
inline constexpr std::size_t kHeaderBytes = 4096;
inline constexpr std::size_t kRegionTableBytes = 64 * 1024;

inline constexpr const char* kBatRegion = "2DC27766-F623-4200-9D64-115E9BFD4A08";
inline constexpr const char* kMetadataRegion = "8B7CA206-4790-4B9A-B8FE-575F050F886E";
inline constexpr const char* kFileParameters = "CAA16737-FA36-4D43-B3B6-33F0AA44E76B";
inline constexpr const char* kDiskSize = "2FA54224-CD1B-4876-B211-5DBED83BF4B8";
inline constexpr const char* kDiskId = "BECA12AB-B2E6-4523-93EF-C309E000C746";
inline constexpr const char* kLogicalSector = "8141BF1D-A96F-4709-BA47-F233A8FAAB5F";
inline constexpr const char* kPhysicalSector = "CDA348C7-445D-4471-9CC9-E9885251C556";
inline constexpr const char* kParentLocator = "A8D35F2D-B30B-454D-ABF7-D3D84834AB0C";
inline constexpr const char* kLocatorType = "B04AEFB7-D19E-4A81-B789-25B8E9445913";
inline constexpr const char* kIncompleteFile = "71CC85F0-1B69-4E28-9558-C3BF83AE75D3";

}  // namespace entrepot::hostsim

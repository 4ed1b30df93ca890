// Bounds on what an image may make us do. Numbers without another origin are ours, generous against
// what was seen in real files.
#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>

namespace entrepot::disk::limits {

/// MS-VHDX 2.6.2.2.
inline constexpr std::uint64_t kVirtualSizeBytesMax = 64 * kTiB;
/// Twice the largest disk: room for the tables, and small enough for a bit per MiB.
inline constexpr std::uint64_t kFileSizeBytesMax = 128 * kTiB;
inline constexpr std::uint32_t kBlockSizeBytesMin = kMiB;
inline constexpr std::uint32_t kBlockSizeBytesMax = 256 * kMiB;

inline constexpr std::uint64_t kLogBytesMax = kGiB;
/// Entries of real logs have a few dozen sectors.
inline constexpr std::uint64_t kLogEntryBytesMax = 8 * kMiB;
/// Valid entries in one log; a log of the usual 1 MiB has room for 256.
inline constexpr std::size_t kLogEntriesMax = 1 << 15;
/// Ranges that a replay may change: 2 MiB of places, and 5 MiB while they are sorted. The usual log
/// of 1 MiB has room for 255 pages.
inline constexpr std::size_t kOverlayRangesMax = 1 << 16;
/// What the open images of a chain, or of an export, may keep in memory of their files, caches
/// apart: the ranges of replayed logs (32 bytes each) and the paths to parents. Three of the
/// fullest logs; a log of 1 MiB takes 8 KiB, a usual parent locator 1 KiB. With the tables' pages
/// and what a replay takes meanwhile, no chain needs more than 64 MiB.
inline constexpr std::size_t kKeptBytesMax = 6 * kMiB;

inline constexpr std::size_t kRegionEntriesMax = 2047;
inline constexpr std::size_t kMetadataEntriesMax = 2047;
inline constexpr std::size_t kMetadataUserEntriesMax = 1024;
inline constexpr std::uint32_t kMetadataItemBytesMax = kMiB;
inline constexpr std::size_t kLocatorEntriesMax = 256;
/// The length field has 16 bits.
inline constexpr std::size_t kLocatorValueBytesMax = 65'534;
/// Of all keys and values together: entries may name the same bytes again and again. Three paths of
/// the greatest length have room.
inline constexpr std::size_t kLocatorTextBytesMax = 256 * kKiB;

/// Pages of the allocation table and of bitmaps that one open image keeps: 256 KiB, 16 MiB in the
/// longest chain. Who reads in order needs one of each.
inline constexpr std::size_t kTablePageBytes = 64 * kKiB;
inline constexpr std::size_t kTablePagesMax = 4;

/// The VHD format's own.
inline constexpr std::uint64_t kVhdSizeBytesMax = 2040 * kGiB;
/// 512 KiB and 2 MiB are usual; one sector is the least that the format can say.
inline constexpr std::uint64_t kVhdBlockSizeBytesMin = 512;
inline constexpr std::uint64_t kVhdBlockSizeBytesMax = 256 * kMiB;
/// The largest disk in blocks of 64 KiB, or smaller disks in smaller blocks.
inline constexpr std::uint64_t kVhdTableEntriesMax = 1 << 25;
inline constexpr std::uint32_t kVhdLocatorBytesMax = 64 * kKiB;
/// What the search for overlapping blocks keeps at a time: 32 MiB.
inline constexpr std::size_t kVhdAliasBucketsMax = 1 << 23;

/// Of one export or of one folder: far more than a machine has disks and checkpoints.
inline constexpr std::size_t kChainImagesMax = 4096;

/// Of the facts about all layers of a chain, as they are shown: a value counts as 128 bytes, and
/// each byte of its text as 8, since it may become 6 in JSON. One image with every table full needs
/// less.
inline constexpr std::size_t kFactsWeightMax = 16 * kMiB;
inline constexpr std::size_t kFactsValueWeight = 128;
inline constexpr std::size_t kFactsTextWeight = 8;

/// What is kept of the words of a program that failed.
inline constexpr std::size_t kToolMessageBytesMax = 4 * kKiB;

}  // namespace entrepot::disk::limits

// Bounds on what a guest's disk may make us do. Numbers without another origin are ours, generous
// against what real guests have.
#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>

namespace entrepot::guest::limits {

/// Windows and Linux write 128; more are legal.
inline constexpr std::uint32_t kGptEntriesMax = 1024;
inline constexpr std::uint32_t kGptEntryBytesMax = 4096;
inline constexpr std::size_t kGptTableBytesMax = kMiB;
/// Logical partitions of an MBR disk.
inline constexpr std::size_t kLogicalPartitionsMax = 128;
inline constexpr std::size_t kVolumesMax = 1200;
/// Of LVM on one partition, and pieces of one of them.
inline constexpr std::size_t kLogicalVolumesMax = 512;
inline constexpr std::size_t kLvmPiecesMax = 10'000;
inline constexpr std::size_t kNoticesMax = 32;
inline constexpr std::size_t kNoticeBytesMax = 512;

/// 255 UTF-16 units or bytes are what file systems allow; escaped, a byte takes four.
inline constexpr std::size_t kNameBytesMax = 4096;
inline constexpr std::size_t kPathBytesMax = 32 * kKiB;
inline constexpr std::size_t kPathDepthMax = 128;
inline constexpr std::size_t kLinkTargetBytesMax = 4 * kKiB;
inline constexpr std::size_t kLabelBytesMax = 512;

inline constexpr std::size_t kPageEntriesMax = 1000;
/// Of one folder: 100,000 are real, ten times as many fit the worker's memory.
inline constexpr std::size_t kFolderEntriesMax = 1'000'000;
inline constexpr std::size_t kFolderBytesMax = 64 * kMiB;
/// Of an NTFS folder: what lies in its record, and a bit for each index record. The bits of a
/// million names need a few thousand bytes.
inline constexpr std::size_t kIndexRootBytesMax = 64 * kKiB;
inline constexpr std::size_t kIndexBitmapBytesMax = 64 * kKiB;
inline constexpr std::size_t kStreamsMax = 64;
/// Runs of one file that are looked at before it is read; a terabyte in pieces of 256 KiB.
inline constexpr std::size_t kRunsMax = 4'000'000;
/// Blocks of one file's tree of extents; as many as so many runs need in blocks of 1 KiB.
inline constexpr std::size_t kExtentNodesMax = 100'000;
/// Of the log of XFS, what may be held of transactions, and sectors that it changes: together less
/// than half of the worker's memory.
inline constexpr std::size_t kXfsLogBytesMax = 96 * kMiB;
inline constexpr std::size_t kXfsReplayedSectorsMax = 150'000;
inline constexpr std::size_t kXfsOpenTransactionsMax = 1000;
/// Of the journal of ext: its size, which mke2fs makes a GiB at most by itself; blocks of it that
/// stand for others, and blocks that were freed. Together less than half of the worker's memory.
inline constexpr std::uint64_t kExtJournalBytesMax = 2 * kGiB;
inline constexpr std::size_t kExtMovedBlocksMax = 2'100'000;
inline constexpr std::size_t kExtRevokesMax = 2'100'000;
inline constexpr std::size_t kExtFastCommitBytesMax = 32 * kMiB;
/// Of all files that fast commits change.
inline constexpr std::size_t kExtFastRunsMax = 500'000;
inline constexpr std::size_t kReadBytesMax = kMiB;
/// Of a file's content, told in one answer.
inline constexpr std::size_t kPlacesMax = 10'000;
inline constexpr std::size_t kReparseBytesMax = 16 * kKiB;
/// Folders whose place in the file system is remembered.
inline constexpr std::size_t kFoldersKnownMax = 10'000;

}  // namespace entrepot::guest::limits

// The content of a virtual disk, wherever it comes from: an image, a chain of images, a recovery
// point.
#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace entrepot::disk {

enum class ExtentKind {
    data,      ///< Bytes are present here.
    zero,      ///< Reads as zeros, and says so.
    unmapped,  ///< The guest gave the range back; reads as zeros.
    parent,    ///< Nothing is said here: the content is the parent's.
};

/// A range of a disk of one kind. Offset and length are multiples of the logical sector size.
struct DiskExtent {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    ExtentKind kind = ExtentKind::zero;
    bool operator==(const DiskExtent&) const = default;
};

/// Reads from several threads are safe if the implementation says so.
class DiskSource {
public:
    virtual ~DiskSource() = default;

    virtual std::uint64_t size_bytes() const = 0;
    virtual std::uint32_t logical_sector_size() const = 0;

    /// Fills the target; ranges of kind zero and unmapped read as zeros. Throws
    /// Error{parent_missing} for a range of kind parent. Requires that the range lies in the disk.
    virtual void read(std::uint64_t offset, MutableByteView target) const = 0;

    /// The extent that begins at `offset`, as long as its kind lasts but at most `length_max` and
    /// never beyond the disk. Requires offset < size_bytes(), both sector aligned.
    virtual DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const = 0;

    /// Throws Error{corrupt} if what was read may be of two times: asked before what came of it is
    /// believed. A source that nobody else can write to has nothing to look at.
    virtual void check_unchanged() const {}
};

}  // namespace entrepot::disk

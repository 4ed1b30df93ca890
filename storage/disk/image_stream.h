// An image of a disk as a stream of bytes, first to last, without a file: for a download, which
// cannot go back.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/disk/disk_writer.h"

#include "base/random.h"

#include <cstdint>
#include <memory>
#include <stop_token>

namespace entrepot::disk {

inline constexpr std::size_t kImagePieceBytes = kMiB;

/// Not for several threads.
class ImageStream {
public:
    virtual ~ImageStream() = default;
    /// Known before the first byte: whoever gets less knows that it broke off.
    virtual std::uint64_t size_bytes() const = 0;
    /// The next piece, at most kImagePieceBytes; empty at the end. Errors are the source's.
    virtual Bytes next() = 0;
};

/// Asks the source where it holds data, and reads nothing yet; the source outlives the stream.
/// Formats are raw, vhdx and qcow2: Error{unsupported} for others, and for what write_disk()
/// refuses. Memory is a bit for each block, and a VHDX's table: some MiB for the largest disk.
/// Error{cancelled} if asked to stop meanwhile.
std::unique_ptr<ImageStream> open_image_stream(const DiskSource& source,
                                               const WriteOptions& options, Random& random,
                                               const std::stop_token& stop);

}  // namespace entrepot::disk

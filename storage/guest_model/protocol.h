// What the worker that reads guests' files and its parent say to each other, over a socket: frames
// of a length (four bytes), a kind (one) and a body. The parent believes nothing that comes back.
#pragma once

#include "storage/guest_model/content_place.h"
#include "storage/guest_model/file_entry.h"
#include "storage/guest_model/volume.h"

#include "base/bytes.h"
#include "base/error.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace entrepot::guest {

inline constexpr std::size_t kFrameHeadBytes = 5;
/// A page of a folder, or a piece of content with room around it.
inline constexpr std::size_t kFrameBytesMax = 4 * kMiB;
/// What of a page a worker sends at most; the rest is on the next.
inline constexpr std::size_t kPageBytesMax = kMiB;
/// Of one answer to the worker's question for the disk.
inline constexpr std::size_t kDiskReadBytesMax = kMiB;

enum class MessageKind : std::uint8_t {
    // From the parent.
    hello = 1,  ///< The disk's size and sector size; not answered.
    volumes,
    list,
    status,
    read,
    disk_data,
    disk_failed,
    locate,
    // From the worker.
    ask_disk = 64,
    volumes_answer,
    page,
    status_answer,
    content,
    failure,
    places,
};

struct Message {
    MessageKind kind{};
    Bytes body;
};

struct DiskShape {
    std::uint64_t size_bytes = 0;
    std::uint32_t sector_size = 512;
};

struct DiskRange {
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
};

struct ListQuestion {
    std::uint32_t volume = 0;
    std::string path;
    std::string after;
    std::uint32_t count_max = 0;
};

struct StatusQuestion {
    std::uint32_t volume = 0;
    std::string path;
};

struct ReadQuestion {
    std::uint32_t volume = 0;
    std::string path;
    std::string stream;
    DiskRange range;  ///< Of the content.
};

struct LocateQuestion {
    std::uint32_t volume = 0;
    std::string path;
    std::string stream;
    std::uint64_t offset = 0;  ///< Of the content.
};

/// Decoding throws Error{protocol} for a body that is not exactly what it should be, or holds a
/// name or a text that could do harm where it is shown.
Bytes encode(const DiskShape& shape);
DiskShape decode_shape(ByteView body);
Bytes encode(const DiskRange& range);
DiskRange decode_range(ByteView body);
Bytes encode(const ListQuestion& question);
ListQuestion decode_list(ByteView body);
Bytes encode(const StatusQuestion& question);
StatusQuestion decode_status_question(ByteView body);
Bytes encode(const ReadQuestion& question);
ReadQuestion decode_read(ByteView body);
Bytes encode(const LocateQuestion& question);
LocateQuestion decode_locate(ByteView body);

Bytes encode(const VolumeTable& table);
VolumeTable decode_volumes(ByteView body);
/// Leaves out what does not fit; has_more says so.
Bytes encode(const FolderPage& page);
FolderPage decode_page(ByteView body);
Bytes encode(const FileStatus& status);
FileStatus decode_status(ByteView body);
/// Of the disk; at most limits::kPlacesMax. Decoded, they are not empty, and lie in a disk of that
/// size.
Bytes encode(const std::vector<ContentPlace>& places);
std::vector<ContentPlace> decode_places(ByteView body, std::uint64_t disk_bytes);
Bytes encode(const Error& error);
Error decode_error(ByteView body);

}  // namespace entrepot::guest

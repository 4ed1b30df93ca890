// Whether an image file is whole: every structure, checksum and table entry, as far as each can be
// followed. Unlike a reader, which stops at the first lie it meets, a check goes on and lists all.
#pragma once

#include "storage/disk/disk_image.h"

#include "base/file_system.h"
#include "base/json.h"
#include "base/progress.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::disk {

/// More are counted, but not listed.
inline constexpr std::size_t kFindingsMax = 1000;

enum class Severity {
    note,         ///< Worth knowing; nothing is wrong.
    warning,      ///< Outside of the format or wasteful, but every sector reads right.
    incomplete,   ///< The file is sound, but the parent that it needs is not at hand.
    unsupported,  ///< Intact, but of a kind that is not read here.
    damage,       ///< The image, or a part of it, cannot be read or cannot be believed.
};

enum class FindingKind {
    structure,      ///< A field that the format forbids.
    checksum,       ///< A signature or checksum that is wrong.
    overlap,        ///< Two owners of one place.
    leak,           ///< File space that belongs to nothing.
    soft_anchor,    ///< Space that a block without content keeps.
    dirty_log,      ///< A log that is to be replayed.
    copies_differ,  ///< Two copies that should be equal.
    short_block,    ///< A last block whose file space ends early.
    stray_bits,     ///< Bitmap bits behind the end of the disk.
    parent,         ///< What a differencing image says of its parent is not so.
};

struct Finding {
    Severity severity = Severity::note;
    FindingKind kind = FindingKind::structure;
    std::string structure;                ///< "header", "BAT", ...
    std::string field;                    ///< In the structure; may be empty.
    std::optional<std::uint64_t> offset;  ///< In the file.
    std::string message;
};

/// What a table says, counted.
struct BlockCounts {
    std::uint64_t not_present = 0;
    std::uint64_t zero = 0;
    std::uint64_t unmapped = 0;
    std::uint64_t present = 0;
    std::uint64_t partial = 0;
    std::uint64_t bitmaps = 0;
    std::uint64_t soft_anchors = 0;
    std::uint64_t leaked_bytes = 0;
};

struct ImageCheck {
    std::string file;
    std::optional<ImageFormat> format;  ///< Unset where the file is no image that we know.
    std::vector<Finding> findings;      ///< At most kFindingsMax, in the order of the structures.
    std::uint64_t finding_count = 0;    ///< With those that are not listed.
    Severity worst = Severity::note;
    std::optional<BlockCounts> blocks;  ///< Unset where no table could be walked.

    void add(Finding finding);
    bool is_damaged() const { return worst == Severity::damage; }
    /// "sound", "incomplete", "unsupported" or "damaged".
    std::string_view verdict() const;
};

/// Checks one file. Never throws for what the file holds; Error{io} and Error{cancelled} go on.
/// Costs one bit of memory for each MiB of the file.
ImageCheck check_image(const File& file, const Work& work);

/// What a child says of its parent against the parent itself: identity, sector size, disk id, size.
void check_parent(const ImageInfo& child, const ImageInfo& parent, ImageCheck& check);

/// {"file","format","result","findings":[{"severity","kind","structure","field","offset",
/// "message"}],"finding_count","blocks":{...}}
Json to_json(const ImageCheck& check);

std::string_view to_string(Severity severity);
std::string_view to_string(FindingKind kind);

}  // namespace entrepot::disk

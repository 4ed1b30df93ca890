// The host's VHDX writer (vhdx.md sections 1, 2, 4, 5; MS-VHDX 2). Shares no code with storage.
#pragma once

#include "base/guid.h"
#include "base/random.h"
#include "tests/hostsim/disk/byte_range.h"
#include "tests/hostsim/disk/content.h"
#include "tests/hostsim/disk/share_target.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::hostsim {

/// The parent locator: keys and values in the order in which they are written.
using ParentLocator = std::vector<std::pair<std::string, std::string>>;

struct ImageGeometry {
    std::uint64_t size_bytes = 0;
    std::uint32_t block_size = 32 * 1024 * 1024;
    std::uint32_t logical_sector_size = 512;
    Guid disk_id;
    Guid data_write_guid;
    std::optional<ParentLocator> parent;
    bool is_incomplete = false;  ///< Carries the item of an image that is still being made.
};

/// How much the writer may vary what readers must not rely on.
struct ImageVariety {
    bool marks_zero_blocks = false;    ///< Zero and unmapped blocks instead of data.
    bool leaves_garbage = false;       ///< Bytes in sectors whose bit is clear, soft anchors.
    bool uses_bitmaps_always = false;  ///< State 7 for a block that is present as a whole.
};

/// Called with every number of bytes written; may throw, to slow down or to end the export.
using OnWritten = std::function<void(std::uint64_t)>;

class VhdxWriter {
public:
    VhdxWriter(TargetFile& file, const ImageGeometry& geometry, const ImageVariety& variety,
               Random& random, OnWritten on_written);

    /// All of the content, as a disk without parent.
    void write_all(const DiskContent& content);
    /// The ranges that differ from the parent; sorted and aligned to sectors.
    void write_ranges(const DiskContent& content, const std::vector<ByteRange>& ranges);
    /// Metadata, BAT and bitmaps. Returns the length of the file.
    std::uint64_t finish();
    /// Where the block that was given space last lies in the file; empty where none was.
    const ByteRange& last_block() const { return last_block_; }

private:
    enum class State : std::uint8_t {
        not_present = 0,
        undefined = 1,
        zero = 2,
        unmapped = 3,
        fully_present = 6,
        partially_present = 7,
    };
    std::uint64_t chunk_ratio() const;
    std::uint64_t allocate(std::uint64_t length);
    void set_entry(std::uint64_t block, State state, std::uint64_t offset);
    void write_whole_block(const DiskContent& content, std::uint64_t block);
    void write_part(const DiskContent& content, std::uint64_t block,
                    const std::vector<ByteRange>& ranges);
    bool write_zero_block(const DiskContent& content, std::uint64_t block);
    void copy(const DiskContent& content, const ByteRange& range, std::uint64_t file_offset);
    void set_bits(std::uint64_t block, const ByteRange& range);
    void write_garbage(std::uint64_t block, const std::vector<ByteRange>& ranges,
                       std::uint64_t file_offset);
    ByteRange range_of(std::uint64_t block) const;
    std::uint64_t entry_count() const;
    Bytes make_metadata() const;
    void write_headers();
    void write_regions(std::uint64_t bat_length);
    void put(std::uint64_t offset, ByteView data);
    bool chance(unsigned percent);

    TargetFile& file_;
    ImageGeometry geometry_;
    ImageVariety variety_;
    Random& random_;
    OnWritten on_written_;
    std::uint64_t end_ = 0;
    ByteRange last_block_{};
    std::map<std::uint64_t, std::uint64_t> entries_;  ///< By BAT index.
    struct Bitmap {
        std::uint64_t file_offset = 0;
        Bytes bits;
    };
    std::map<std::uint64_t, Bitmap> bitmaps_;  ///< By chunk.
};

}  // namespace entrepot::hostsim

// One image file: its identity, its own content, and who its parent must be.
#pragma once

#include "storage/disk/disk_source.h"

#include "base/file_system.h"
#include "base/guid.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::disk {

enum class ImageFormat { raw, vhdx, vhd };
enum class ImageType { fixed, dynamic, differencing };

/// What a differencing image says of its parent. Paths are shown to people and never opened.
struct ParentLocator {
    /// DataWriteGuid of the parent when the child was made; in a VHD the parent's unique id.
    Guid linkage;
    std::optional<Guid> linkage2;  ///< A second acceptable one, if it is not null.
    std::string relative_path;
    std::string absolute_path;
    std::string volume_path;
    std::string parent_name;  ///< Only in a VHD: the name in its dynamic header, often a path.
    /// The last component of the most specific path; empty if there is no path.
    std::string leaf_name() const;
    std::size_t text_bytes() const {
        return relative_path.size() + absolute_path.size() + volume_path.size() +
               parent_name.size();
    }
};

/// One of the up to eight places where a VHD says how its parent is called.
struct VhdLocator {
    std::string platform_code;  ///< "W2ku", "W2ru", "W2k", "W2r", "MacX", "Mac "; printable.
    std::uint32_t data_space = 0;
    std::uint32_t data_length_bytes = 0;
    std::uint64_t data_offset = 0;
    std::string text;  ///< Empty for a code whose content is no text.
};

/// What stands in a VHD's footer and dynamic header and has no place in ImageInfo.
struct VhdFields {
    std::uint32_t features = 0;
    std::uint32_t version = 0;
    std::uint32_t time_stamp = 0;     ///< Seconds since 2000-01-01 00:00 UTC.
    std::string creator_application;  ///< "win ", "vpc ", "qemu", ...; printable.
    std::uint32_t creator_version = 0;
    std::string creator_system;  ///< "Wi2k" or "Mac "; printable.
    std::uint64_t original_size_bytes = 0;
    std::uint64_t current_size_bytes = 0;
    std::uint16_t cylinders = 0;
    std::uint8_t heads = 0;
    std::uint8_t sectors_per_track = 0;
    Guid unique_id;
    bool has_saved_state = false;
    std::uint32_t footer_length_bytes = 512;  ///< 511 in files of old Virtual PC.
    bool is_footer_copy_used = false;         ///< The one at the end is damaged.
    // Null or empty in a fixed image.
    std::uint64_t table_offset = 0;
    std::uint32_t table_entry_count = 0;
    std::uint32_t parent_time_stamp = 0;
    std::vector<VhdLocator> locators;

    std::uint64_t geometry_size_bytes() const {
        return std::uint64_t{cylinders} * heads * sectors_per_track * 512;
    }
};

/// Everything that stands in the headers.
struct ImageInfo {
    ImageFormat format = ImageFormat::raw;
    ImageType type = ImageType::dynamic;
    std::uint64_t size_bytes = 0;  ///< Of the virtual disk.
    std::uint64_t file_size_bytes = 0;
    std::uint32_t block_size_bytes = 0;
    std::uint32_t logical_sector_size = 512;
    std::uint32_t physical_sector_size = 512;
    Guid virtual_disk_id;  ///< Travels with the disk; null for raw; unique id of a VHD.
    /// What a child records of its parent. Changes with the content, but not in a VHD, where it is
    /// the unique id. Null for raw.
    Guid data_write_guid;
    bool is_log_dirty = false;
    std::string creator;
    std::optional<ParentLocator> parent;  ///< For differencing images.
    std::optional<VhdFields> vhd;         ///< For VHD.
    std::vector<std::string> warnings;    ///< Oddities that were tolerated.
    /// What the open image keeps in memory of its file, caches apart; see KeptMemory.
    std::size_t kept_bytes = 0;
};

/// An open image. As a DiskSource it shows its own layer only: in a differencing image, what it
/// does not hold is of kind parent. Safe to read from several threads.
class DiskImage : public DiskSource {
public:
    virtual const ImageInfo& info() const = 0;
    virtual const File& file() const = 0;
    /// True if the layer holds no sector at all (every extent is of kind parent).
    virtual bool is_empty_layer() const = 0;
    /// Reads the headers again and throws Error{corrupt} if they, or the file's size, are not what
    /// they were.
    void check_unchanged() const override = 0;
};

/// Counts what images that are open at a time keep in memory of their files: hostile ones can each
/// be within its bounds, and many together cannot.
class KeptMemory {
public:
    /// Throws Error{limit}, which names the image, when all together keep more than limits.h
    /// allows.
    void add(const DiskImage& image);

private:
    std::size_t bytes_ = 0;
};

/// Opens a VHDX (or AVHDX). The format is expected, not probed: another content is Error{corrupt}
/// that says what it looks like; a VHD, VHD Set or later version is Error{unsupported}. A dirty log
/// is replayed in memory, the file is never written.
std::unique_ptr<DiskImage> open_vhdx(std::unique_ptr<File> file);

/// Opens a VHD (or AVHD) of any type. As open_vhdx(): another content is Error{corrupt}. A damaged
/// footer at the end is replaced by the copy at the start, with a warning. The disk has the
/// footer's current size, as in Hyper-V; where Virtual PC would show less, a warning says so.
std::unique_ptr<DiskImage> open_vhd(std::unique_ptr<File> file);

/// A raw file as a disk; holes are zero.
std::unique_ptr<DiskImage> open_raw(std::unique_ptr<File> file,
                                    std::uint32_t logical_sector_size = 512);

/// By its extension (.vhdx, .avhdx, .vhd, .avhd), else by what its first and last bytes say; what
/// is no known format is raw. A VHD Set (.vhds) is Error{unsupported}. For `entrepot image`, where
/// a person chose the file.
std::unique_ptr<DiskImage> open_any(std::unique_ptr<File> file);

/// The format that a file's name promises; nullopt if it promises none.
std::optional<ImageFormat> format_of_name(const File& file);

/// Walks the whole allocation table and throws Error{corrupt} where two blocks, or a block and a
/// structure of the file, claim the same space. Reading alone checks only the entries it uses;
/// ingest calls this once before it believes an image. Costs one bit per MiB of file for a VHDX;
/// for a VHD, whose blocks are aligned to nothing, at most 32 MiB.
void check_block_aliasing(const DiskImage& image);

std::string_view to_string(ImageFormat format);
std::string_view to_string(ImageType type);

}  // namespace entrepot::disk

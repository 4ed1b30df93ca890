// The host's VHDX reader, as strict as Windows where a guest would notice (vhdx.md sections 1, 2,
// 4; MS-VHDX 2). Shares no code with storage, and only the numbers of the format with the writer.
#pragma once

#include "base/guid.h"
#include "tests/hostsim/disk/content.h"
#include "tests/hostsim/disk/share_source.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::hostsim {

/// What one image says about itself.
struct ImageFacts {
    std::uint64_t size_bytes = 0;
    std::uint32_t block_size = 0;
    std::uint32_t logical_sector_size = 0;
    std::uint32_t physical_sector_size = 0;
    bool is_fixed = false;
    bool has_parent = false;
    Guid disk_id;
    Guid data_write_guid;
    std::map<std::string, std::string> locator;  ///< Of the parent: keys and values.
};

/// One image. A dirty log is refused: nothing that is to be imported has one.
class VhdxReader {
public:
    /// Throws TargetFailure with the codes of hyperv-wmi.md 5.6.
    explicit VhdxReader(std::unique_ptr<SourceFile> file);

    const ImageFacts& facts() const { return facts_; }

    /// Where the bytes from an offset on are, up to the end of what is alike.
    struct Run {
        enum class Kind { data, zeros, parent };
        Kind kind = Kind::zeros;
        std::uint64_t length = 0;
        std::uint64_t file_offset = 0;  ///< Of data.
    };
    Run find_run(std::uint64_t offset) const;
    void read_file(std::uint64_t offset, MutableByteView target) const {
        file_->read(offset, target);
    }

private:
    struct Region {
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
    };
    struct Regions {
        Region bat;
        Region metadata;
    };
    void read_headers();
    Regions read_regions() const;
    void read_metadata(const Region& region);
    void read_item(const Guid& id, ByteView item, bool is_required);
    void read_locator(ByteView item);
    void check_facts() const;
    void read_bat(const Region& region);
    void check_entry(std::uint64_t index, std::uint64_t entry) const;
    std::uint64_t chunk_ratio() const;
    Run find_partial_run(std::uint64_t block, std::uint64_t within, std::uint64_t length,
                         std::uint64_t payload) const;

    std::unique_ptr<SourceFile> file_;
    ImageFacts facts_;
    std::vector<std::uint64_t> bat_;
    mutable std::uint64_t cached_bitmap_ = 0;  ///< Its offset in the file; 0 for none.
    mutable Bytes bitmap_;
};

/// An image and its ancestors as one disk.
class ImageChain final : public DiskContent {
public:
    /// Opens the file that a path names; throws TargetFailure.
    using Opener = std::function<std::unique_ptr<SourceFile>(const std::string& path)>;

    /// The path is as the host names it; parents are looked for as Windows does: relative to the
    /// child, then by the absolute path. Their DataWriteGuid and sizes must fit.
    ImageChain(const std::string& path, const Opener& open);

    const ImageFacts& facts() const { return images_.front()->facts(); }
    /// The files, leaf first.
    const std::vector<std::string>& paths() const { return paths_; }

    std::uint64_t size() const override { return facts().size_bytes; }
    void read(std::uint64_t offset, MutableByteView target) const override;
    std::optional<ByteRange> find_data(std::uint64_t offset) const override;

private:
    struct Found {
        const VhdxReader* image = nullptr;  ///< Nullptr: zeros.
        std::uint64_t length = 0;
        std::uint64_t file_offset = 0;
    };
    Found find(std::uint64_t offset) const;
    void add_parents(const Opener& open);

    std::vector<std::unique_ptr<VhdxReader>> images_;
    std::vector<std::string> paths_;
};

}  // namespace entrepot::hostsim

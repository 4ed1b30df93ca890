// An open VHDX. Others see it as a DiskImage.
#pragma once

#include "storage/disk/block_table.h"
#include "storage/disk/disk_image.h"
#include "storage/disk/hole_map.h"
#include "storage/disk/vhdx_header.h"

#include <memory>

namespace entrepot::disk::vhdx {

class VhdxImage final : public DiskImage {
public:
    /// See open_vhdx().
    explicit VhdxImage(std::unique_ptr<File> file);
    ~VhdxImage() override;

    const ImageInfo& info() const override { return info_; }
    const File& file() const override { return *file_; }
    bool is_empty_layer() const override;
    void check_unchanged() const override;
    /// See check_block_aliasing().
    void check_aliasing() const;
    /// See disk::find_unwritten_blocks().
    UnwrittenBlocks find_unwritten_blocks() const { return table_->find_unwritten_blocks(); }

    std::uint64_t size_bytes() const override { return info_.size_bytes; }
    std::uint32_t logical_sector_size() const override { return info_.logical_sector_size; }
    void read(std::uint64_t offset, MutableByteView target) const override;
    DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override;

private:
    struct Opened;
    struct Piece {
        ExtentKind kind = ExtentKind::zero;
        std::uint64_t length = 0;
        std::uint64_t file_offset = 0;  ///< For data.
    };
    static Opened open(const File& file);
    Piece piece_at(std::uint64_t offset, std::uint64_t length_max) const;
    Piece refine(Piece piece) const;
    void read_pieces(std::uint64_t offset, MutableByteView target) const;
    DiskExtent find_extent(std::uint64_t offset, std::uint64_t length_max) const;

    std::unique_ptr<File> file_;
    ImageInfo info_;
    Header header_;
    // Behind pointers because they refer to each other and to the file.
    std::unique_ptr<ImageView> view_;
    std::unique_ptr<Geometry> geometry_;
    std::unique_ptr<BlockTable> table_;
    std::unique_ptr<HoleMap> holes_;
};

}  // namespace entrepot::disk::vhdx

// A VHDX as a disk: what each block state reads as (MS-VHDX 2.5.1.1; vhdx.md section 2).
#include "storage/disk/vhdx_image.h"

#include "storage/disk/image_context.h"
#include "storage/disk/limits.h"
#include "storage/disk/refusal.h"
#include "storage/disk/vhdx_log.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace entrepot::disk::vhdx {
namespace {

BlockTable::Empty empty_of(ExtentKind kind) {
    switch (kind) {
        case ExtentKind::data:
            return BlockTable::Empty::no;
        case ExtentKind::zero:
            return BlockTable::Empty::zero;
        case ExtentKind::unmapped:
            return BlockTable::Empty::unmapped;
        case ExtentKind::parent:
            return BlockTable::Empty::parent;
    }
    return BlockTable::Empty::no;
}

}  // namespace

/// What has to be known before a table can be read.
struct VhdxImage::Opened {
    ImageInfo info;
    Header header;
    std::unique_ptr<ImageView> view;
    Regions regions;
    Metadata metadata;
};

VhdxImage::Opened VhdxImage::open(const File& file) {
    Opened opened;
    ImageInfo& info = opened.info;
    info.format = ImageFormat::vhdx;
    info.creator = read_file_identifier(file);
    info.file_size_bytes = file.size();
    opened.header = read_current_header(file, info.warnings);
    const FileRange log = checked_log_range(opened.header, info.file_size_bytes);
    info.is_log_dirty = !opened.header.log_guid.is_null();

    Overlay overlay;
    std::uint64_t size = info.file_size_bytes;
    if (info.is_log_dirty) {
        Replay replay = replay_log(file, log, opened.header.log_guid);
        overlay = std::move(replay.overlay);
        info.kept_bytes = overlay.kept_bytes();
        size = replay.file_size_bytes;
        info.warnings.push_back(
            fmt::format("the log was replayed in memory ({} entries)", replay.entry_count));
    }
    opened.view = std::make_unique<ImageView>(file, std::move(overlay), size);
    opened.regions = read_regions(*opened.view, log, info.warnings);
    opened.metadata = read_metadata(*opened.view, opened.regions.metadata, info.warnings);

    const Metadata& metadata = opened.metadata;
    info.type = metadata.has_parent ? ImageType::differencing
                : metadata.is_fixed ? ImageType::fixed
                                    : ImageType::dynamic;
    info.size_bytes = metadata.size_bytes;
    info.block_size_bytes = metadata.block_size_bytes;
    info.logical_sector_size = metadata.logical_sector_size;
    info.physical_sector_size = metadata.physical_sector_size;
    info.virtual_disk_id = metadata.virtual_disk_id;
    info.data_write_guid = opened.header.data_write_guid;
    info.parent = metadata.parent;
    if (info.parent) info.kept_bytes += info.parent->text_bytes();
    return opened;
}

VhdxImage::VhdxImage(std::unique_ptr<File> file) : file_(std::move(file)) {
    Opened opened = open(*file_);
    info_ = std::move(opened.info);
    header_ = opened.header;
    view_ = std::move(opened.view);
    geometry_ = std::make_unique<Geometry>(opened.metadata);
    table_ = std::make_unique<BlockTable>(*view_, *geometry_, opened.regions);
    holes_ = std::make_unique<HoleMap>(*file_);
    if (auto warning = table_->find_short_last_block()) info_.warnings.push_back(*warning);
}

VhdxImage::~VhdxImage() = default;

/// What the block says from a place in it on, at most `length_max` and not beyond the block.
VhdxImage::Piece VhdxImage::piece_at(std::uint64_t offset, std::uint64_t length_max) const {
    const std::uint64_t block = offset / geometry_->block_size_bytes;
    const std::uint64_t in_block = offset % geometry_->block_size_bytes;
    Piece piece;
    piece.length = std::min(length_max, geometry_->bytes_in_block(block) - in_block);
    const BlockEntry entry = table_->block(block);
    piece.file_offset = entry.file_offset + in_block;
    switch (entry.state) {
        case BlockState::not_present:
            piece.kind = geometry_->has_parent ? ExtentKind::parent : ExtentKind::zero;
            break;
        case BlockState::zero:
            piece.kind = ExtentKind::zero;
            break;
        case BlockState::unmapped:
            piece.kind = ExtentKind::unmapped;
            break;
        case BlockState::present:
            piece.kind = ExtentKind::data;
            break;
        case BlockState::partial: {
            const std::uint64_t sector_size = geometry_->sector_size;
            const std::uint64_t chunk_bytes = geometry_->chunk_ratio * geometry_->block_size_bytes;
            const std::uint64_t in_sector = in_block % sector_size;
            const auto run =
                table_->bit_run(table_->bitmap_of_block(block), offset % chunk_bytes / sector_size,
                                (in_sector + piece.length + sector_size - 1) / sector_size);
            piece.kind = run.is_here ? ExtentKind::data : ExtentKind::parent;
            piece.length = std::min(piece.length, run.sector_count * sector_size - in_sector);
            break;
        }
    }
    return piece;
}

void VhdxImage::read(std::uint64_t offset, MutableByteView target) const {
    ENTREPOT_CHECK(offset <= size_bytes() && target.size() <= size_bytes() - offset);
    with_image("reading", file_->path(), [&] { read_pieces(offset, target); });
}

void VhdxImage::read_pieces(std::uint64_t offset, MutableByteView target) const {
    while (!target.empty()) {
        const Piece piece = piece_at(offset, target.size());
        const MutableByteView part = target.first(piece.length);
        switch (piece.kind) {
            case ExtentKind::data:
                view_->read(piece.file_offset, part);
                break;
            case ExtentKind::zero:
            case ExtentKind::unmapped:
                std::memset(part.data(), 0, part.size());
                break;
            case ExtentKind::parent:
                throw Error{ErrorCode::parent_missing,
                            fmt::format("offset {} of the disk is in the parent {} (linkage {}), "
                                        "which is not here",
                                        offset, shorten_text(info_.parent->leaf_name()),
                                        info_.parent->linkage.to_string())};
        }
        target = target.subspan(piece.length);
        offset += piece.length;
    }
}

/// Data in a hole of the image file was never written: it is zero.
VhdxImage::Piece VhdxImage::refine(Piece piece) const {
    if (piece.kind != ExtentKind::data) return piece;
    if (!view_->is_plain(piece.file_offset, piece.length)) return piece;
    const auto run = holes_->run_at(piece.file_offset, piece.length, geometry_->sector_size);
    piece.length = run.length;
    if (run.is_hole) piece.kind = ExtentKind::zero;
    return piece;
}

DiskExtent VhdxImage::extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    ENTREPOT_CHECK(offset < size_bytes() && length_max > 0);
    ENTREPOT_CHECK(offset % geometry_->sector_size == 0);
    length_max = std::min(length_max, size_bytes() - offset);
    return with_image("reading", file_->path(), [&] { return find_extent(offset, length_max); });
}

DiskExtent VhdxImage::find_extent(std::uint64_t offset, std::uint64_t length_max) const {
    const std::uint64_t block_size = geometry_->block_size_bytes;
    Piece piece = refine(piece_at(offset, length_max));
    DiskExtent extent{offset, piece.length, piece.kind};
    while (extent.length < length_max) {
        const std::uint64_t at = offset + extent.length;
        if (at % block_size == 0 && extent.kind != ExtentKind::data) {
            // Runs of blocks that hold nothing go by in one loop over table pages.
            const std::uint64_t first = at / block_size;
            const std::uint64_t end = (offset + length_max) / block_size;
            const std::uint64_t next = table_->skip_empty(first, end, empty_of(extent.kind));
            if (next > first) {
                extent.length += (next - first) * block_size;
                continue;
            }
        }
        piece = refine(piece_at(at, length_max - extent.length));
        if (piece.kind != extent.kind) break;
        extent.length += piece.length;
    }
    return extent;
}

bool VhdxImage::is_empty_layer() const {
    if (!geometry_->has_parent) return false;
    const DiskExtent extent = extent_at(0, size_bytes());
    return extent.kind == ExtentKind::parent && extent.length == size_bytes();
}

void VhdxImage::check_unchanged() const {
    std::vector<std::string> ignored;
    const Header now = read_current_header(*file_, ignored);
    if (now == header_ && file_->size() == info_.file_size_bytes) return;
    throw Error{ErrorCode::corrupt,
                fmt::format("image {} changed while it was read: header sequence {} is now {}, "
                            "{} bytes are now {}",
                            file_->path().string(), header_.sequence_number, now.sequence_number,
                            info_.file_size_bytes, file_->size())};
}

void VhdxImage::check_aliasing() const {
    table_->check_aliasing();
}

}  // namespace entrepot::disk::vhdx

namespace entrepot::disk {

std::unique_ptr<DiskImage> open_vhdx(std::unique_ptr<File> file) {
    ENTREPOT_CHECK(file != nullptr);
    const std::filesystem::path path = file->path();  // The file goes with an image that fails.
    return with_image("opening", path,
                      [&] { return std::make_unique<vhdx::VhdxImage>(std::move(file)); });
}

}  // namespace entrepot::disk

// A VHD as a disk: what a block, its absence and its bitmap read as (vhdx.md section 8).
#include "storage/disk/vhd_image.h"

#include "storage/disk/image_context.h"
#include "storage/disk/refusal.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace entrepot::disk::vhd {
namespace {

VhdFields fields_of(const FoundFooter& found) {
    const Footer& footer = found.footer;
    VhdFields fields;
    fields.features = footer.features;
    fields.version = footer.version;
    fields.time_stamp = footer.time_stamp;
    fields.creator_application =
        printable_code(std::as_bytes(std::span{footer.creator_application}));
    fields.creator_version = footer.creator_version;
    fields.creator_system = printable_code(std::as_bytes(std::span{footer.creator_system}));
    fields.original_size_bytes = footer.original_size;
    fields.current_size_bytes = footer.current_size;
    fields.cylinders = footer.cylinders;
    fields.heads = footer.heads;
    fields.sectors_per_track = footer.sectors_per_track;
    fields.unique_id = footer.unique_id;
    fields.has_saved_state = footer.saved_state != 0;
    fields.footer_length_bytes = found.length;
    fields.is_footer_copy_used = found.is_copy;
    return fields;
}

std::string creator_of(const VhdFields& fields) {
    std::string application = fields.creator_application;
    while (!application.empty() && application.back() == ' ')
        application.pop_back();
    return fmt::format("{} {}.{} ({})", application, fields.creator_version >> 16,
                       fields.creator_version & 0xFFFF, fields.creator_system);
}

}  // namespace

VhdImage::VhdImage(std::unique_ptr<File> file) : file_(std::move(file)) {
    info_.format = ImageFormat::vhd;
    info_.file_size_bytes = file_->size();
    footer_ = read_footer(*file_, info_.warnings);
    info_.vhd = fields_of(footer_);
    info_.creator = creator_of(*info_.vhd);
    info_.size_bytes = footer_.footer.current_size;
    info_.virtual_disk_id = footer_.footer.unique_id;
    info_.data_write_guid = footer_.footer.unique_id;
    view_ = std::make_unique<vhdx::ImageView>(*file_, vhdx::Overlay{}, info_.file_size_bytes);
    holes_ = std::make_unique<HoleMap>(*file_);
    if (footer_.footer.type == kTypeFixed) {
        check_fixed();
    } else {
        open_table();
    }
}

VhdImage::~VhdImage() = default;

void VhdImage::check_fixed() {
    info_.type = ImageType::fixed;
    if (info_.size_bytes > footer_.data_end) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHD footer: Current Size {} in a fixed image that holds {} bytes "
                                "in front of its footer",
                                info_.size_bytes, footer_.data_end)};
    }
    if (info_.size_bytes < footer_.data_end) {
        info_.warnings.push_back(
            fmt::format("the file holds {} bytes between the end of the disk and the footer",
                        footer_.data_end - info_.size_bytes));
    }
    if (footer_.footer.data_offset != kNoOffset) {
        info_.warnings.push_back(
            fmt::format("Data Offset of the footer is {:#x}, and a fixed image has nothing there",
                        footer_.footer.data_offset));
    }
}

void VhdImage::open_table() {
    const DynamicHeader header = read_dynamic_header(*file_, footer_, info_.warnings);
    info_.block_size_bytes = header.block_size;
    info_.vhd->table_offset = header.table_offset;
    info_.vhd->table_entry_count = header.table_entry_count;
    info_.type = ImageType::dynamic;
    if (footer_.footer.type == kTypeDifferencing) {
        info_.type = ImageType::differencing;
        info_.parent = header.parent();
        info_.vhd->parent_time_stamp = header.parent_time_stamp;
        info_.vhd->locators = header.locators;
        info_.kept_bytes = info_.parent->text_bytes();
        for (const VhdLocator& locator : header.locators)
            info_.kept_bytes += locator.text.size();
    }
    table_ = std::make_unique<BlockTable>(*view_, header, info_.size_bytes, footer_.data_end);
    if (auto warning = table_->find_short_last_block()) info_.warnings.push_back(*warning);
}

ExtentKind VhdImage::kind_of_absent() const {
    return info_.parent ? ExtentKind::parent : ExtentKind::zero;
}

/// What the block says from a place in it on, at most `length_max` and not beyond the block.
VhdImage::Piece VhdImage::piece_at(std::uint64_t offset, std::uint64_t length_max) const {
    if (!table_) return {ExtentKind::data, length_max, offset};
    const std::uint64_t block = offset / table_->block_size_bytes();
    const std::uint64_t in_block = offset % table_->block_size_bytes();
    Piece piece;
    piece.length = std::min(length_max, table_->bytes_in_block(block) - in_block);
    const auto place = table_->find_block(block);
    piece.kind = place ? ExtentKind::data : kind_of_absent();
    if (!place) return piece;
    piece.file_offset = place->data_offset + in_block;
    // Without a parent a clear bit means a sector that was never written; its bytes are zero.
    if (!info_.parent) return piece;
    const std::uint64_t in_sector = in_block % kSectorBytes;
    const auto run = table_->bit_run(place->bitmap_offset, in_block / kSectorBytes,
                                     (in_sector + piece.length + kSectorBytes - 1) / kSectorBytes);
    piece.kind = run.is_here ? ExtentKind::data : ExtentKind::parent;
    piece.length = std::min(piece.length, run.sector_count * kSectorBytes - in_sector);
    return piece;
}

void VhdImage::read(std::uint64_t offset, MutableByteView target) const {
    ENTREPOT_CHECK(offset <= size_bytes() && target.size() <= size_bytes() - offset);
    with_image("reading", file_->path(), [&] { read_pieces(offset, target); });
}

void VhdImage::read_pieces(std::uint64_t offset, MutableByteView target) const {
    while (!target.empty()) {
        const Piece piece = piece_at(offset, target.size());
        const MutableByteView part = target.first(piece.length);
        if (piece.kind == ExtentKind::data) {
            view_->read(piece.file_offset, part);
        } else if (piece.kind == ExtentKind::parent) {
            throw Error{ErrorCode::parent_missing,
                        fmt::format("offset {} of the disk is in the parent {} (unique id {}), "
                                    "which is not here",
                                    offset, shorten_text(info_.parent->leaf_name()),
                                    info_.parent->linkage.to_string())};
        } else {
            std::memset(part.data(), 0, part.size());
        }
        target = target.subspan(piece.length);
        offset += piece.length;
    }
}

/// Data in a hole of the image file was never written: it is zero.
VhdImage::Piece VhdImage::refine(Piece piece) const {
    if (piece.kind != ExtentKind::data) return piece;
    const auto run = holes_->run_at(piece.file_offset, piece.length, kSectorBytes);
    piece.length = run.length;
    if (run.is_hole) piece.kind = ExtentKind::zero;
    return piece;
}

DiskExtent VhdImage::extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    ENTREPOT_CHECK(offset < size_bytes() && length_max > 0);
    ENTREPOT_CHECK(offset % kSectorBytes == 0);
    length_max = std::min(length_max, size_bytes() - offset);
    return with_image("reading", file_->path(), [&] { return find_extent(offset, length_max); });
}

DiskExtent VhdImage::find_extent(std::uint64_t offset, std::uint64_t length_max) const {
    Piece piece = refine(piece_at(offset, length_max));
    DiskExtent extent{offset, piece.length, piece.kind};
    while (extent.length < length_max) {
        const std::uint64_t at = offset + extent.length;
        if (table_ && extent.kind == kind_of_absent() && at % table_->block_size_bytes() == 0) {
            // Runs of absent blocks go by in one loop over table pages.
            const std::uint64_t block_size = table_->block_size_bytes();
            const std::uint64_t first = at / block_size;
            const std::uint64_t end = (offset + length_max) / block_size;
            const std::uint64_t next = table_->skip_absent(first, end);
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

bool VhdImage::is_empty_layer() const {
    if (!info_.parent) return false;
    const DiskExtent extent = extent_at(0, size_bytes());
    return extent.kind == ExtentKind::parent && extent.length == size_bytes();
}

void VhdImage::check_unchanged() const {
    std::vector<std::string> ignored;
    const FoundFooter now = read_footer(*file_, ignored);
    if (now.footer == footer_.footer && file_->size() == info_.file_size_bytes) return;
    throw Error{ErrorCode::corrupt,
                fmt::format("image {} changed while it was read: its footer differs, or {} bytes "
                            "are now {}",
                            file_->path().string(), info_.file_size_bytes, file_->size())};
}

void VhdImage::check_aliasing() const {
    if (table_) table_->check_aliasing();
}

}  // namespace entrepot::disk::vhd

namespace entrepot::disk {

std::unique_ptr<DiskImage> open_vhd(std::unique_ptr<File> file) {
    ENTREPOT_CHECK(file != nullptr);
    const std::filesystem::path path = file->path();  // The file goes with an image that fails.
    return with_image("opening", path,
                      [&] { return std::make_unique<vhd::VhdImage>(std::move(file)); });
}

}  // namespace entrepot::disk

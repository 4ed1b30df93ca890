// A raw file as a disk.
#include "storage/disk/disk_image.h"
#include "storage/disk/hole_map.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::disk {
namespace {

class RawImage final : public DiskImage {
public:
    RawImage(std::unique_ptr<File> file, std::uint32_t logical_sector_size)
        : file_(std::move(file)), holes_(*file_) {
        info_.format = ImageFormat::raw;
        info_.type = ImageType::fixed;
        info_.size_bytes = file_->size();
        info_.file_size_bytes = info_.size_bytes;
        info_.logical_sector_size = logical_sector_size;
        info_.physical_sector_size = logical_sector_size;
        if (info_.size_bytes == 0 || info_.size_bytes % logical_sector_size != 0) {
            throw Error{ErrorCode::invalid,
                        fmt::format("{} is no raw disk: {} bytes are no multiple of the sector "
                                    "size {}",
                                    file_->path().string(), info_.size_bytes, logical_sector_size),
                        "Is the file complete, and is it a disk image at all?"};
        }
    }

    const ImageInfo& info() const override { return info_; }
    const File& file() const override { return *file_; }
    bool is_empty_layer() const override { return false; }
    void check_unchanged() const override {
        if (file_->size() == info_.size_bytes) return;
        throw Error{ErrorCode::corrupt,
                    fmt::format("image {} changed while it was read: {} bytes are now {}",
                                file_->path().string(), info_.size_bytes, file_->size())};
    }
    std::uint64_t size_bytes() const override { return info_.size_bytes; }
    std::uint32_t logical_sector_size() const override { return info_.logical_sector_size; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        ENTREPOT_CHECK(offset <= size_bytes() && target.size() <= size_bytes() - offset);
        file_->read_exactly(offset, target);
    }
    DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        ENTREPOT_CHECK(offset < size_bytes() && length_max > 0);
        length_max = std::min(length_max, size_bytes() - offset);
        const auto run = holes_.run_at(offset, length_max, info_.logical_sector_size);
        return {offset, run.length, run.is_hole ? ExtentKind::zero : ExtentKind::data};
    }

private:
    std::unique_ptr<File> file_;
    HoleMap holes_;
    ImageInfo info_;
};

}  // namespace

std::unique_ptr<DiskImage> open_raw(std::unique_ptr<File> file, std::uint32_t logical_sector_size) {
    ENTREPOT_CHECK(file != nullptr);
    ENTREPOT_CHECK(logical_sector_size == 512 || logical_sector_size == 4096);
    return std::make_unique<RawImage>(std::move(file), logical_sector_size);
}

}  // namespace entrepot::disk

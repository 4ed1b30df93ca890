// Names of image kinds, and what a file is by its first bytes (vhdx.md sections 6 and 8).
#include "storage/disk/disk_image.h"

#include "storage/disk/content_probe.h"
#include "storage/disk/image_context.h"
#include "storage/disk/limits.h"
#include "storage/disk/vhd_image.h"
#include "storage/disk/vhdx_image.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::disk {

std::string ParentLocator::leaf_name() const {
    for (const std::string* path : {&relative_path, &absolute_path, &volume_path, &parent_name}) {
        if (path->empty()) continue;
        const std::size_t slash = path->find_last_of("\\/");
        return slash == std::string::npos ? *path : path->substr(slash + 1);
    }
    return {};
}

void KeptMemory::add(const DiskImage& image) {
    bytes_ += image.info().kept_bytes;
    if (bytes_ <= limits::kKeptBytesMax) return;
    throw Error{ErrorCode::limit,
                fmt::format("image {} is one too many to be open together with the others of its "
                            "chain or export: their dirty logs and their parents' paths take {} "
                            "bytes of memory, more than {}",
                            image.file().path().string(), bytes_, limits::kKeptBytesMax),
                "Let Hyper-V open and close the images, which empties their logs, and export them "
                "again."};
}

namespace {

std::string extension_of(const File& file) {
    std::string extension = file.path().extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return extension;
}

}  // namespace

// It comes before the content: the first sector of a fixed VHD and the last of a VHDX are the
// guest's, who may write any signature there; and an image that lost its beginning must not be
// taken for the disk itself.
std::optional<ImageFormat> format_of_name(const File& file) {
    const std::string extension = extension_of(file);
    if (extension == ".vhdx" || extension == ".avhdx") return ImageFormat::vhdx;
    if (extension == ".vhd" || extension == ".avhd") return ImageFormat::vhd;
    return std::nullopt;
}

std::unique_ptr<DiskImage> open_any(std::unique_ptr<File> file) {
    const Content content = probe_content(*file);
    if (content != Content::vhd_set) {
        const auto named = format_of_name(*file);
        if (named == ImageFormat::vhdx) return open_vhdx(std::move(file));
        if (named == ImageFormat::vhd) return open_vhd(std::move(file));
    }
    switch (content) {
        case Content::vhdx:
        case Content::vhd_set:  // Refused by open_vhdx in its own words.
            return open_vhdx(std::move(file));
        case Content::vhd:
            return open_vhd(std::move(file));
        case Content::qcow2:
        case Content::vmdk:
            throw Error{ErrorCode::unsupported,
                        file->path().string() + " is " + std::string{describe(content)} +
                            ", which is not read here",
                        "convert it with qemu-img first"};
        case Content::empty:
        case Content::zeros:
        case Content::html:
        case Content::compressed:
        case Content::unknown:
            return open_raw(std::move(file));
    }
    return open_raw(std::move(file));
}

void check_block_aliasing(const DiskImage& image) {
    const std::filesystem::path& path = image.file().path();
    if (const auto* vhdx = dynamic_cast<const vhdx::VhdxImage*>(&image)) {
        with_image("checking", path, [&] { vhdx->check_aliasing(); });
    } else if (const auto* vhd = dynamic_cast<const vhd::VhdImage*>(&image)) {
        with_image("checking", path, [&] { vhd->check_aliasing(); });
    }  // A raw image has no table.
}

std::string_view to_string(ImageFormat format) {
    switch (format) {
        case ImageFormat::raw:
            return "raw";
        case ImageFormat::vhdx:
            return "vhdx";
        case ImageFormat::vhd:
            return "vhd";
    }
    return "unknown";
}

std::string_view to_string(ImageType type) {
    switch (type) {
        case ImageType::fixed:
            return "fixed";
        case ImageType::dynamic:
            return "dynamic";
        case ImageType::differencing:
            return "differencing";
    }
    return "unknown";
}

}  // namespace entrepot::disk

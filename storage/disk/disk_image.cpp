// Names of image kinds, and what a file is by its first bytes (vhdx.md sections 6 and 8).
#include "storage/disk/disk_image.h"

#include "storage/disk/content_probe.h"

#include "base/error.h"

#include <algorithm>
#include <cctype>

namespace entrepot::disk {

std::string ParentLocator::leaf_name() const {
    for (const std::string* path : {&relative_path, &absolute_path, &volume_path}) {
        if (path->empty()) continue;
        const std::size_t slash = path->find_last_of("\\/");
        return slash == std::string::npos ? *path : path->substr(slash + 1);
    }
    return {};
}

namespace {

bool is_named_vhdx(const File& file) {
    std::string extension = file.path().extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return extension == ".vhdx" || extension == ".avhdx";
}

}  // namespace

std::unique_ptr<DiskImage> open_any(std::unique_ptr<File> file) {
    switch (probe_content(*file)) {
        case Content::vhdx:
        case Content::vhd:  // Refused by open_vhdx in its own words.
        case Content::vhd_set:
            return open_vhdx(std::move(file));
        case Content::qcow2:
        case Content::vmdk:
            throw Error{ErrorCode::unsupported,
                        file->path().string() + " is " +
                            std::string{describe(probe_content(*file))} +
                            ", which is not read here",
                        "convert it with qemu-img first"};
        case Content::empty:
        case Content::zeros:
        case Content::html:
        case Content::compressed:
        case Content::unknown:
            // A VHDX that lost its beginning must not be taken for the disk itself.
            if (is_named_vhdx(*file)) return open_vhdx(std::move(file));
            return open_raw(std::move(file));
    }
    return open_raw(std::move(file));
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

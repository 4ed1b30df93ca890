// From a source to a file that appears whole: checks, metadata, and which writer does it.
#include "storage/disk/disk_writer.h"

#include "storage/disk/content_scan.h"
#include "storage/disk/limits.h"
#include "storage/disk/target_writers.h"
#include "storage/disk/vhd_format.h"

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::disk {
namespace {

// What Windows uses for each type.
constexpr std::uint32_t kDynamicBlockBytes = 32 * kMiB;
constexpr std::uint32_t kFixedBlockBytes = 2 * kMiB;
constexpr std::uint32_t kDifferencingBlockBytes = 2 * kMiB;

struct FormatName {
    std::string_view name;
    TargetFormat format;
};
constexpr FormatName kFormatNames[] = {
    {"raw", TargetFormat::raw},
    {"vhdx", TargetFormat::vhdx},
    {"vhdx-fixed", TargetFormat::vhdx_fixed},
    {"vhdx-diff", TargetFormat::vhdx_diff},
    {"vhd", TargetFormat::vhd},
    {"vhd-fixed", TargetFormat::vhd_fixed},
    {"qcow2", TargetFormat::qcow2},
};

void check_base(const DiskSource& source, const WriteOptions& options) {
    if (options.base == nullptr || options.base_info == nullptr) {
        throw Error{ErrorCode::usage, "a differencing image needs a base image"};
    }
    const ImageInfo& base = *options.base_info;
    if (base.format != ImageFormat::vhdx || base.data_write_guid.is_null()) {
        throw Error{ErrorCode::invalid,
                    fmt::format("the base of a differencing VHDX must be a VHDX, and {} is {}",
                                options.base_file_name, to_string(base.format))};
    }
    if (base.logical_sector_size != source.logical_sector_size()) {
        throw Error{ErrorCode::invalid,
                    fmt::format("the base has sectors of {} bytes, the disk of {}",
                                base.logical_sector_size, source.logical_sector_size())};
    }
    if (options.base_file_name.empty() ||
        options.base_file_name.find_first_of("/\\") != std::string::npos) {
        throw Error{ErrorCode::usage, fmt::format("\"{}\" is no file name for the base image",
                                                  options.base_file_name)};
    }
}

ParentLocator locator_of(const WriteOptions& options) {
    ParentLocator locator;
    locator.linkage = options.base_info->data_write_guid;
    locator.linkage2 = Guid{};  // Windows writes this key with zeros.
    locator.relative_path = ".\\" + options.base_file_name;
    return locator;
}

void check_vhdx_limits(const DiskSource& source, const WriteOptions& options) {
    if (source.size_bytes() > limits::kVirtualSizeBytesMax) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("a VHDX cannot hold {} bytes, only 64 TiB", source.size_bytes())};
    }
    if (options.physical_sector_size != 512 && options.physical_sector_size != 4096) {
        throw Error{ErrorCode::usage, fmt::format("physical sector size {} is neither 512 nor 4096",
                                                  options.physical_sector_size)};
    }
}

void check_vhd_limits(const DiskSource& source) {
    if (source.logical_sector_size() != vhd::kSectorBytes) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("a VHD has sectors of 512 bytes, and the disk has sectors of {}",
                                source.logical_sector_size()),
                    "use vhdx or vhdx-fixed"};
    }
    if (source.size_bytes() > limits::kVhdSizeBytesMax) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("a VHD cannot hold {} bytes, only 2040 GiB", source.size_bytes()),
                    "use vhdx or vhdx-fixed"};
    }
}

/// A file in the target's directory that goes when we go, for a program that writes by path.
class TemporaryName {
public:
    TemporaryName(FileSystem& file_system, Random& random, const std::filesystem::path& target,
                  std::string_view suffix)
        : file_system_(file_system) {
        const std::filesystem::path directory = std::filesystem::absolute(target).parent_path();
        path_ = directory /
                fmt::format(".{}.{:016x}.{}", target.filename().string(), random.u64(), suffix);
    }
    TemporaryName(const TemporaryName&) = delete;
    TemporaryName& operator=(const TemporaryName&) = delete;
    ~TemporaryName() {
        try {
            file_system_.remove(path_);
        } catch (const Error&) {
            // A leftover temporary file is harmless; a destructor that throws is not.
        }
    }
    const std::filesystem::path& path() const { return path_; }

private:
    FileSystem& file_system_;
    std::filesystem::path path_;
};

void write_qcow2(FileSystem& file_system, Random& random, const DiskSource& source,
                 const std::filesystem::path& target, const Work& work) {
    const TemporaryName raw{file_system, random, target, "raw.tmp"};
    const TemporaryName converted{file_system, random, target, "qcow2.tmp"};
    write_raw(*file_system.create(raw.path()), source, work);
    source.check_unchanged();
    // It fills a file that is there and leaves its access alone; one of its own all may read.
    file_system.create(converted.path());
    convert_with_qemu(raw.path(), converted.path(), work);
    file_system.open_write(converted.path())->sync();
    file_system.rename(converted.path(), target);
    file_system.sync_directory(std::filesystem::absolute(target).parent_path());
}

/// A source that changed while it was read gave a disk that never was.
void check_unchanged(const DiskSource& source, const WriteOptions& options) {
    source.check_unchanged();
    if (options.base != nullptr) options.base->check_unchanged();
}

/// All but qcow2, which another program writes.
void write_content(File& target, Random& random, const DiskSource& source,
                   const WriteOptions& options, const Work& work) {
    switch (options.format) {
        case TargetFormat::vhdx:
        case TargetFormat::vhdx_fixed:
            return write_vhdx(target, vhdx_metadata_of(source, options, random), random, source,
                              work);
        case TargetFormat::vhdx_diff:
            return write_vhdx_difference(target, vhdx_metadata_of(source, options, random), random,
                                         source, *options.base, work);
        case TargetFormat::vhd:
        case TargetFormat::vhd_fixed:
            return write_vhd(target, options, random, source, work);
        case TargetFormat::raw:
        case TargetFormat::qcow2:
            return write_raw(target, source, work);
    }
}

}  // namespace

vhdx::Metadata vhdx_metadata_of(const DiskSource& source, const WriteOptions& options,
                                Random& random) {
    vhdx::Metadata metadata;
    metadata.size_bytes = source.size_bytes();
    metadata.logical_sector_size = source.logical_sector_size();
    const bool has_base = options.format == TargetFormat::vhdx_diff;
    metadata.physical_sector_size =
        std::max(has_base ? options.base_info->physical_sector_size : options.physical_sector_size,
                 metadata.logical_sector_size);
    metadata.is_fixed = options.format == TargetFormat::vhdx_fixed;
    metadata.has_parent = has_base;
    metadata.block_size_bytes = metadata.is_fixed     ? kFixedBlockBytes
                                : metadata.has_parent ? kDifferencingBlockBytes
                                                      : kDynamicBlockBytes;
    metadata.virtual_disk_id = options.virtual_disk_id;
    if (metadata.has_parent) {
        metadata.parent = locator_of(options);
        if (metadata.virtual_disk_id.is_null()) {
            metadata.virtual_disk_id = options.base_info->virtual_disk_id;
        }
    }
    if (metadata.virtual_disk_id.is_null()) metadata.virtual_disk_id = Guid::make_random(random);
    return metadata;
}

void check_target_limits(const DiskSource& source, const WriteOptions& options) {
    switch (options.format) {
        case TargetFormat::vhdx:
        case TargetFormat::vhdx_fixed:
            return check_vhdx_limits(source, options);
        case TargetFormat::vhdx_diff:
            check_base(source, options);
            return check_vhdx_limits(source, options);
        case TargetFormat::vhd:
        case TargetFormat::vhd_fixed:
            return check_vhd_limits(source);
        case TargetFormat::raw:
        case TargetFormat::qcow2:
            return;
    }
}

TargetFormat parse_target_format(std::string_view name) {
    for (const FormatName& known : kFormatNames) {
        if (known.name == name) return known.format;
    }
    throw Error{ErrorCode::usage, fmt::format("\"{}\" is no image format", name),
                "one of raw, vhdx, vhdx-fixed, vhdx-diff, vhd, vhd-fixed, qcow2"};
}

void write_raw(File& target, const DiskSource& source, const Work& work) {
    target.truncate(source.size_bytes());
    scan_content(source, work, kRunBytesMax,
                 [&](std::uint64_t offset, ByteView content) { target.write(offset, content); });
}

void write_disk(FileSystem& file_system, Random& random, const DiskSource& source,
                const std::filesystem::path& target, const WriteOptions& options,
                const Work& work) {
    check_target_limits(source, options);
    if (file_system.exists(target)) {
        throw Error{ErrorCode::already_exists, target.string() + " exists already",
                    "Nothing is overwritten: name another file, or remove this one."};
    }
    with_context("writing " + target.string(), [&] {
        if (options.format == TargetFormat::qcow2) {
            return write_qcow2(file_system, random, source, target, work);
        }
        AtomicFile file{file_system, target};
        file.file().expect_bulk_writes();
        write_content(file.file(), random, source, options, work);
        check_unchanged(source, options);
        file.commit();
    });
}

}  // namespace entrepot::disk

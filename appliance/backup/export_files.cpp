// Walks an export; see export_files.h.
#include "appliance/backup/export_files.h"

#include "appliance/backup/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace entrepot::backup {
namespace {

std::string lower_extension(const std::string& name) {
    std::string extension = std::filesystem::path{name}.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension;
}

bool is_one_of(const std::string& extension, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), extension) != names.end();
}

bool is_image(const std::string& extension) {
    return is_one_of(extension, {".vhdx", ".avhdx", ".vhd", ".avhd"});
}

class Walk {
public:
    Walk(FileSystem& file_system, Source source) : file_system_(file_system), source_(source) {}

    void add_directory(const std::filesystem::path& directory, const std::string& prefix,
                       std::size_t depth) {
        if (depth > limits::kExportDepthMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("directories nested deeper than {} in an export: {}",
                                    limits::kExportDepthMax, directory.string())};
        }
        for (const DirectoryEntry& entry : file_system_.list(directory)) {
            count_entry(directory);
            const std::filesystem::path path = directory / entry.name;
            switch (entry.type) {
                case FileType::directory:
                    add_directory(path, prefix + entry.name + "/", depth + 1);
                    break;
                case FileType::regular:
                    add_file(path, prefix + entry.name);
                    break;
                case FileType::symlink:
                case FileType::other:
                    throw Error{
                        ErrorCode::invalid,
                        fmt::format("{} in an export is neither file nor directory", path.string()),
                        "An export holds plain files only; nothing was read from it."};
            }
        }
    }

    void add_file(const std::filesystem::path& path, const std::string& relative_name) {
        const auto status = file_system_.find_status(path);
        if (!status) throw Error{ErrorCode::not_found, fmt::format("{} is gone", path.string())};
        if (source_ == Source::host && status->link_count > 1) {
            throw Error{ErrorCode::invalid,
                        fmt::format("{} has {} names", path.string(), status->link_count),
                        "A host's export holds no hard links; nothing was read from it."};
        }
        const ExportFile file{path, relative_name, status->size_bytes};
        files_.total_bytes += file.size_bytes;
        const std::string extension = lower_extension(relative_name);
        if (is_image(extension)) {
            files_.images.push_back(file);
        } else if (extension == ".vmcx") {
            files_.configurations.push_back(file);
        } else if (is_one_of(extension, {".vmrs", ".vmgs"})) {
            files_.others_of_vm.push_back(file);
        } else if (extension == ".vhds") {
            files_.unsupported.push_back(relative_name);
        }
        if (files_.images.size() > limits::kImagesMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("more than {} disk images", limits::kImagesMax)};
        }
    }

    ExportFiles take() {
        const auto by_name = [](const ExportFile& a, const ExportFile& b) {
            return a.relative_name < b.relative_name;
        };
        std::sort(files_.images.begin(), files_.images.end(), by_name);
        std::sort(files_.configurations.begin(), files_.configurations.end(), by_name);
        std::sort(files_.others_of_vm.begin(), files_.others_of_vm.end(), by_name);
        return std::move(files_);
    }

private:
    void count_entry(const std::filesystem::path& directory) {
        if (++entries_ <= limits::kExportEntriesMax) return;
        throw Error{ErrorCode::limit, fmt::format("more than {} entries in the export {}",
                                                  limits::kExportEntriesMax, directory.string())};
    }

    FileSystem& file_system_;
    Source source_;
    ExportFiles files_;
    std::size_t entries_ = 0;
};

std::uint64_t count_below(FileSystem& file_system, const std::filesystem::path& directory,
                          std::size_t depth, std::size_t& entries) {
    std::uint64_t total = 0;
    if (depth > limits::kExportDepthMax) return total;
    for (const DirectoryEntry& entry : file_system.list(directory)) {
        if (++entries > limits::kExportEntriesMax) return total;
        const std::filesystem::path path = directory / entry.name;
        if (entry.type == FileType::directory) {
            total += count_below(file_system, path, depth + 1, entries);
        } else if (const auto status = file_system.find_status(path)) {
            // Hyper-V sets a file's size first and fills it then: both count as growth.
            total += status->size_bytes + status->allocated_bytes;
        }
    }
    return total;
}

}  // namespace

ExportFiles find_export_files(FileSystem& file_system, const std::filesystem::path& directory,
                              Source source) {
    Walk walk{file_system, source};
    walk.add_directory(directory, "", 0);
    return walk.take();
}

ExportFiles find_named_files(FileSystem& file_system,
                             const std::vector<std::filesystem::path>& paths) {
    Walk walk{file_system, Source::person};
    for (const std::filesystem::path& path : paths) {
        const auto status = file_system.find_status(path);
        if (!status) {
            throw Error{ErrorCode::not_found, fmt::format("{} does not exist", path.string()),
                        "Is it written correctly, and is it on this machine?"};
        }
        if (status->type == FileType::directory) {
            walk.add_directory(path, "", 0);
        } else if (is_image(lower_extension(path.filename().string()))) {
            walk.add_file(path, path.filename().string());
        } else {
            throw Error{ErrorCode::unsupported,
                        fmt::format("{} is neither VHDX nor VHD by its name", path.string()),
                        "Only .vhdx, .avhdx, .vhd and .avhd are ingested; convert others first "
                        "with `entrepot image convert SRC DST --format vhdx`."};
        }
    }
    ExportFiles files = walk.take();
    if (!files.unsupported.empty()) {
        throw Error{
            ErrorCode::unsupported,
            fmt::format("{} is a VHD Set, which is not supported", files.unsupported.front()),
            "Leave it out: what it holds lies in .avhdx files beside it."};
    }
    if (files.images.empty()) {
        throw Error{ErrorCode::not_found,
                    "there is no .vhdx, .avhdx, .vhd or .avhd image among the files",
                    "Name an export's folder, or the disk files themselves."};
    }
    return files;
}

std::uint64_t count_tree_bytes(FileSystem& file_system, const std::filesystem::path& directory) {
    std::size_t entries = 0;
    try {
        if (!file_system.exists(directory)) return 0;
        return count_below(file_system, directory, 0, entries);
    } catch (const Error&) {
        // A file that the host is just renaming; the next look will see it.
        return 0;
    }
}

}  // namespace entrepot::backup

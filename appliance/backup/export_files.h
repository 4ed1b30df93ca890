// The files of an export: disk images and the VM's configuration. Names decide, links are refused.
#pragma once

#include "base/file_system.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::backup {

struct ExportFile {
    std::filesystem::path path;
    std::string relative_name;  ///< With '/', from the export's directory; the name for a file.
    std::uint64_t size_bytes = 0;
};

struct ExportFiles {
    std::vector<ExportFile> images;          ///< .vhdx, .avhdx, .vhd, .avhd, sorted by name.
    std::vector<ExportFile> configurations;  ///< .vmcx
    std::vector<ExportFile> others_of_vm;    ///< .vmrs, .vmgs
    std::vector<std::string> unsupported;    ///< Disks of a kind we do not read: .vhds
    std::uint64_t total_bytes = 0;           ///< Of all files, for watching an export grow.
};

/// Who made the files: a host, which may lie, or the person who runs the command.
enum class Source { host, person };

/// Walks one directory. Throws Error{invalid} for a link or special file in it (and, from a host,
/// a file with a second name), Error{limit} for more depth or entries than an export has.
ExportFiles find_export_files(FileSystem& file_system, const std::filesystem::path& directory,
                              Source source);

/// Directories and image files that a person named. Throws Error{unsupported} for a disk of another
/// kind, Error{not_found} if there is no image at all.
ExportFiles find_named_files(FileSystem& file_system,
                             const std::vector<std::filesystem::path>& paths);

/// Sum of the sizes of all files below a directory, as far as they can be seen; 0 if it is absent.
/// For progress only.
std::uint64_t count_tree_bytes(FileSystem& file_system, const std::filesystem::path& directory);

}  // namespace entrepot::backup

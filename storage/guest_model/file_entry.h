// What is told of a guest's files.
#pragma once

#include "base/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::guest {

enum class FileKind { file, folder, link, other };

/// "file", "folder", "link", "other"
std::string_view to_string(FileKind kind);

struct FileEntry {
    std::string name;  ///< See name.h.
    FileKind kind = FileKind::other;
    std::uint64_t size_bytes = 0;  ///< Of files.
    std::optional<WallTime> modified;
    /// Its record in the file system, with the count of the record's uses where there is one;
    /// 0: unknown. Another file has another one, but for what was deleted before.
    std::uint64_t id = 0;
    std::string link_target;  ///< Of links; shown text with slashes and backslashes.
    /// Why the content cannot be given, in words; empty if it can, as far as a listing tells.
    std::string refusal;
};

/// A stream beside a file's content, as NTFS has them.
struct FileStream {
    std::string name;
    std::uint64_t size_bytes = 0;
};

struct FileStatus {
    FileEntry entry;
    std::vector<FileStream> streams;
};

struct FolderPage {
    std::vector<FileEntry> entries;  ///< Ordered by the bytes of their names.
    bool has_more = false;
};

struct PageRequest {
    std::string after;  ///< The last name of the page before; empty: from the beginning.
    std::size_t count_max = 0;
};

}  // namespace entrepot::guest

// A file that appears under its final name whole or not at all.
#pragma once

#include "base/file_system.h"

#include <filesystem>
#include <memory>

namespace entrepot {

class AtomicFile {
public:
    /// Creates a temporary file beside the target.
    AtomicFile(FileSystem& file_system, std::filesystem::path target);
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    ~AtomicFile();  ///< Discards the content unless commit() returned.

    /// Writes behind what append() wrote before.
    void append(ByteView data);
    /// The file itself, for those who write at offsets.
    File& file() { return *file_; }

    /// Syncs, renames, syncs the directory. If it throws, the target is the old file or the new
    /// one, never a mixture; repeating the whole operation is safe.
    void commit();

private:
    FileSystem& file_system_;
    std::filesystem::path target_;
    std::filesystem::path temporary_;
    std::unique_ptr<File> file_;
    std::uint64_t end_ = 0;
    bool is_committed_ = false;
};

/// Writes a whole small file durably.
void write_file_atomically(FileSystem& file_system, const std::filesystem::path& target,
                           ByteView content);

}  // namespace entrepot

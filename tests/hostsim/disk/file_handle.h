// A file that is read and written at offsets, with its holes.
#pragma once

#include "base/bytes.h"
#include "tests/hostsim/disk/byte_range.h"

#include <filesystem>
#include <functional>
#include <optional>

namespace entrepot::hostsim {

/// Owns a descriptor. All calls throw Error{io}.
class FileHandle {
public:
    enum class Mode { read, read_write, create };
    FileHandle(const std::filesystem::path& path, Mode mode);
    FileHandle(FileHandle&& other) noexcept;
    FileHandle& operator=(FileHandle&&) = delete;
    ~FileHandle();

    std::uint64_t size() const;
    /// Bytes past the end read as zeros.
    void read(std::uint64_t offset, MutableByteView target) const;
    void write(std::uint64_t offset, ByteView data);
    void truncate(std::uint64_t size_bytes);
    /// The next range at or after the offset that is no hole.
    std::optional<ByteRange> find_data(std::uint64_t offset) const;
    int descriptor() const { return descriptor_; }

private:
    int descriptor_ = -1;
    std::filesystem::path path_;
};

/// Copies a file with its holes, sharing the blocks where the file system can. `on_progress` gets
/// the bytes done and may throw to end it.
void copy_sparse(const std::filesystem::path& source, const std::filesystem::path& target,
                 const std::function<void(std::uint64_t)>& on_progress);

/// Makes the target equal to the source in place, so that whoever has it open sees it.
void overwrite_sparse(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace entrepot::hostsim

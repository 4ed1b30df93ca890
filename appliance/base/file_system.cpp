// What every file system has in common.
#include "base/file_system.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot {

void File::read_exactly(std::uint64_t offset, MutableByteView target) const {
    if (read_some(offset, target) != target.size()) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("{} ends at {} inside a range of {} bytes at {}", path().string(),
                                size(), target.size(), offset)};
    }
}

Bytes File::read_exactly(std::uint64_t offset, std::size_t length) const {
    const std::uint64_t end = size();
    if (offset > end || length > end - offset) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("{} ends at {} inside a range of {} bytes at {}", path().string(),
                                end, length, offset)};
    }
    Bytes bytes(length);
    read_exactly(offset, bytes);
    return bytes;
}

Bytes FileSystem::read_file(const std::filesystem::path& path, std::size_t size_bytes_max) {
    const auto file = open_read(path);
    const std::uint64_t size = file->size();
    if (size > size_bytes_max) {
        throw Error{ErrorCode::limit,
                    fmt::format("{} has more than {} bytes", path.string(), size_bytes_max)};
    }
    return file->read_exactly(0, static_cast<std::size_t>(size));
}

void FileSystem::rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (exists(to)) throw Error{ErrorCode::already_exists, to.string() + " exists already"};
    rename(from, to);
}

}  // namespace entrepot

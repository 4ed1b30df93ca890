// Some hundred or thousand names of an index, one behind the other, as they are stored and
// searched.
#pragma once

#include "storage/guest_model/file_entry.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot::search {

struct IndexedFile {
    std::string_view path;  ///< Shown, "/folder/file".
    guest::FileKind kind = guest::FileKind::other;
    std::uint64_t size_bytes = 0;  ///< Of files.
    std::optional<WallTime> modified;

    std::string_view name() const { return path.substr(path.rfind('/') + 1); }
};

/// Each path is written as what differs from the one before.
class BlockWriter {
public:
    void add(const IndexedFile& file);
    /// True where a block should end: at names that a change elsewhere does not move, so that most
    /// blocks of the next point are the same.
    bool is_complete() const;
    bool empty() const { return count_ == 0; }
    std::uint32_t count() const { return count_; }
    const std::string& first_path() const { return first_path_; }
    /// The block; begins anew.
    Bytes take();

private:
    Bytes data_;
    std::string first_path_;
    std::string last_path_;
    std::uint32_t count_ = 0;
};

enum class Scan { go_on, stop };
/// Calls `visit` with each file and its number in the block, from `first` on; the path lives as
/// long as the call. Error{corrupt} for a block that is none.
void scan_block(ByteView block, std::uint32_t first,
                const std::function<Scan(const IndexedFile&, std::uint32_t)>& visit);

}  // namespace entrepot::search

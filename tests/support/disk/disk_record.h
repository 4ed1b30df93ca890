// What a simulated disk was told to do, in order: enough to say what it holds after a crash.
#pragma once

#include "tests/support/disk/disk_image.h"

#include "base/bytes.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::test {

/// A name that gets another target; 0 removes it.
struct NameChange {
    NodeNumber directory = 0;
    std::string name;
    NodeNumber target = 0;
};

struct Change {
    enum class Kind {
        add_file,        ///< `node` is new; its name is in `names`.
        add_directory,   ///< As add_file.
        write,           ///< `data` at `offset` of `node`.
        resize,          ///< `node` to `offset` bytes.
        rename,          ///< `names`: the old one goes, then the new one comes; both or neither.
        remove,          ///< `names`: one goes.
        sync_file,       ///< What was written to `node` is durable.
        sync_directory,  ///< The names in `node` are durable.
    };
    Kind kind = Kind::write;
    NodeNumber node = 0;
    std::uint64_t offset = 0;
    std::shared_ptr<const Bytes> data{};  // Shared with copies of the record.
    std::vector<NameChange> names{};
    std::string path{};  ///< For people.

    bool is_sync() const { return kind == Kind::sync_file || kind == Kind::sync_directory; }
};

/// A line for people.
std::string describe(const Change& change);

struct DiskRecord {
    DiskImage start;  ///< All of it durable.
    std::vector<Change> changes;
};

}  // namespace entrepot::test

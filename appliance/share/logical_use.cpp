// See logical_use.h.
#include "appliance/share/logical_use.h"

#include "appliance/share/limits.h"

#include "base/error.h"

#include <algorithm>
#include <limits>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

class Count {
public:
    explicit Count(FileSystem& file_system) : file_system_(file_system) {}

    void visit(const fs::path& folder, std::size_t depth) {
        if (depth > limits::kUseDepthMax) {
            use_.is_beyond_limits = true;
            return;
        }
        for (const DirectoryEntry& entry : list(folder)) {
            if (use_.is_beyond_limits) return;
            if (++use_.entry_count > limits::kUseEntriesMax) {
                use_.is_beyond_limits = true;
                return;
            }
            if (entry.type == FileType::directory) {
                visit(folder / entry.name, depth + 1);
            } else {
                add(folder / entry.name);
            }
        }
    }

    LogicalUse use() const { return use_; }

private:
    std::vector<DirectoryEntry> list(const fs::path& folder) {
        try {
            return file_system_.list(folder);
        } catch (const Error& error) {
            // Too many entries for one folder are too many for an export.
            if (error.code() == ErrorCode::limit) use_.is_beyond_limits = true;
            return {};
        }
    }

    void add(const fs::path& file) {
        const auto status = file_system_.find_status(file);
        if (!status) return;
        const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - use_.size_bytes;
        use_.size_bytes += std::min(status->size_bytes, room);
    }

    FileSystem& file_system_;
    LogicalUse use_;
};

}  // namespace

LogicalUse measure_logical_use(FileSystem& file_system, const fs::path& folder) {
    Count count{file_system};
    count.visit(folder, 0);
    return count.use();
}

}  // namespace entrepot::share

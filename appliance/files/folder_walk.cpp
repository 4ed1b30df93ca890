// A page of each folder on the way is kept; of what is too much, only the place where to go on.
#include "appliance/files/folder_walk.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/error.h"

#include <utility>

namespace entrepot::files {
namespace {

constexpr std::size_t kPageEntries = guest::limits::kPageEntriesMax;
/// Of all folders on the way together; a page of a usual folder has a hundredth.
constexpr std::size_t kWaitingBytesMax = 16 * kMiB;

std::size_t size_of(const guest::FileEntry& entry) {
    return sizeof(entry) + entry.name.size() + entry.link_target.size() + entry.refusal.size();
}

std::string child_path(const std::string& folder, const std::string& name) {
    return (folder == "/" ? "" : folder) + "/" + name;
}

WalkStep failed_folder(const std::string& path, std::string why) {
    WalkStep step;
    step.path = path;
    step.entry.name = path == "/" ? "/" : path.substr(path.rfind('/') + 1);
    step.entry.kind = guest::FileKind::folder;
    step.failure = std::move(why);
    return step;
}

}  // namespace

bool is_of_one_file(const Error& error) {
    switch (error.code()) {
        case ErrorCode::unsupported:
        case ErrorCode::corrupt:
        case ErrorCode::conflict:
        case ErrorCode::invalid:
        case ErrorCode::not_found:
        case ErrorCode::limit:
        case ErrorCode::protocol:
            return true;
        default:
            return false;
    }
}

FolderWalk::FolderWalk(DiskFiles& disk, std::uint32_t volume, std::string path)
    : disk_(disk), volume_(volume) {
    levels_.push_back({std::move(path)});
}

FolderWalk::FolderWalk(DiskFiles& disk, std::uint32_t volume, std::string path,
                       std::vector<guest::FileEntry> chosen)
    : disk_(disk), volume_(volume) {
    Level level{std::move(path)};
    level.entries = std::move(chosen);
    level.has_more = false;
    level.is_chosen = true;
    levels_.push_back(std::move(level));
}

void FolderWalk::forget_oldest() {
    for (Level& level : levels_) {
        if (bytes_ <= kWaitingBytesMax) return;
        if (&level == &levels_.back() || level.position == level.entries.size()) continue;
        if (level.is_chosen) continue;
        level.entries.clear();
        level.position = 0;
        level.has_more = true;
        bytes_ -= std::exchange(level.bytes, 0);
    }
}

// The next page of a folder; a step where there is none to be had.
std::optional<WalkStep> FolderWalk::load(Level& level) {
    bytes_ -= std::exchange(level.bytes, 0);
    level.entries.clear();
    level.position = 0;
    try {
        guest::FolderPage page = disk_.list(volume_, level.path, {level.after, kPageEntries});
        level.entries = std::move(page.entries);
        level.has_more = page.has_more;
    } catch (const Error& error) {
        if (!is_of_one_file(error)) throw;
        level.has_more = false;
        return failed_folder(level.path, error.what());
    }
    for (const guest::FileEntry& entry : level.entries)
        level.bytes += size_of(entry);
    bytes_ += level.bytes;
    forget_oldest();
    return std::nullopt;
}

std::optional<WalkStep> FolderWalk::enter(const WalkStep& folder) {
    if (levels_.size() >= guest::limits::kPathDepthMax) {
        return failed_folder(folder.path, "it lies too deep");
    }
    if (folder.path.size() > guest::limits::kPathBytesMax) {
        return failed_folder(folder.path, "its path is too long");
    }
    levels_.push_back({folder.path});
    return std::nullopt;
}

std::optional<WalkStep> FolderWalk::next() {
    if (const auto folder = std::exchange(folder_, std::nullopt)) {
        if (auto failure = enter(*folder)) return failure;
    }
    while (!levels_.empty()) {
        Level& level = levels_.back();
        if (level.position == level.entries.size()) {
            if (level.has_more) {
                if (auto failure = load(level)) return failure;
                continue;
            }
            bytes_ -= level.bytes;
            levels_.pop_back();
            continue;
        }
        WalkStep step;
        step.entry = std::move(level.entries[level.position++]);
        level.after = step.entry.name;
        step.path = child_path(level.path, step.entry.name);
        const bool is_folder = step.entry.kind == guest::FileKind::folder;
        if (is_folder && step.entry.refusal.empty()) folder_ = step;
        return step;
    }
    return std::nullopt;
}

}  // namespace entrepot::files

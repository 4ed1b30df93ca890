// The files of a disk as a test describes them.
#pragma once

#include "appliance/files/disk_files.h"
#include "storage/guest_model/limits.h"

#include "base/clock.h"
#include "base/error.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::test {

struct MemoryFile {
    guest::FileKind kind = guest::FileKind::file;
    Bytes content{};
    std::string refusal{};
    std::string link_target{};
    /// Of files: reading from here on fails. Of folders: listing fails.
    std::optional<std::uint64_t> damaged_from{};
    /// Instead of the content's: read as zeros.
    std::optional<std::uint64_t> size_bytes{};
    std::optional<WallTime> modified = parse_time("2026-02-03T04:05:06Z");
};

/// Folders of a path are there by themselves.
class MemoryDisk final : public files::DiskFiles {
public:
    std::map<std::string, MemoryFile> files;
    std::vector<guest::Volume> table;
    std::size_t page_entries = guest::limits::kPageEntriesMax;
    std::size_t read_count = 0;
    std::size_t list_count = 0;

    void add(const std::string& path, MemoryFile file) {
        for (std::size_t i = path.find('/', 1); i != std::string::npos; i = path.find('/', i + 1))
            files.try_emplace(path.substr(0, i), MemoryFile{guest::FileKind::folder});
        files[path] = std::move(file);
    }

    guest::VolumeTable volumes() override { return {"gpt", table, {}}; }

    guest::FolderPage list(std::uint32_t, const std::string& path,
                           const guest::PageRequest& page) override {
        ++list_count;
        const auto folder = files.find(path);
        if (folder != files.end() && folder->second.damaged_from) {
            throw Error{ErrorCode::corrupt, "the folder is damaged"};
        }
        const std::string prefix = path == "/" ? "/" : path + "/";
        std::vector<std::string> names;
        for (auto i = files.upper_bound(prefix); i != files.end() && i->first.starts_with(prefix);
             ++i) {
            const std::string name = i->first.substr(prefix.size());
            if (name.find('/') == std::string::npos && name > page.after) names.push_back(name);
        }
        std::ranges::sort(names);
        guest::FolderPage result;
        const std::size_t count = std::min({names.size(), page.count_max, page_entries});
        for (std::size_t i = 0; i < count; ++i)
            result.entries.push_back(entry_of(names[i], files.at(prefix + names[i])));
        result.has_more = count < names.size();
        return result;
    }

    guest::FileStatus status(std::uint32_t, const std::string& path) override {
        if (path == "/") {
            return {entry_of("/", MemoryFile{guest::FileKind::folder}), {}};
        }
        return {entry_of(path.substr(path.rfind('/') + 1), file_at(path)), {}};
    }

    Bytes read(std::uint32_t, const std::string& path, const std::string&,
               const guest::DiskRange& range) override {
        ++read_count;
        const MemoryFile& file = file_at(path);
        if (file.damaged_from && range.offset + range.length > *file.damaged_from) {
            throw Error{ErrorCode::corrupt, "a chunk is damaged"};
        }
        if (file.size_bytes) return Bytes(range.length);
        const auto begin = file.content.begin() + static_cast<std::ptrdiff_t>(range.offset);
        return {begin, begin + static_cast<std::ptrdiff_t>(range.length)};
    }

private:
    const MemoryFile& file_at(const std::string& path) const {
        const auto found = files.find(path);
        if (found == files.end()) throw Error{ErrorCode::not_found, "there is no " + path};
        return found->second;
    }

    static guest::FileEntry entry_of(const std::string& name, const MemoryFile& file) {
        guest::FileEntry entry;
        entry.name = name;
        entry.kind = file.kind;
        entry.size_bytes = file.size_bytes.value_or(file.content.size());
        entry.modified = file.modified;
        entry.refusal = file.refusal;
        entry.link_target = file.link_target;
        return entry;
    }
};

}  // namespace entrepot::test

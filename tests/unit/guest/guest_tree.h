// All that a guest's file system gives, as a test compares it with what was put in.
#pragma once

#include "storage/guest/guest_file_system.h"
#include "storage/guest/volumes.h"
#include "tests/support/guest_images.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::test {

inline std::vector<guest::FileEntry> list_all(guest::GuestFileSystem& files,
                                              const std::string& path, std::size_t page_size) {
    std::vector<guest::FileEntry> entries;
    std::string after;
    for (;;) {
        const guest::FolderPage page = files.list(path, {after, page_size});
        entries.insert(entries.end(), page.entries.begin(), page.entries.end());
        if (!page.has_more) return entries;
        after = page.entries.back().name;
    }
}

/// In pieces that fit nothing, as a reader over the network would ask.
inline Bytes read_content(guest::GuestFileSystem& files, const std::string& path,
                          std::uint64_t size) {
    constexpr std::size_t kPiece = 777'777;
    Bytes content(static_cast<std::size_t>(size));
    for (std::size_t done = 0; done < content.size(); done += kPiece) {
        const std::size_t count = std::min(kPiece, content.size() - done);
        files.read(path, "", done, MutableByteView{content}.subspan(done, count));
    }
    return content;
}

inline void collect_below(guest::GuestFileSystem& files, const std::string& path, FileTree& tree) {
    for (const auto& entry : list_all(files, path.empty() ? "/" : path, 100)) {
        const std::string child = path + "/" + entry.name;
        INFO(child);
        CHECK(entry.refusal == "");
        if (entry.kind == guest::FileKind::folder) collect_below(files, child, tree);
        if (entry.kind == guest::FileKind::file) {
            tree[child] = read_content(files, child, entry.size_bytes);
        }
    }
}

/// The files by their paths, which begin with a slash.
inline FileTree collect_files(guest::GuestFileSystem& files) {
    FileTree tree;
    collect_below(files, "", tree);
    return tree;
}

/// The same files, and the same bytes in each.
inline void check_same(guest::GuestFileSystem& files, const FileTree& tree) {
    const FileTree found = collect_files(files);
    for (const auto& [path, content] : tree) {
        INFO(path);
        REQUIRE(found.contains(path));
        CHECK((found.at(path) == content));
    }
    CHECK(found.size() == tree.size());
}

/// Of the only volume of a disk.
inline std::string notice_of(const std::filesystem::path& image) {
    return guest::read_volumes(FileDisk{image}).volumes.front().notice;
}

}  // namespace entrepot::test

// Paths are walked name by name; what was found last is kept, since the next question is mostly
// about the same file or its neighbour.
#include "storage/guest/path_file_system.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::guest {
namespace {

// What makes one file's content impossible to give, and says nothing of others.
bool is_of_the_file(const Error& error) {
    return error.code() == ErrorCode::corrupt || error.code() == ErrorCode::unsupported ||
           error.code() == ErrorCode::limit;
}

}  // namespace

const FolderNames& PathFileSystem::load_folder(std::uint64_t address) {
    if (!loaded_ || loaded_address_ != address) {
        loaded_.reset();
        loaded_ = load_names(address);
        loaded_address_ = address;
    }
    return *loaded_;
}

const FolderName& PathFileSystem::find_name(std::uint64_t folder, const std::string& name) {
    const FolderName* found = load_folder(folder).find(name);
    if (found == nullptr) {
        throw Error{ErrorCode::not_found, fmt::format("there is no \"{}\" in this folder", name)};
    }
    if (found->file_count > 1) {
        throw Error{
            ErrorCode::conflict,
            fmt::format("{} files of this folder are shown as \"{}\"", found->file_count, name),
            "entrepot restore disk gives the whole disk back as a file"};
    }
    return *found;
}

std::uint64_t PathFileSystem::find_folder(const std::vector<std::string>& parts) {
    std::uint64_t address = root_address();
    std::string path;
    for (const std::string& part : parts) {
        path += "/" + part;
        const auto known = folders_known_.find(path);
        if (known != folders_known_.end()) {
            address = known->second;
            continue;
        }
        with_context(fmt::format("looking for {}", path), [&] {
            const FolderName& name = find_name(address, part);
            if (!is_folder(name)) {
                throw Error{ErrorCode::invalid, fmt::format("{} is no folder", path)};
            }
            address = name.address;
        });
        if (folders_known_.size() >= limits::kFoldersKnownMax) folders_known_.clear();
        folders_known_[path] = address;
    }
    return address;
}

const FolderName* PathFileSystem::find_file(const std::string& path) {
    auto parts = split_path(path);
    if (parts.empty()) return nullptr;
    const std::string name = parts.back();
    parts.pop_back();
    const std::uint64_t folder = find_folder(parts);
    return &with_context(fmt::format("looking for {}", path),
                         [&]() -> const FolderName& { return find_name(folder, name); });
}

FileEntry PathFileSystem::describe(const FolderName& name) {
    FileEntry entry;
    entry.name = name.name;
    if (name.file_count > 1) {
        entry.refusal =
            fmt::format("{} files of this folder are shown under this name", name.file_count);
        return entry;
    }
    try {
        describe_record(name, entry);
    } catch (const Error& error) {
        // One damaged file does not hide its neighbours; a disk that cannot be read does.
        if (error.code() != ErrorCode::corrupt) throw;
        entry.refusal = error.message();
    }
    return entry;
}

FolderPage PathFileSystem::list(const std::string& path, const PageRequest& page) {
    ENTREPOT_CHECK(page.count_max > 0 && page.count_max <= limits::kPageEntriesMax);
    const FolderNames& folder = load_folder(find_folder(split_path(path)));
    FolderPage result;
    std::size_t i = folder.position_after(page.after);
    for (; i < folder.size() && result.entries.size() < page.count_max; ++i)
        result.entries.push_back(describe(folder.at(i)));
    result.has_more = i < folder.size();
    return result;
}

FileStatus PathFileSystem::status(const std::string& path) {
    FileStatus status;
    const FolderName* name = find_file(path);
    if (name == nullptr) {
        status.entry.name = join_path({});
        status.entry.kind = FileKind::folder;
        return status;
    }
    status.entry = describe(*name);
    if (status.entry.kind != FileKind::file) return status;
    status.streams = streams_of(*name);
    if (!status.entry.refusal.empty()) return status;
    try {
        open_content(*name, {});
    } catch (const Error& error) {
        if (!is_of_the_file(error)) throw;
        status.entry.refusal = error.message();
    }
    return status;
}

void PathFileSystem::open(const std::string& path, const std::string& stream) {
    if (content_ != nullptr && content_path_ == path && content_stream_ == stream) return;
    content_.reset();
    const FolderName* name = find_file(path);
    if (name == nullptr) throw Error{ErrorCode::invalid, "a folder has no content"};
    const FileEntry entry = describe(*name);
    if (entry.kind == FileKind::other && !entry.refusal.empty()) {
        throw Error{ErrorCode::corrupt, entry.refusal};  // Nobody knows what it is.
    }
    if (entry.kind != FileKind::file) {
        throw Error{ErrorCode::invalid,
                    fmt::format("this is no file but a {}", to_string(entry.kind))};
    }
    if (stream.empty() && !entry.refusal.empty()) {
        throw Error{ErrorCode::unsupported, entry.refusal};
    }
    content_ = open_content(*name, stream);
    content_path_ = path;
    content_stream_ = stream;
}

void PathFileSystem::read(const std::string& path, const std::string& stream, std::uint64_t offset,
                          MutableByteView target) {
    with_context(fmt::format("reading {}", path), [&] {
        open(path, stream);
        const std::uint64_t size = content_->size_bytes();
        if (offset > size || target.size() > size - offset) {
            throw Error{ErrorCode::invalid, fmt::format("{} bytes at {} are not in a file of {}",
                                                        target.size(), offset, size)};
        }
        content_->read(offset, target);
    });
}

std::vector<ContentPlace> PathFileSystem::locate(const std::string& path, const std::string& stream,
                                                 std::uint64_t offset, std::size_t count_max) {
    return with_context(fmt::format("reading {}", path), [&] {
        open(path, stream);
        return content_->locate(offset, count_max);
    });
}

}  // namespace entrepot::guest

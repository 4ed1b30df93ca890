// A file system seen by paths: how they are walked, pages made, and what was found last is kept.
// What folders and records are, a file system's own reader says.
#pragma once

#include "storage/guest/file_content.h"
#include "storage/guest/folder_names.h"
#include "storage/guest/guest_file_system.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::guest {

class PathFileSystem : public GuestFileSystem {
public:
    FolderPage list(const std::string& path, const PageRequest& page) final;
    FileStatus status(const std::string& path) final;
    void read(const std::string& path, const std::string& stream, std::uint64_t offset,
              MutableByteView target) final;
    std::vector<ContentPlace> locate(const std::string& path, const std::string& stream,
                                     std::uint64_t offset, std::size_t count_max) final;

protected:
    virtual std::uint64_t root_address() = 0;
    /// All names of the folder, finished. Error{corrupt} if any may be missing.
    virtual FolderNames load_names(std::uint64_t address) = 0;
    virtual bool is_folder(const FolderName& name) = 0;
    /// All but the name. Error{corrupt} makes the file one that is shown and cannot be given.
    virtual void describe_record(const FolderName& name, FileEntry& entry) = 0;
    virtual std::vector<FileStream> streams_of(const FolderName& name) = 0;
    /// An empty stream: the content.
    virtual std::unique_ptr<FileContent> open_content(const FolderName& name,
                                                      const std::string& stream) = 0;

private:
    const FolderNames& load_folder(std::uint64_t address);
    std::uint64_t find_folder(const std::vector<std::string>& parts);
    const FolderName& find_name(std::uint64_t folder, const std::string& name);
    /// nullptr for the root.
    const FolderName* find_file(const std::string& path);
    FileEntry describe(const FolderName& name);
    void open(const std::string& path, const std::string& stream);

    std::map<std::string, std::uint64_t> folders_known_;
    std::uint64_t loaded_address_ = 0;
    std::optional<FolderNames> loaded_;
    std::string content_path_;
    std::string content_stream_;
    std::unique_ptr<FileContent> content_;
};

}  // namespace entrepot::guest

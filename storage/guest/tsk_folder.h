// The names in one folder, loaded once and looked at by pages.
#pragma once

#include "storage/guest/tsk_handles.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::guest {

struct FolderName {
    std::string name;  ///< Shown.
    TSK_INUM_T address = 0;
    std::uint32_t sequence = 0;  ///< Of NTFS: which use of the record the name means.
    std::size_t file_count = 1;  ///< Files of the folder that are shown under this name.
};

class TskFolder {
public:
    /// Reads all names. Error{corrupt}, Error{limit}.
    TskFolder(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address);

    /// The first whose name is behind `name`; size() if none is.
    std::size_t position_after(const std::string& name) const;
    std::size_t size() const { return names_.size(); }
    const FolderName& at(std::size_t index) const { return names_[index]; }
    /// By its exact name; where the file system does not care about case, and only one name fits,
    /// by that. nullptr if there is none.
    const FolderName* find(const std::string& name) const;

private:
    void load_names(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address);
    void load_ntfs_names(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address);
    void load_ext_names(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address);
    void add(std::string_view raw, TSK_INUM_T address, std::uint32_t sequence);
    void unite_same_names();

    bool ignores_case_ = false;
    std::vector<FolderName> names_;  ///< Ordered by name.
};

}  // namespace entrepot::guest

// The names in one folder, loaded once and looked at by pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::guest {

enum class NameCase { matters, ignored };

struct FolderName {
    std::string name;            ///< Shown.
    std::uint64_t address = 0;   ///< Of the file's record, as its file system counts them.
    std::uint32_t sequence = 0;  ///< Of NTFS: which use of the record the name means.
    std::uint8_t file_type = 0;  ///< Of XFS: what the folder says that it is; 0: nothing.
    std::size_t file_count = 1;  ///< Files of the folder that are shown under this name.
};

class FolderNames {
public:
    explicit FolderNames(NameCase name_case) : name_case_(name_case) {}

    /// Leaves out what no name of a file can be. Error{limit}.
    void add(std::string_view raw, FolderName name);
    /// To be called once behind the last add(), and before the questions below.
    void finish();

    /// The first whose name is behind `name`; size() if none is.
    std::size_t position_after(const std::string& name) const;
    std::size_t size() const { return names_.size(); }
    const FolderName& at(std::size_t index) const { return names_[index]; }
    /// By its exact name; where the file system does not care about case, and only one name fits,
    /// by that. nullptr if there is none.
    const FolderName* find(const std::string& name) const;

private:
    void unite_same_names();

    NameCase name_case_;
    std::vector<FolderName> names_;  ///< Ordered by name.
};

}  // namespace entrepot::guest

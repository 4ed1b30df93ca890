// Pages are told apart by names, and so are the entries of an archive: each name is there once.
#include "storage/guest/folder_names.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace entrepot::guest {
namespace {

bool is_same_but_for_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

void FolderNames::add(std::string_view raw, FolderName name) {
    name.name = escape_name(raw);
    if (!is_shown_name(name.name)) return;  // "." and "..", whoever wrote them.
    if (names_.size() == limits::kFolderEntriesMax) {
        throw Error{ErrorCode::limit,
                    fmt::format("the folder has more than the {} entries that can be listed",
                                limits::kFolderEntriesMax)};
    }
    names_.push_back(std::move(name));
}

void FolderNames::finish() {
    std::ranges::stable_sort(names_, {}, &FolderName::name);
    unite_same_names();
}

void FolderNames::unite_same_names() {
    const auto is_again = [](const FolderName& a, const FolderName& b) {
        return a.name == b.name && a.address == b.address && a.sequence == b.sequence;
    };
    names_.erase(std::unique(names_.begin(), names_.end(), is_again), names_.end());
    std::size_t kept = 0;
    for (std::size_t i = 1; i < names_.size(); ++i) {
        if (names_[i].name == names_[kept].name) {
            ++names_[kept].file_count;
        } else if (++kept != i) {
            names_[kept] = std::move(names_[i]);
        }
    }
    if (!names_.empty()) names_.resize(kept + 1);
}

std::size_t FolderNames::position_after(const std::string& name) const {
    if (name.empty()) return 0;
    const auto found = std::ranges::upper_bound(names_, name, {}, &FolderName::name);
    return static_cast<std::size_t>(found - names_.begin());
}

const FolderName* FolderNames::find(const std::string& name) const {
    const auto exact = std::ranges::lower_bound(names_, name, {}, &FolderName::name);
    if (exact != names_.end() && exact->name == name) return &*exact;
    if (name_case_ == NameCase::matters) return nullptr;
    const FolderName* found = nullptr;
    for (const FolderName& entry : names_) {
        if (!is_same_but_for_case(entry.name, name)) continue;
        if (found != nullptr) return nullptr;
        found = &entry;
    }
    return found;
}

}  // namespace entrepot::guest

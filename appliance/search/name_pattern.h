// What people type to find a file: a part of its name, or the whole with * and ?.
#pragma once

#include <string>
#include <string_view>

namespace entrepot::search {

/// Case does not matter in Latin, Greek, Cyrillic and Armenian; accents do.
class NamePattern {
public:
    /// Error{invalid} for an empty text, one that is no UTF-8, or more than 1,024 bytes.
    explicit NamePattern(std::string_view text);

    bool fits(std::string_view name) const;

private:
    std::string folded_;
    bool is_glob_ = false;
    mutable std::string name_;  ///< Kept for its memory: a million names are looked at.
};

/// The text with small letters for large ones.
void fold_case(std::string_view text, std::string& folded);

}  // namespace entrepot::search

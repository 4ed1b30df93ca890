// The text in which LVM2 describes a volume group: sections in braces, values behind equals signs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace entrepot::guest {

struct LvmNamedSection;

/// A number, a text, or a list of both.
struct LvmValue {
    std::variant<std::int64_t, std::string, std::vector<LvmValue>> content;
};

struct LvmSection {
    std::map<std::string, LvmValue> values;
    /// In the order of the text.
    std::vector<LvmNamedSection> sections;

    /// nullptr if there is none.
    const LvmSection* find(std::string_view name) const;
    /// Error{corrupt} if it is absent or of another kind; numbers are not negative.
    const LvmSection& section(std::string_view name) const;
    std::uint64_t number(std::string_view name) const;
    const std::string& text(std::string_view name) const;
    const std::vector<LvmValue>& list(std::string_view name) const;
};

struct LvmNamedSection {
    std::string name;
    LvmSection section;
};

/// Error{corrupt}, Error{limit} for more than a hundred thousand values.
LvmSection parse_lvm_text(std::string_view text);

}  // namespace entrepot::guest

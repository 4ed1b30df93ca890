// What is not in an archive, and why: the text of its last entry.
#pragma once

#include <cstdint>
#include <string>

namespace entrepot::files {

class MissingList {
public:
    /// Both are shown text; beyond 4 MiB, entries are only counted.
    void add(const std::string& path, const std::string& why);
    std::uint64_t count() const { return count_; }
    std::string text() const;

private:
    std::string lines_;
    std::uint64_t count_ = 0;
    std::uint64_t told_count_ = 0;
};

}  // namespace entrepot::files

// The parts of the checker of VHDX files, and where they put what they find.
#pragma once

#include "tests/property/vhdx_layout.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::property {

class RuleList {
public:
    /// One image can break one rule for each of its blocks.
    static constexpr std::size_t kCountMax = 20;

    void add(std::string broken) {
        if (broken_.size() < kCountMax) broken_.push_back(std::move(broken));
    }
    template <typename... Values>
    void require(bool is_kept, fmt::format_string<Values...> words, Values&&... values) {
        if (!is_kept) add(fmt::format(words, std::forward<Values>(values)...));
    }
    std::vector<std::string> take() { return std::move(broken_); }

private:
    std::vector<std::string> broken_;
};

/// The block allocation table, and that no two things share a MiB of the file (2.5).
void check_space(const VhdxLayout& image, RuleList& rules);
/// The sector bitmap blocks of a differencing image (2.4).
void check_bitmaps(const VhdxLayout& image, RuleList& rules);
/// The parent locator, and that it names this parent (2.6.2.6).
void check_locator(const VhdxLayout& image, const std::filesystem::path& parent, RuleList& rules);

}  // namespace entrepot::property

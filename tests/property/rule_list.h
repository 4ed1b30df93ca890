// Where the checkers of image files put what they find.
#pragma once

#include <fmt/format.h>

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

}  // namespace entrepot::property

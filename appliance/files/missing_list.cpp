// Lines end as Windows' editor wants it; others do not mind.
#include "appliance/files/missing_list.h"

#include "base/bytes.h"

#include <fmt/format.h>

namespace entrepot::files {
namespace {

constexpr std::size_t kTextBytesMax = 4 * kMiB;

}  // namespace

void MissingList::add(const std::string& path, const std::string& why) {
    ++count_;
    std::string line = fmt::format("{}: {}\r\n", path, why);
    if (line.size() > kTextBytesMax - lines_.size()) return;
    lines_ += line;
    ++told_count_;
}

std::string MissingList::text() const {
    std::string text = fmt::format(
        "{} of what was asked for is not in this archive, or not whole. Names are written as "
        "entrepot files list shows them.\r\n\r\n{}",
        count_, lines_);
    if (told_count_ < count_) text += fmt::format("and {} more\r\n", count_ - told_count_);
    return text;
}

}  // namespace entrepot::files

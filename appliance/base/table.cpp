// Column widths and padding.
#include "base/table.h"

#include "base/check.h"
#include "base/hidden_text.h"

#include <algorithm>

namespace entrepot {
namespace {

constexpr std::size_t kGap = 2;

void print_row(std::ostream& out, const std::vector<std::string>& cells,
               const std::vector<Column>& columns, const std::vector<std::size_t>& widths) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths[i] - text_width(cells[i]), ' ');
        if (i > 0) line.append(kGap, ' ');
        line += columns[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
}

}  // namespace

std::string printable(std::string text) {
    std::string shown;
    shown.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = hidden_length(text, at);
        shown += length == 0 ? text[at] : '?';
        at += length == 0 ? 1 : length;
    }
    return shown;
}

std::size_t text_width(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

void Table::add_row(std::vector<std::string> cells) {
    ENTREPOT_CHECK(cells.size() == columns_.size());
    for (auto& cell : cells)
        cell = printable(std::move(cell));
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        titles.push_back(columns_[i].title);
        std::size_t width = text_width(columns_[i].title);
        for (const auto& row : rows_)
            width = std::max(width, text_width(row[i]));
        widths.push_back(width);
    }
    print_row(out, titles, columns_, widths);
    for (const auto& row : rows_)
        print_row(out, row, columns_, widths);
}

}  // namespace entrepot

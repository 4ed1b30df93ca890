// Aligned columns for people.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace entrepot {

enum class Align { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
};

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Requires as many cells as there are columns. Control characters are shown as '?'.
    void add_row(std::vector<std::string> cells);
    bool is_empty() const { return rows_.empty(); }
    void print(std::ostream& out) const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// Text of a host or a file for a terminal: what that would obey (hidden_text.h) becomes '?'.
std::string printable(std::string text);
/// How many columns a UTF-8 text takes, one for each code point.
std::size_t text_width(const std::string& text);

}  // namespace entrepot

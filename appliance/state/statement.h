// One SQL statement with its parameters, and the rows that come back. Values go in as parameters
// only (F-DB-08), so text from people and hosts never becomes SQL.
#pragma once

#include "base/clock.h"
#include "base/json.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace Poco::Data {
class Session;
}

namespace entrepot::state {

using SqlValue = std::variant<std::string, std::int64_t>;

/// Values by row and column, from 0.
class Rows {
public:
    std::size_t size() const { return rows_.size(); }
    bool empty() const { return rows_.empty(); }
    const std::string& text(std::size_t row, std::size_t column) const;
    std::int64_t number(std::size_t row, std::size_t column) const;
    std::uint64_t unsigned_number(std::size_t row, std::size_t column) const;
    /// Of a column that SQL worked out: it has no declared type, and may come as text.
    std::int64_t computed_number(std::size_t row, std::size_t column) const;
    /// Throws Error{corrupt} if the column does not hold JSON.
    Json json(std::size_t row, std::size_t column) const;
    WallTime time(std::size_t row, std::size_t column) const;
    /// 0 stands for none.
    std::optional<WallTime> optional_time(std::size_t row, std::size_t column) const;

    void add(std::vector<SqlValue> row) { rows_.push_back(std::move(row)); }

private:
    std::vector<std::vector<SqlValue>> rows_;
};

/// The rows of a SELECT; all of them, so statements carry a LIMIT where there may be many.
Rows query(Poco::Data::Session& session, const char* sql,
           const std::vector<SqlValue>& parameters = {});
/// Runs any other statement. Returns how many rows it changed.
std::size_t execute(Poco::Data::Session& session, const char* sql,
                    const std::vector<SqlValue>& parameters = {});

std::int64_t to_sql(WallTime time);
std::int64_t to_sql(const std::optional<WallTime>& time);

}  // namespace entrepot::state

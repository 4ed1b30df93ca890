// Statements over Poco::Data; see statement.h.
#include "appliance/state/statement.h"

#include "base/check.h"
#include "base/error.h"

#include <Poco/Data/RecordSet.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>

#include <charconv>

namespace entrepot::state {
namespace {

void bind_all(Poco::Data::Statement& statement, const std::vector<SqlValue>& parameters) {
    for (const SqlValue& value : parameters) {
        if (const auto* text = std::get_if<std::string>(&value)) {
            statement, Poco::Data::Keywords::bind(*text);
        } else {
            statement, Poco::Data::Keywords::bind(Poco::Int64{std::get<std::int64_t>(value)});
        }
    }
}

SqlValue read_value(const Poco::Data::RecordSet& records, std::size_t column, std::size_t row) {
    const Poco::Dynamic::Var value = records.value(column, row);
    if (value.isEmpty()) return std::string{};
    if (value.isInteger()) return std::int64_t{value.convert<Poco::Int64>()};
    return value.convert<std::string>();
}

}  // namespace

const std::string& Rows::text(std::size_t row, std::size_t column) const {
    const auto* text = std::get_if<std::string>(&rows_.at(row).at(column));
    if (text == nullptr) throw Error{ErrorCode::corrupt, "a number where the database keeps text"};
    return *text;
}

std::int64_t Rows::number(std::size_t row, std::size_t column) const {
    const auto* number = std::get_if<std::int64_t>(&rows_.at(row).at(column));
    if (number == nullptr) {
        throw Error{ErrorCode::corrupt, "text where the database keeps a number"};
    }
    return *number;
}

std::int64_t Rows::computed_number(std::size_t row, std::size_t column) const {
    const SqlValue& value = rows_.at(row).at(column);
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
    const std::string& text = std::get<std::string>(value);
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) {
        throw Error{ErrorCode::corrupt, "text where SQL works out a number"};
    }
    return number;
}

std::uint64_t Rows::unsigned_number(std::size_t row, std::size_t column) const {
    const std::int64_t value = number(row, column);
    return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

Json Rows::json(std::size_t row, std::size_t column) const {
    try {
        return parse_json(text(row, column), "a column of the state database");
    } catch (const Error& error) {
        throw Error{ErrorCode::corrupt, error.message()};
    }
}

WallTime Rows::time(std::size_t row, std::size_t column) const {
    return WallTime{std::chrono::milliseconds{number(row, column)}};
}

std::optional<WallTime> Rows::optional_time(std::size_t row, std::size_t column) const {
    if (number(row, column) == 0) return std::nullopt;
    return time(row, column);
}

Rows query(Poco::Data::Session& session, const char* sql, const std::vector<SqlValue>& parameters) {
    Poco::Data::Statement statement{session};
    statement << std::string{sql};
    bind_all(statement, parameters);
    statement.execute();
    const Poco::Data::RecordSet records{statement};
    Rows rows;
    for (std::size_t row = 0; row < records.rowCount(); ++row) {
        std::vector<SqlValue> values;
        for (std::size_t column = 0; column < records.columnCount(); ++column) {
            values.push_back(read_value(records, column, row));
        }
        rows.add(std::move(values));
    }
    return rows;
}

std::size_t execute(Poco::Data::Session& session, const char* sql,
                    const std::vector<SqlValue>& parameters) {
    Poco::Data::Statement statement{session};
    statement << std::string{sql};
    bind_all(statement, parameters);
    return statement.execute();
}

std::int64_t to_sql(WallTime time) {
    return time.time_since_epoch().count();
}

std::int64_t to_sql(const std::optional<WallTime>& time) {
    return time ? to_sql(*time) : 0;
}

}  // namespace entrepot::state

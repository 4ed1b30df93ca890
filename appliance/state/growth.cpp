// Rows of growth; see growth.h. A size that is not known is -1.
#include "appliance/state/growth.h"

#include "appliance/state/statement.h"

#include <chrono>

namespace entrepot::state {
namespace {

constexpr std::int64_t kUnknown = -1;

std::int64_t day_of(WallTime time) {
    return std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
}

std::int64_t to_sql_size(std::optional<std::uint64_t> size) {
    return size ? static_cast<std::int64_t>(*size) : kUnknown;
}

std::optional<std::uint64_t> read_size(const Rows& rows, std::size_t row, std::size_t column) {
    if (rows.number(row, column) == kUnknown) return std::nullopt;
    return rows.unsigned_number(row, column);
}

GrowthSample read_growth_row(const Rows& rows, std::size_t row) {
    return {.time = rows.time(row, 0),
            .stored_bytes = rows.unsigned_number(row, 1),
            .logical_bytes = rows.unsigned_number(row, 2),
            .points = rows.unsigned_number(row, 3),
            .free_bytes = read_size(rows, row, 4),
            .capacity_bytes = read_size(rows, row, 5)};
}

}  // namespace

void GrowthStore::put(const GrowthSample& sample) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session,
                "INSERT INTO growth (day, time, stored_bytes, logical_bytes, points, free_bytes, "
                "capacity_bytes) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day) DO UPDATE SET "
                "time = excluded.time, stored_bytes = excluded.stored_bytes, "
                "logical_bytes = excluded.logical_bytes, points = excluded.points, "
                "free_bytes = excluded.free_bytes, capacity_bytes = excluded.capacity_bytes",
                {day_of(sample.time), to_sql(sample.time), to_sql_size(sample.stored_bytes),
                 to_sql_size(sample.logical_bytes), to_sql_size(sample.points),
                 to_sql_size(sample.free_bytes), to_sql_size(sample.capacity_bytes)});
        execute(session,
                "DELETE FROM growth WHERE day NOT IN "
                "(SELECT day FROM growth ORDER BY day DESC LIMIT ?)",
                {static_cast<std::int64_t>(kGrowthDaysMax)});
    });
}

std::optional<GrowthSample> GrowthStore::find_newest() {
    std::optional<GrowthSample> found;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows = query(session,
                                "SELECT time, stored_bytes, logical_bytes, points, free_bytes, "
                                "capacity_bytes FROM growth ORDER BY day DESC LIMIT 1");
        if (!rows.empty()) found = read_growth_row(rows, 0);
    });
    return found;
}

std::vector<GrowthSample> GrowthStore::list_since(WallTime time) {
    std::vector<GrowthSample> samples;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows = query(session,
                                "SELECT time, stored_bytes, logical_bytes, points, free_bytes, "
                                "capacity_bytes FROM growth WHERE time >= ? ORDER BY day",
                                {to_sql(time)});
        for (std::size_t row = 0; row < rows.size(); ++row)
            samples.push_back(read_growth_row(rows, row));
    });
    return samples;
}

}  // namespace entrepot::state

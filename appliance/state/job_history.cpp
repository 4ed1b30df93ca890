// Counts of ended jobs; see job_history.h.
#include "appliance/state/job_history.h"

#include "appliance/state/statement.h"

namespace entrepot::state {
namespace {

constexpr std::int64_t kStepMs =
    std::chrono::duration_cast<std::chrono::milliseconds>(kHistoryStep).count();

}  // namespace

std::vector<EndedCount> JobHistory::list_ended(const std::string& kind, WallTime since) {
    std::vector<EndedCount> counts;
    database_.transact([&](Poco::Data::Session& session) {
        // A job that was cancelled in the queue never started: it was busy for no time.
        const Rows rows =
            query(session,
                  "SELECT ended / ? AS step, state, COUNT(*), "
                  "SUM(CASE WHEN started = 0 THEN 0 ELSE ended - started END) "
                  "FROM jobs WHERE ended >= ? AND ended <> 0 AND (? = '' OR kind = ?) "
                  "GROUP BY ended / ?, state ORDER BY step, state",
                  {kStepMs, to_sql(since), kind, kind, kStepMs});
        for (std::size_t row = 0; row < rows.size(); ++row) {
            counts.push_back({.begin = WallTime{std::chrono::milliseconds{
                                  rows.computed_number(row, 0) * kStepMs}},
                              .state = jobs::job_state_from(rows.text(row, 1)),
                              .count = static_cast<std::uint64_t>(rows.computed_number(row, 2)),
                              .busy = std::chrono::milliseconds{rows.computed_number(row, 3)}});
        }
    });
    return counts;
}

}  // namespace entrepot::state

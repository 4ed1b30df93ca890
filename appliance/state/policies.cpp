// Rows of policies and their runs; see policies.h.
#include "appliance/state/policies.h"

#include "appliance/state/names.h"
#include "appliance/state/statement.h"

#include "base/error.h"
#include "base/guid.h"

#include <fmt/format.h>

namespace entrepot::state {
namespace {

constexpr std::string_view kSelectPolicy =
    "SELECT id, name, definition, created, changed, last_run FROM policies ";
constexpr std::string_view kSelectRun =
    "SELECT id, policy, policy_name, started, state, plan FROM policy_runs ";

std::vector<PolicyRecord> read_policies(Poco::Data::Session& session, std::string_view clauses,
                                        const std::vector<SqlValue>& parameters) {
    const std::string sql = std::string{kSelectPolicy} + std::string{clauses};
    const Rows rows = query(session, sql.c_str(), parameters);
    std::vector<PolicyRecord> policies;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        policies.push_back({.id = rows.text(row, 0),
                            .name = rows.text(row, 1),
                            .definition = rows.json(row, 2),
                            .created = rows.time(row, 3),
                            .changed = rows.time(row, 4),
                            .last_run = rows.optional_time(row, 5)});
    }
    return policies;
}

std::vector<PolicyRun> read_runs(Poco::Data::Session& session, std::string_view clauses,
                                 const std::vector<SqlValue>& parameters) {
    const std::string sql = std::string{kSelectRun} + std::string{clauses};
    const Rows rows = query(session, sql.c_str(), parameters);
    std::vector<PolicyRun> runs;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        runs.push_back({.id = rows.text(row, 0),
                        .policy_id = rows.text(row, 1),
                        .policy_name = rows.text(row, 2),
                        .started = rows.time(row, 3),
                        .state = rows.text(row, 4),
                        .plan = rows.json(row, 5)});
    }
    return runs;
}

void refuse_taken_policy(Poco::Data::Session& session, const std::string& name,
                         const std::string& id) {
    if (!query(session, "SELECT id FROM policies WHERE name = ? AND id <> ?", {name, id}).empty()) {
        throw Error{ErrorCode::already_exists, fmt::format("there is a policy {} already", name)};
    }
}

void require_policy(std::size_t count, std::string_view id) {
    if (count == 0) throw Error{ErrorCode::not_found, fmt::format("there is no policy {}", id)};
}

}  // namespace

PolicyRecord PolicyStore::add(const std::string& name, const Json& definition) {
    check_name("policy", name);
    const WallTime now = clock_.wall_now();
    PolicyRecord policy{.id = Guid::make_random(random_).to_string(),
                        .name = name,
                        .definition = definition,
                        .created = now,
                        .changed = now,
                        .last_run = std::nullopt};
    database_.transact([&](Poco::Data::Session& session) {
        refuse_taken_policy(session, name, policy.id);
        execute(session,
                "INSERT INTO policies (id, name, definition, created, changed, last_run) "
                "VALUES (?, ?, ?, ?, ?, 0)",
                {policy.id, name, dump_json(definition), to_sql(now), to_sql(now)});
    });
    return policy;
}

void PolicyStore::update(const std::string& id, const std::string& name, const Json& definition) {
    check_name("policy", name);
    const WallTime now = clock_.wall_now();
    database_.transact([&](Poco::Data::Session& session) {
        refuse_taken_policy(session, name, id);
        require_policy(
            execute(session,
                    "UPDATE policies SET name = ?, definition = ?, changed = ? WHERE id = ?",
                    {name, dump_json(definition), to_sql(now), id}),
            id);
    });
}

std::vector<PolicyRecord> PolicyStore::list() {
    std::vector<PolicyRecord> policies;
    database_.transact([&](Poco::Data::Session& session) {
        policies = read_policies(session, "ORDER BY name", {});
    });
    return policies;
}

std::optional<PolicyRecord> PolicyStore::find(std::string_view id_or_name) {
    const auto guid = Guid::parse(id_or_name);
    const std::string key = guid ? guid->to_string() : std::string{id_or_name};
    std::vector<PolicyRecord> policies;
    database_.transact([&](Poco::Data::Session& session) {
        policies = read_policies(session, "WHERE id = ? OR name = ?", {key, key});
    });
    if (policies.empty()) return std::nullopt;
    return std::move(policies.front());
}

PolicyRecord PolicyStore::get(std::string_view id_or_name) {
    if (auto found = find(id_or_name)) return *std::move(found);
    throw Error{ErrorCode::not_found, fmt::format("there is no policy {}", id_or_name),
                "entrepot policy list shows those there are"};
}

void PolicyStore::remove(const std::string& id) {
    database_.transact([&](Poco::Data::Session& session) {
        require_policy(execute(session, "DELETE FROM policies WHERE id = ?", {id}), id);
    });
}

PolicyRun PolicyStore::plan_run(const PolicyRecord& policy, const Json& plan,
                                std::optional<WallTime> last_run) {
    PolicyRun run{.id = Guid::make_random(random_).to_string(),
                  .policy_id = policy.id,
                  .policy_name = policy.name,
                  .started = clock_.wall_now(),
                  .state = "planned",
                  .plan = plan};
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows =
            query(session, "SELECT number FROM policy_runs ORDER BY number DESC LIMIT 1");
        const std::int64_t number = rows.empty() ? 1 : rows.number(0, 0) + 1;
        execute(session,
                "INSERT INTO policy_runs (number, id, policy, policy_name, started, state, plan) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                {number, run.id, run.policy_id, run.policy_name, to_sql(run.started), run.state,
                 dump_json(plan)});
        if (!last_run) return;
        require_policy(execute(session, "UPDATE policies SET last_run = ? WHERE id = ?",
                               {to_sql(*last_run), policy.id}),
                       policy.id);
    });
    return run;
}

void PolicyStore::set_run_state(const std::string& run_id, const std::string& state) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session, "UPDATE policy_runs SET state = ? WHERE id = ?", {state, run_id});
    });
}

std::vector<PolicyRun> PolicyStore::list_open_runs() {
    std::vector<PolicyRun> runs;
    database_.transact([&](Poco::Data::Session& session) {
        runs = read_runs(session, "WHERE state <> 'done' ORDER BY number", {});
    });
    return runs;
}

std::optional<PolicyRun> PolicyStore::find_run(const std::string& run_id) {
    std::vector<PolicyRun> runs;
    database_.transact(
        [&](Poco::Data::Session& session) { runs = read_runs(session, "WHERE id = ?", {run_id}); });
    if (runs.empty()) return std::nullopt;
    return std::move(runs.front());
}

std::vector<PolicyRun> PolicyStore::list_runs(const std::string& policy_id, std::size_t limit) {
    std::vector<PolicyRun> runs;
    database_.transact([&](Poco::Data::Session& session) {
        runs = read_runs(session, "WHERE policy = ? ORDER BY number DESC LIMIT ?",
                         {policy_id, static_cast<std::int64_t>(limit)});
    });
    return runs;
}

}  // namespace entrepot::state

// Policies as rows: the definition is JSON that appliance/policy understands; and their runs.
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::state {

struct PolicyRecord {
    std::string id;  ///< GUID in lower case.
    std::string name;
    Json definition = Json::object();
    WallTime created{};
    WallTime changed{};                ///< Runs due before this are not caught up.
    std::optional<WallTime> last_run;  ///< When the last run was decided.
};

/// One run of a policy. Planned in one transaction with the policy's last_run, so that a crash
/// neither loses nor repeats it.
struct PolicyRun {
    std::string id;
    std::string policy_id;
    std::string policy_name;
    WallTime started{};
    std::string state;  ///< "planned", "running", "done".
    /// Definition, VMs and why it ran, as they were when it was planned.
    Json plan = Json::object();
};

class PolicyStore {
public:
    PolicyStore(Database& database, Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}

    /// Error{already_exists} for a name in use.
    PolicyRecord add(const std::string& name, const Json& definition);
    void update(const std::string& id, const std::string& name, const Json& definition);
    std::vector<PolicyRecord> list();
    std::optional<PolicyRecord> find(std::string_view id_or_name);
    /// Error{not_found}.
    PolicyRecord get(std::string_view id_or_name);
    void remove(const std::string& id);

    /// Adds a run as "planned"; sets the policy's last_run if `last_run` is given.
    PolicyRun plan_run(const PolicyRecord& policy, const Json& plan,
                       std::optional<WallTime> last_run);
    void set_run_state(const std::string& run_id, const std::string& state);
    /// Runs that are not "done", oldest first.
    std::vector<PolicyRun> list_open_runs();
    std::optional<PolicyRun> find_run(const std::string& run_id);
    /// Newest first.
    std::vector<PolicyRun> list_runs(const std::string& policy_id, std::size_t limit);

private:
    Database& database_;
    Clock& clock_;
    Random& random_;
};

}  // namespace entrepot::state

// One export after another until it is known how it ended: asked for once, found again after a
// crash, never asked for blindly.
#pragma once

#include "appliance/backup/run.h"

#include "exporter/hyperv/hyperv_host.h"

#include "base/json.h"

#include <string>
#include <string_view>
#include <vector>

namespace entrepot::backup {

/// The attempts at one export of a run, all under one step name of the journal. Attempts count from
/// 0; what a former life did is taken from the journal.
class ExportAttempts {
public:
    struct Attempt {
        int number = 0;
        std::string run_id;
        ExportGoal goal;
    };
    enum class Outcome {
        done,
        failed,
        unknown,  ///< Whatever happened, nobody can say how it ended: ask anew, elsewhere.
    };
    struct Ended {
        Outcome outcome = Outcome::unknown;
        std::string text;
        std::string hint;
        bool is_target_side = false;
        /// The share's file server died meanwhile and came back, or was started anew.
        bool has_server_restarted = false;
    };

    /// `step` is key::kExport or key::kComparison.
    ExportAttempts(Run& run, std::string_view step) : run_(run), step_(step) {}

    bool is_begun(int number) const;
    Attempt make(int number, const ExportGoal& goal);
    /// Asks, or takes up what was asked, and waits. Throws where the host falls silent.
    Ended run(const Attempt& attempt);
    void record(const Attempt& attempt, const Ended& ended);

private:
    Ended ask(const Attempt& attempt);
    Ended look_for_job(const Attempt& attempt);
    Ended outwait(const Attempt& attempt, std::vector<hyperv::JobRef> jobs);
    Ended wait(const Attempt& attempt, const hyperv::JobRef& job);
    Ended end_stalled(const hyperv::JobRef& job);
    Ended end_beyond_quota(const hyperv::JobRef& job, const std::string& why);
    bool has_server_restarted(int number) const;

    Run& run_;
    std::string step_;
};

/// An export that the run asked for, or was about to.
struct BegunExport {
    std::string step;
    int number = 0;
    Json intent;
    std::string run_id;
};

/// Of both step names.
std::vector<BegunExport> list_begun_exports(Run& run);

/// Cancels exports that run and removes what they wrote. For clean-up.
void undo_exports(Run& run);

/// Removes what one of them wrote, out of the host's reach first.
void discard_export(Run& run, const std::string& run_id);

/// Bytes that the disks of the plan have, holes included.
std::uint64_t virtual_bytes(const RunPlan& plan);

}  // namespace entrepot::backup

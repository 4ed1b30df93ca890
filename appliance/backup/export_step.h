// The third and fourth step: an export onto the share that is proven to be whole, first as planned
// and, where an incremental fails for a reason that is not the share's, once as a full.
#pragma once

#include "appliance/backup/run.h"

#include "exporter/hyperv/hresult.h"
#include "exporter/hyperv/hyperv_host.h"

#include <string>

namespace entrepot::backup {

class ExportStep {
public:
    explicit ExportStep(Run& run) : run_(run) {}

    /// Afterwards the journal names the run's directory and what it holds. Throws the host's
    /// failure, Error{no_space} before anything is asked, Error{timeout} if nothing moves.
    void run();

private:
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
    };

    Attempt make_attempt(int number, const ExportGoal& goal);
    Ended run_attempt(const Attempt& attempt);
    Ended ask(const Attempt& attempt);
    Ended look_for_job(const Attempt& attempt);
    Ended wait_for_export(const Attempt& attempt, const hyperv::JobRef& job);
    Ended end_stalled(const hyperv::JobRef& job);
    /// True if the export is what it must be; false if a full shall follow, in `goal`.
    bool prove(const Attempt& attempt, ExportGoal& goal);
    void go_over_to_full(const Attempt& attempt, const std::string& why, ExportGoal& goal);
    void check_space(const ExportGoal& goal);
    void record(const Attempt& attempt, const Ended& ended);

    Run& run_;
};

/// Cancels an export that runs and removes what it wrote. For clean-up.
void undo_exports(Run& run);

}  // namespace entrepot::backup

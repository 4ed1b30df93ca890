// Undoing a restore that did not come to its end: no planned VM, no half VM, no file of ours is
// left behind. What cannot be taken away is remembered with a command.
#pragma once

#include "appliance/restore/restore_run.h"

#include <functional>
#include <string>

namespace entrepot::restore {

class CleanUp {
public:
    /// Requires a run that cannot be stopped, with its plan.
    explicit CleanUp(RestoreRun& run) : run_(run) {}

    /// May be called again. Failures end in residue and warnings, never in an exception.
    void run();

private:
    void attempt(const std::string& what, const std::function<void()>& undo);
    void undo_vm();
    void undo_planned();
    void report_copies();

    RestoreRun& run_;
};

}  // namespace entrepot::restore

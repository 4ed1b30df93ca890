// Undoing a run that will not end with a point: every object of ours leaves the host.
#pragma once

#include "appliance/backup/run.h"

#include <functional>
#include <string>
#include <vector>

namespace entrepot::backup {

/// May be run again at any time. What can't be undone is recorded: residue for a person, a flag for
/// the next run. Never throws an Error. Requires that the plan is known and that nothing of the run
/// is committed.
class CleanUp {
public:
    explicit CleanUp(Run& run) : run_(run) {}
    void run();

private:
    void attempt(const std::string& what, const std::function<void()>& undo);

    Run& run_;
    std::vector<std::string> failures_;
};

}  // namespace entrepot::backup

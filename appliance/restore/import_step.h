// Making the planned VM. Its id is journalled only when it is proven that it is ours.
#pragma once

#include "appliance/restore/host_objects.h"
#include "appliance/restore/restore_run.h"

namespace entrepot::restore {

class ImportStep {
public:
    explicit ImportStep(RestoreRun& run) : run_(run) {}

    /// Throws the host's failure; Error{conflict} where new planned VMs are there and which one is
    /// ours is not proven: they are left alone, and remembered with a command.
    void run();

private:
    /// True if the planned VM is known; false if the host did nothing and may be asked again.
    bool attempt(int number);
    void ask(int number);
    FoundPlanned look(int number);
    void wait_for_foreign_jobs(int number);
    void adopt(const FoundPlanned& found);

    RestoreRun& run_;
};

/// Ends what still runs on the host of the run's imports.
void end_import_jobs(RestoreRun& run);

}  // namespace entrepot::restore

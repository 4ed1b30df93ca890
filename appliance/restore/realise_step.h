// From a planned VM to a VM: validation in words, realisation, start.
#pragma once

#include "appliance/restore/host_objects.h"
#include "appliance/restore/restore_run.h"

#include <string>
#include <vector>

namespace entrepot::restore {

class RealiseStep {
public:
    explicit RealiseStep(RestoreRun& run) : run_(run) {}

    /// Repairs what we can. Throws Error{conflict} with each problem in the host's words, its code,
    /// and what to do.
    void validate();
    /// Afterwards the VM is there and journalled. Throws the host's failure.
    void realise();
    /// Empty, or why the VM that was restored does not run.
    std::string start();

private:
    bool repair(const std::vector<hyperv::PlannedProblem>& problems);
    bool attempt(int number);
    void ask(int number);
    void wait_for_running_jobs();
    bool find_vm(RealiseJob job, std::chrono::seconds patience);

    RestoreRun& run_;
    std::vector<std::string> repaired_;
};

/// "the network: The switch was not found (0x80070002)" with what to do, for a person.
std::string describe_problem(const hyperv::PlannedProblem& problem);
/// Empty if we know nothing.
std::string cure_for(const hyperv::PlannedProblem& problem);

/// Ends what still runs on the host of the run's realisations.
void end_realise_jobs(RestoreRun& run);

}  // namespace entrepot::restore

// The order of the steps, and what happens when one fails; see restore_vm_job.h.
#include "appliance/restore/restore_vm_job.h"

#include "appliance/backup/failure_record.h"
#include "appliance/backup/host_calls.h"
#include "appliance/restore/clean_up.h"
#include "appliance/restore/fix_step.h"
#include "appliance/restore/host_objects.h"
#include "appliance/restore/host_path.h"
#include "appliance/restore/import_step.h"
#include "appliance/restore/limits.h"
#include "appliance/restore/place_step.h"
#include "appliance/restore/plan_step.h"
#include "appliance/restore/realise_step.h"
#include "appliance/restore/restore_run.h"

#include "base/error.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace entrepot::restore {

using backup::Stoppable;
using jobs::JobOutcome;

namespace {

class RestoreVmJob {
public:
    RestoreVmJob(const Services& services, jobs::JobContext& job)
        : services_(services),
          job_(job),
          record_(services.base.state.hosts.get(job.parameters().at("host").get<std::string>())),
          begin_(services.base.clock.steady_now()) {}

    JobOutcome run() {
        settle_earlier_failure();
        try {
            RestoreRun run{services_, job_, record_, Stoppable::yes};
            PlanStep{run}.run();
            forward(run);
            return finish(run);
        } catch (const Error& error) {
            return decide(error);
        } catch (const std::exception& error) {
            return decide(Error{ErrorCode::internal, error.what()});
        }
    }

private:
    void forward(RestoreRun& run) {
        if (run.journal().has(key::kRealised)) return;
        PlaceStep place{run};
        place.find_reach();
        place.place();
        place.wait_until_readable();
        ImportStep{run}.run();
        FixStep{run}.run();
        RealiseStep realise{run};
        realise.validate();
        remove_strays(run);
        realise.realise();
    }

    /// Of an import whose answer was lost and that came true after all.
    void remove_strays(RestoreRun& run) {
        if (!run.journal().has(backup::key::ended(key::kImport, 0))) return;
        for (const std::string& id : find_our_planned(run).more)
            destroy_planned(run, id);
    }

    JobOutcome finish(RestoreRun& run) {
        const RestorePlan& plan = run.plan();
        const std::string vm_id = run.journal().find(key::kRealised)->at("id");
        services_.base.state.vm_flags.set(record_.id, vm_id, state::kForceFullFlag,
                                          fmt::format("the VM was restored from point {} of {}",
                                                      plan.request.point, plan.point_time));
        // Who cancels when the VM is there already keeps it, but does not want it to run.
        const bool shall_start = plan.request.starts && !is_cancelled();
        std::string start_problem;
        if (shall_start) start_problem = RealiseStep{run}.start();
        if (!start_problem.empty()) {
            run.warn(fmt::format("the VM was restored but does not start: {}", start_problem));
        }
        tidy(run);
        JobOutcome outcome;
        outcome.state = start_problem.empty() ? jobs::JobState::done : jobs::JobState::partly;
        outcome.result = describe(run, vm_id, shall_start && start_problem.empty());
        return outcome;
    }

    void tidy(RestoreRun& run) {
        try {
            const Target& target = run.plan().target;
            if (target.reach == Reach::copied) {
                remove_placed_files(run);
            } else {
                services_.base.file_system.remove(target.directory / kMarkerName);
            }
        } catch (const Error& error) {
            run.warn("files on the share that are needed no longer stay: " + error.message());
        }
    }

    Json describe(RestoreRun& run, const std::string& vm_id, bool is_started) {
        const RestorePlan& plan = run.plan();
        Json disks = Json::array();
        for (const PlacedDisk& disk : plan.layout.disks) {
            disks.push_back(
                {{"index", disk.index},
                 {"path", join_host_path(plan.target.host_path, {kDiskFolder, disk.file_name})},
                 {"virtual_size_bytes", disk.size_bytes}});
        }
        const auto elapsed = services_.base.clock.steady_now() - begin_;
        return {{"point", plan.request.point},
                {"vm", {{"id", vm_id}, {"name", plan.name}}},
                {"host", plan.host_name},
                {"to", plan.target.host_path},
                {"reach", to_string(plan.target.reach)},
                {"kept_id", plan.request.keeps_id},
                {"started", is_started},
                {"network", run.journal().find(key::kFixed).value_or(Json::array())},
                {"disks", disks},
                {"next", next_step(plan, vm_id)},
                {"warnings", run.warnings()},
                {"seconds", std::chrono::duration<double>(elapsed).count()}};
    }

    /// A VM that runs from the appliance's share should not stay there.
    static std::string next_step(const RestorePlan& plan, const std::string& vm_id) {
        if (plan.target.reach == Reach::copied) return {};
        return fmt::format(
            "The VM runs from the share {}. To move it onto the host's own storage, "
            "also while it runs: Get-VM -Id {} | Move-VMStorage "
            "-DestinationStoragePath 'D:\\VMs\\...'",
            plan.target.share, vm_id);
    }

    /// An error ends the run: with its VM if that is realised, else with everything undone.
    JobOutcome decide(const Error& error) {
        if (is_cut_short(error) && is_shutdown()) throw error;
        backup::RunJournal journal{job_.journal()};
        if (!journal.has(key::kPlan)) throw error;
        RestoreRun run{services_, job_, record_, Stoppable::no};
        PlanStep{run}.run();
        if (is_realised(run)) {
            if (error.code() != ErrorCode::cancelled) {
                run.warn("after the VM was there: " + error.message());
            }
            return finish(run);
        }
        journal.put(key::kFailed, backup::failure_json(error));
        undo(run);
        throw error;
    }

    /// A host that said that it failed has made no VM, whatever is there.
    bool is_realised(RestoreRun& run) {
        if (run.journal().has(key::kRealised)) return true;
        if (!run.journal().has(backup::key::intent(key::kRealise, 0))) return false;
        try {
            end_realise_jobs(run);
            for (int number = limits::kAttemptsMax - 1; number >= 0; --number) {
                const auto job = run.journal().find_job(backup::key::job(key::kRealise, number));
                if (!job) continue;
                const auto status =
                    backup::read_patiently(run, [&] { return run.host().read_job(*job); });
                if (status.state == hyperv::JobState::failed) return false;
            }
            const auto vm = find_our_vm(run, RealiseJob::unknown);
            const std::string planned = run.journal().find(key::kPlanned)->at("id");
            if (!vm || find_planned(run, planned)) return false;
            run.journal().put(key::kRealised, {{"id", vm->id}});
            return true;
        } catch (const Error& error) {
            run.warn("whether the VM is there could not be seen: " + error.message());
            return false;
        }
    }

    void undo(RestoreRun& run) {
        CleanUp{run}.run();
        run.journal().put(key::kUndone, true);
    }

    /// What a former life decided stays decided.
    void settle_earlier_failure() {
        backup::RunJournal journal{job_.journal()};
        const auto failed = journal.find(key::kFailed);
        if (!failed) return;
        if (!journal.has(key::kUndone)) {
            RestoreRun run{services_, job_, record_, Stoppable::no};
            PlanStep{run}.run();
            undo(run);
        }
        throw backup::failure_from(*failed);
    }

    /// A host call that a stop ended may as well say that the host is gone.
    bool is_cut_short(const Error& error) const {
        if (error.code() == ErrorCode::cancelled) return true;
        return job_.stop().stop_requested() && is_transient(error.code());
    }

    /// The engine stops jobs to shut down, too; then the run goes on at the next start.
    bool is_shutdown() {
        const auto record = services_.base.state.jobs.find(job_.id());
        return record && !record->is_cancel_requested;
    }

    bool is_cancelled() { return job_.stop().stop_requested() && !is_shutdown(); }

    const Services& services_;
    jobs::JobContext& job_;
    state::HostRecord record_;
    SteadyTime begin_;
};

}  // namespace

JobOutcome run_restore_vm(const Services& services, jobs::JobContext& job) {
    return RestoreVmJob{services, job}.run();
}

}  // namespace entrepot::restore

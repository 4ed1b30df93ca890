// The order of the steps, and what happens when one fails; see backup_job.h.
#include "appliance/backup/backup_job.h"

#include "appliance/backup/admission.h"
#include "appliance/backup/clean_up.h"
#include "appliance/backup/compare_step.h"
#include "appliance/backup/comparison_export.h"
#include "appliance/backup/convert_step.h"
#include "appliance/backup/export_step.h"
#include "appliance/backup/failure_record.h"
#include "appliance/backup/ingest.h"
#include "appliance/backup/ingest_step.h"
#include "appliance/backup/plan_step.h"
#include "appliance/backup/run.h"
#include "appliance/backup/snapshot_step.h"
#include "appliance/backup/tidy_step.h"

#include "base/error.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace entrepot::backup {

using jobs::JobOutcome;
using repository::PointSummary;

namespace {

state::HostRecord find_host(const Services& services, const Json& parameters) {
    const std::string host = parameters.value("host", "");
    if (!host.empty()) return services.state.hosts.get(host);
    const auto hosts = services.state.hosts.list();
    if (hosts.size() == 1) return hosts.front();
    const auto vms = services.state.vms.find_by_text(parameters.at("vm").get<std::string>());
    if (vms.size() == 1) return services.state.hosts.get(vms.front().host_id);
    throw Error{ErrorCode::invalid,
                fmt::format("which of the {} hosts has the VM is not said", hosts.size()),
                "Name it with --host."};
}

class BackupJob {
public:
    BackupJob(const Services& services, jobs::JobContext& job)
        : services_(services),
          job_(job),
          record_(find_host(services, job.parameters())),
          begin_(services.clock.steady_now()) {}

    JobOutcome run() {
        if (auto outcome = settle_earlier_failure()) return *outcome;
        try {
            Run run{services_, job_, record_, Stoppable::yes};
            return forward(run);
        } catch (const Error& error) {
            return decide(error);
        } catch (const std::exception& error) {
            return decide(Error{ErrorCode::internal, error.what()});
        }
    }

private:
    JobOutcome forward(Run& run) {
        Admission admission{run};
        admission.look_again();
        PlanStep{run, &admission}.run();
        RunJournal& journal = run.journal();
        if (!journal.has(key::kPoint) && !find_committed_point(run)) {
            // While these readers live, the base's content stays.
            std::unique_ptr<repository::PointReader> pin;
            const std::string base = run.plan().goal.base_point;
            if (!base.empty()) pin = services_.repository.open_point(base);
            const auto compared_pin = pin_compared_base(run);
            SnapshotStep{run}.run();
            ComparisonExport{run}.run();
            ExportStep{run}.run();
            admission.release();
            TakeStep{run}.run();
            ComparisonExport{run}.take();
            ConvertStep{run}.run();
            CompareStep{run}.run();
        }
        return finish(run, IngestStep{run}.run());
    }

    /// Null if there is none, or none any more: the comparison will say so, the full needs none.
    std::unique_ptr<repository::PointReader> pin_compared_base(Run& run) {
        const auto& comparison = run.plan().comparison;
        if (!comparison || comparison->goal.base_point.empty()) return nullptr;
        try {
            return services_.repository.open_point(comparison->goal.base_point);
        } catch (const Error&) {
            return nullptr;
        }
    }

    JobOutcome finish(Run& run, const PointSummary& point) {
        // An earlier life may have found it, and nobody has been told since.
        const Json comparison = comparison_of(point.draft.host_facts);
        if (is_disagreement(comparison)) run.warn(describe_comparison(comparison));
        const auto residue = TidyStep{run}.run(point);
        JobOutcome outcome;
        outcome.state = residue.empty() ? jobs::JobState::done : jobs::JobState::partly;
        outcome.result = point_result(point);
        const auto elapsed = services_.clock.steady_now() - begin_;
        outcome.result["seconds"] = std::chrono::duration<double>(elapsed).count();
        outcome.result["warnings"] = run.warnings();
        outcome.result["run"] = point.draft.host_facts.value("run_id", "");
        Json left = Json::array();
        for (const auto& entry : residue) {
            left.push_back({{"text", entry.text}, {"command", entry.command}});
        }
        outcome.result["residue"] = left;
        return outcome;
    }

    /// An error ends the run: with its point if that is committed, else with the host cleaned up.
    JobOutcome decide(const Error& error) {
        if (is_cut_short(error) && is_shutdown()) throw error;
        RunJournal journal{job_.journal()};
        if (!journal.has(key::kPlan)) throw error;
        if (const auto point = find_point_of_run()) {
            Run run{services_, job_, record_, Stoppable::no};
            PlanStep{run}.run();
            run.warn("after the commit: " + error.message());
            return finish(run, *point);
        }
        if (const auto gone = find_vm_gone(error)) {
            journal.put(key::kFailed, failure_json(*gone));
            undo();
            throw Error{*gone};
        }
        journal.put(key::kFailed, failure_json(error));
        undo();
        throw error;
    }

    /// A VM that left the host while we worked explains whatever failed with it.
    std::optional<Error> find_vm_gone(const Error& error) {
        const bool may_be = error.code() == ErrorCode::host_failure ||
                            error.code() == ErrorCode::not_found ||
                            error.code() == ErrorCode::conflict;
        if (!may_be) return std::nullopt;
        try {
            Run run{services_, job_, record_, Stoppable::no};
            PlanStep{run}.run();
            run.host().read_vm(run.vm_id());
        } catch (const Error& look) {
            if (look.code() != ErrorCode::not_found) return std::nullopt;
            const Json plan = *RunJournal{job_.journal()}.find(key::kPlan);
            return Error{
                ErrorCode::not_found,
                fmt::format("VM {} was on host {} when the backup began and is not there any more: "
                            "{}",
                            plan.value("vm_name", ""), record_.draft.name, error.message()),
                "Was it deleted, or moved to another host? A VM that moved is backed up from the "
                "host that has it now; its first backup there is a full."};
        }
        return std::nullopt;
    }

    std::optional<PointSummary> find_point_of_run() {
        Run run{services_, job_, record_, Stoppable::no};
        PlanStep{run}.run();
        return find_committed_point(run);
    }

    void undo() {
        Run run{services_, job_, record_, Stoppable::no};
        PlanStep{run}.run();
        CleanUp{run}.run();
        run.journal().put(key::kUndone, true);
    }

    /// What a former life decided stays decided, except that a shutdown was no wish to cancel.
    std::optional<JobOutcome> settle_earlier_failure() {
        RunJournal journal{job_.journal()};
        const auto failed = journal.find(key::kFailed);
        if (!failed) return std::nullopt;
        if (!journal.has(key::kUndone)) undo();
        throw failure_from(*failed);
    }

    /// A host call that a stop ended may as well say that the host is gone.
    bool is_cut_short(const Error& error) const {
        if (error.code() == ErrorCode::cancelled) return true;
        return job_.stop().stop_requested() && is_transient(error.code());
    }

    /// The engine stops jobs to shut down, too; then the run goes on at the next start.
    bool is_shutdown() {
        const auto record = services_.state.jobs.find(job_.id());
        return record && !record->is_cancel_requested;
    }

    const Services& services_;
    jobs::JobContext& job_;
    state::HostRecord record_;
    SteadyTime begin_;
};

}  // namespace

JobOutcome run_backup(const Services& services, jobs::JobContext& job) {
    return BackupJob{services, job}.run();
}

}  // namespace entrepot::backup

// backup, ingest, restore: content in, content out.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/job_follower.h"
#include "appliance/ctl/point_text.h"
#include "appliance/ctl/preflight.h"

#include "appliance/api/problem.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

struct BackupValues {
    std::string vm;
    bool is_all = false;
    std::string host;
    bool is_full = false;
    std::uint32_t full_every = 0;
    std::string consistency;
};

struct IngestValues {
    std::vector<std::filesystem::path> paths;
    std::string vm;
    std::string base;
    bool wants_sha256 = false;
};

struct RestoreValues {
    std::string point;
    std::string disk;
    std::filesystem::path target;
    std::string format;
    bool is_preflight = false;
};

Json backup_body(const BackupValues& values) {
    if (values.vm.empty() != values.is_all) {
        throw Error{ErrorCode::usage, "name one VM, or give --all",
                    "entrepot vm list shows what there is"};
    }
    Json body{{"consistency", values.consistency}};
    if (values.is_all) body["all"] = true;
    if (!values.vm.empty()) body["vm"] = values.vm;
    if (!values.host.empty()) body["host"] = values.host;
    if (values.is_full) body["full"] = true;
    if (values.full_every > 0) body["full_every"] = values.full_every;
    return body;
}

struct Outcome {
    Json points = Json::array();
    Json failed = Json::array();
    bool is_partly = false;
};

void collect(Context& context, const Json& job, Outcome& outcome) {
    try {
        const JobResult result = take_result(job);
        outcome.is_partly = outcome.is_partly || result.is_partly;
        outcome.points.push_back(result.result);
        if (!context.options().is_json) print_point_result(context.out(), result.result);
    } catch (const Error& error) {
        outcome.failed.push_back(
            {{"subject", text_of(job, "subject")}, {"error", api::error_json(error)}});
        if (context.options().is_json) return;
        context.terminal().err() << printable(fmt::format("{}: {}", text_of(job, "subject"),
                                                          error.what()))
                                 << "\n";
        if (!error.hint().empty()) {
            context.terminal().err() << printable("hint: " + error.hint()) << "\n";
        }
    }
}

ExitStatus back_up_all(Context& context, const Json& jobs) {
    Outcome outcome;
    for (const Json& job : follow_jobs(context, jobs))
        collect(context, job, outcome);
    if (context.options().is_json) {
        context.show({{"points", outcome.points}, {"failed", outcome.failed}},
                     [](std::ostream&) {});
    }
    if (outcome.points.empty()) return ExitStatus::failed;
    const bool is_whole = outcome.failed.empty() && !outcome.is_partly;
    return is_whole ? ExitStatus::done : ExitStatus::partly;
}

ExitStatus back_up(Context& context, const BackupValues& values) {
    const Json answer = context.post(api_path("backups"), backup_body(values));
    const Json& jobs = list_of(answer, "jobs");
    if (values.is_all) return back_up_all(context, jobs);
    const JobResult result = take_result(follow_job(context, text_of(jobs.at(0), "id")));
    context.show(result.result, [&](std::ostream& out) { print_point_result(out, result.result); });
    return result.is_partly ? ExitStatus::partly : ExitStatus::done;
}

ExitStatus ingest(Context& context, const IngestValues& values) {
    Json paths = Json::array();
    for (const auto& path : values.paths) {
        // The appliance works in another directory; a link is the caller's business.
        paths.push_back(std::filesystem::absolute(path).lexically_normal().string());
    }
    Json body{{"paths", paths}, {"vm", values.vm}, {"sha256", values.wants_sha256}};
    if (!values.base.empty()) body["base"] = values.base;
    const JobResult result = run_job(context, api_path("ingests"), body);
    context.show(result.result, [&](std::ostream& out) { print_point_result(out, result.result); });
    return result.is_partly ? ExitStatus::partly : ExitStatus::done;
}

ExitStatus restore_disk(Context& context, const RestoreValues& values) {
    const std::string target = std::filesystem::absolute(values.target).lexically_normal().string();
    const Json body{
        {"point", values.point}, {"disk", values.disk}, {"to", target}, {"format", values.format}};
    if (values.is_preflight) {
        const Json preflight = context.post(api_path("restores", "disk", "preflight"), body);
        context.show(preflight, [&](std::ostream& out) { print_checks(out, preflight); });
        return status_of_preflight(preflight);
    }
    const JobResult result = run_job(context, api_path("restores", "disk"), body);
    context.show_done(fmt::format("Restored to {}", target), result.result);
    return ExitStatus::done;
}

void declare_backup(CLI::App& command, BackupValues& values) {
    command.add_option("VM", values.vm, "Name or GUID");
    command.add_flag("--all", values.is_all, "Every VM of every host, or of --host");
    command.add_option("--host", values.host, "Where the VM is, if its name is not unique");
    command.add_flag("--full", values.is_full, "Transfer everything, whatever was before");
    command
        .add_option("--full-every", values.full_every,
                    "Transfer everything if that was not done in the last N backups; such a run "
                    "transfers the changes, too (no other pays twice), and reports where the two "
                    "disagree")
        ->check(CLI::Range(1, 10'000))
        ->type_name("N");
    command
        .add_option("--consistency", values.consistency,
                    "application: fail without the guest's VSS; crash: do not ask it; "
                    "prefer-application (default): crash where it fails")
        ->default_val("prefer-application")
        ->check(CLI::IsMember({"application", "crash", "prefer-application"}));
}

void declare_ingest(CLI::App& command, IngestValues& values) {
    command.add_option("SOURCE", values.paths, "One export directory, or disk files")
        ->required()
        ->expected(1, 256);
    command.add_option("--vm", values.vm, "The VM that the point is of")->required();
    command.add_option("--base", values.base, "The point that differencing disks belong onto")
        ->type_name("POINT");
    command.add_flag("--sha256", values.wants_sha256,
                     "Compute the SHA-256 of each disk's whole content");
}

void declare_restore(CLI::App& command, RestoreValues& values) {
    command.add_option("POINT", values.point, "An id, a unique prefix of one, or VM@latest")
        ->required();
    command.add_option("DISK", values.disk, "Number from 0 as in point show, or a disk id")
        ->required();
    command.add_option("--to", values.target, "A file that does not exist yet")
        ->required()
        ->type_name("FILE");
    command.add_option("--format", values.format, "The file's format (default vhdx)")
        ->default_val("vhdx")
        ->check(CLI::IsMember({"vhdx", "vhdx-fixed", "vhd", "vhd-fixed", "raw", "qcow2"}));
    command.add_flag("--preflight,--dry-run", values.is_preflight,
                     "Only say what the restore would meet; exit status 1 if it cannot start");
}

}  // namespace

void add_backup_commands(CommandSet set) {
    add_command<BackupValues>(set.app, set.chosen, "backup",
                              "Back up a VM, or all: in full the first time, then what changed",
                              declare_backup, back_up);
    add_command<IngestValues>(set.app, set.chosen, "ingest",
                              "Take in an export that already lies on disk; no host needed",
                              declare_ingest, ingest);
    CLI::App* restore = add_group(set.app, "restore", "Get things back");
    add_command<RestoreValues>(*restore, set.chosen, "disk", "Write a point's disk into a file",
                               declare_restore, restore_disk);
    add_restore_vm_command(*restore, set.chosen);
}

}  // namespace entrepot::ctl

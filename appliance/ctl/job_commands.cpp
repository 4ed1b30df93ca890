// job list, show, cancel, retry, follow.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/job_follower.h"

#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

struct JobValues {
    std::string job;
    std::string state;
    std::string kind;
    std::string vm;
    std::string host;
};

ExitStatus list_jobs(Context& context, const JobValues& values) {
    std::map<std::string, std::string> query;
    const auto add = [&query](const char* name, const std::string& value) {
        if (!value.empty()) query[name] = value;
    };
    add("state", values.state);
    add("kind", values.kind);
    add("vm", values.vm);
    add("host", values.host);
    const Json jobs = context.get_all(api_path("jobs"), "jobs", query);
    context.show({{"jobs", jobs}}, [&](std::ostream& out) {
        Table table{{{"JOB"}, {"KIND"}, {"SUBJECT"}, {"STATE"}, {"STAGE"}, {"CREATED"}, {"BY"}}};
        for (const Json& job : jobs) {
            table.add_row({short_id(text_of(job, "id")), text_of(job, "kind"),
                           text_of(job, "subject"), text_of(job, "state"), text_of(job, "stage"),
                           local_time_of(job, "created"), text_of(job, "requested_by")});
        }
        table.print(out);
        for (const Json& job : jobs) {
            const std::string reason = text_of(job, "waiting_for");
            if (reason.empty()) continue;
            out << short_id(text_of(job, "id")) << " waits: " << printable(reason) << "\n";
        }
    });
    return ExitStatus::done;
}

void print_job(std::ostream& out, const Json& job) {
    out << "Job           " << text_of(job, "id") << "\n"
        << "Kind          " << text_of(job, "kind") << "\n"
        << "Subject       " << printable(text_of(job, "subject")) << "\n"
        << "State         " << text_of(job, "state") << "\n";
    const std::string reason = text_of(job, "waiting_for");
    if (!reason.empty()) out << "Waits         " << printable(reason) << "\n";
    out << "Requested by  " << printable(text_of(job, "requested_by")) << "\n"
        << "Created       " << local_time_of(job, "created") << "\n"
        << "Started       " << local_time_of(job, "started") << "\n"
        << "Ended         " << local_time_of(job, "ended") << "\n";
    for (const Json& event : list_of(job, "events")) {
        out << "  " << local_time_of(event, "time") << "  "
            << fmt::format("{:8}", text_of(event, "level")) << printable(text_of(event, "text"))
            << "\n";
    }
    const auto error = job.find("error");
    if (error == job.end() || !error->is_object()) return;
    const std::string stage = text_of(job, "stage");
    if (!stage.empty()) out << "Failed in     " << stage << "\n";
    out << "Error         " << printable(text_of(*error, "message")) << "\n";
    for (const Json& line : list_of(*error, "context")) {
        if (line.is_string()) out << "While         " << printable(line.get<std::string>()) << "\n";
    }
    const std::string hint = text_of(*error, "hint");
    if (!hint.empty()) out << "Hint          " << printable(hint) << "\n";
}

ExitStatus show_job(Context& context, const JobValues& values) {
    const Json job = context.get(api_path("jobs", values.job));
    context.show(job, [&](std::ostream& out) { print_job(out, job); });
    return ExitStatus::done;
}

ExitStatus cancel_job(Context& context, const JobValues& values) {
    const Json answer = context.post(api_path("jobs", values.job, "cancel"));
    context.show_done("The job was asked to end", answer.at("job"));
    return ExitStatus::done;
}

ExitStatus end_with(Context& context, const Json& job) {
    const JobResult result = take_result(job);
    context.show(job, [&](std::ostream& out) { print_job(out, job); });
    return result.is_partly ? ExitStatus::partly : ExitStatus::done;
}

ExitStatus retry_job(Context& context, const JobValues& values) {
    const Json answer = context.post(api_path("jobs", values.job, "retry"));
    return end_with(context, follow_job(context, text_of(answer.at("job"), "id")));
}

ExitStatus follow(Context& context, const JobValues& values) {
    return end_with(context, follow_job(context, values.job));
}

void declare_job(CLI::App& command, JobValues& values) {
    command.add_option("JOB", values.job, "An id, or a unique prefix of one")->required();
}

}  // namespace

void add_job_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "job", "What the appliance does and did");
    add_command<JobValues>(
        *group, set.chosen, "list", "Show the jobs, newest first",
        [](CLI::App& command, JobValues& values) {
            command.add_option("--state", values.state, "Only jobs in this state")
                ->check(CLI::IsMember(
                    {"queued", "running", "done", "partly", "failed", "cancelled", "interrupted"}));
            command.add_option("--kind", values.kind,
                               "Only jobs of this kind: backup, restore_vm, verify, ...");
            auto* vm = command.add_option("--vm", values.vm, "Only backups of the VM of this GUID")
                           ->type_name("GUID");
            command.add_option("--host", values.host, "The VM's host")->needs(vm);
        },
        list_jobs);
    add_command<JobValues>(*group, set.chosen, "show", "Show one job with its log", declare_job,
                           show_job);
    add_command<JobValues>(*group, set.chosen, "cancel", "Ask a job to end", declare_job,
                           cancel_job);
    add_command<JobValues>(*group, set.chosen, "retry", "Run the same again, and follow it",
                           declare_job, retry_job);
    add_command<JobValues>(*group, set.chosen, "follow", "Wait for a job and show where it is",
                           declare_job, follow);
}

}  // namespace entrepot::ctl

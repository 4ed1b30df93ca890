// The frame of all commands: global options, errors, exit status.
#include "appliance/ctl/run.h"

#include "appliance/api/problem.h"
#include "appliance/ctl/command.h"
#include "appliance/daemon/version.h"

#include "base/error.h"
#include "base/table.h"

#include <algorithm>

namespace entrepot::ctl {
namespace {

constexpr const char* kDescription =
    "Backup of Hyper-V virtual machines. Works on a data directory itself when no daemon holds it, "
    "otherwise through the daemon.\n\n"
    "VM is a name where it is unique, or the VM's GUID. POINT is an id, a unique prefix of one, or "
    "VM@latest. DISK is a number from 0, or a disk id.\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 partly done, 4 found damage.";

void declare_global(CLI::App& app, GlobalOptions& options) {
    app.add_option("--data", options.data_directory,
                   "The data directory (default /var/lib/entrepot)")
        ->envname("ENTREPOT_DATA")
        ->type_name("DIR");
    app.add_option("--config", options.config_file,
                   "The configuration (default /etc/entrepot/entrepot.toml, if it exists)")
        ->type_name("FILE");
    app.add_option("--passphrase-file", options.passphrase_file,
                   "A file with the repository's passphrase; else ENTREPOT_PASSPHRASE_FILE, a "
                   "systemd credential, or a prompt")
        ->type_name("FILE");
    app.add_option("--once", options.once_key,
                   "A key of your own: the same command with the same key makes its jobs once, "
                   "whatever broke off in between, and follows them again")
        ->type_name("KEY");
    app.add_flag("--json", options.is_json, "Print one JSON document on standard output");
    app.add_flag("--yes", options.is_yes, "Do not ask before something that cannot be undone");
    app.add_flag("--verbose", options.is_verbose, "Write a log to standard error");
}

void declare_commands(CommandSet set) {
    add_repository_commands(set);
    add_growth_command(set);
    add_warnings_command(set);
    add_key_commands(set);
    add_share_commands(set);
    add_host_commands(set);
    add_vm_commands(set);
    add_backup_commands(set);
    add_point_commands(set);
    add_files_commands(set);
    add_care_commands(set);
    add_policy_commands(set);
    add_job_commands(set);
    add_image_commands(set);
    add_user_commands(set);
    add_token_commands(set);
    add_audit_commands(set);
    add_settings_commands(set);
}

void print_error(const Error& error, const GlobalOptions& options, Terminal& terminal) {
    if (options.is_json) {
        terminal.out() << dump_json({{"error", api::error_json(error)}}, 2) << "\n" << std::flush;
        return;
    }
    // A host's words may stand in it.
    terminal.err() << "entrepot: " << printable(error.what()) << "\n";
    if (!error.hint().empty()) terminal.err() << "hint: " << printable(error.hint()) << "\n";
    terminal.err() << std::flush;
}

/// Half an answer must not look like a whole one.
void check_output(std::ostream& out) {
    out << std::flush;
    if (!out) throw Error{ErrorCode::io, "standard output could not be written: is its disk full?"};
}

int end_with_parse_error(CLI::App& app, const CLI::ParseError& error, bool is_json,
                         Terminal& terminal) {
    if (error.get_exit_code() == 0) return app.exit(error, terminal.out(), terminal.err());
    GlobalOptions options;
    options.is_json = is_json;
    print_error(Error{ErrorCode::usage, error.what(), "entrepot COMMAND --help explains it"},
                options, terminal);
    return static_cast<int>(ExitStatus::usage);
}

}  // namespace

CLI::App* add_group(CLI::App& parent, const std::string& name, const std::string& help) {
    CLI::App* group = parent.add_subcommand(name, help);
    group->require_subcommand(1);
    return group;
}

int run(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
    CLI::App app{kDescription, "entrepot"};
    GlobalOptions options;
    Action chosen;
    app.set_version_flag("--version", std::string{daemon::kVersion});
    app.require_subcommand(1);
    app.fallthrough();
    declare_global(app, options);
    declare_commands({app, chosen});
    // CLI11 takes them from the back.
    std::vector<std::string> reversed{arguments.rbegin(), arguments.rend()};
    try {
        app.parse(reversed);
    } catch (const CLI::ParseError& error) {
        const bool is_json =
            std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
        return end_with_parse_error(app, error, is_json, surroundings.terminal);
    }
    try {
        Context context{surroundings, options};
        const ExitStatus status = chosen(context);
        check_output(surroundings.terminal.out());
        return static_cast<int>(status);
    } catch (const Error& error) {
        print_error(error, options, surroundings.terminal);
        return exit_status(error.code());
    } catch (const std::exception& error) {
        print_error(Error{ErrorCode::internal, error.what()}, options, surroundings.terminal);
        return static_cast<int>(ExitStatus::failed);
    }
}

}  // namespace entrepot::ctl

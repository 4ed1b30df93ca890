// How a command is declared: its options with CLI11, its work as an action to run after parsing.
#pragma once

#include "appliance/ctl/context.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace entrepot::ctl {

using Action = std::function<ExitStatus(Context&)>;

/// Where commands are added, and where the chosen one leaves its action.
struct CommandSet {
    CLI::App& app;
    Action& chosen;
};

/// Adds a command whose values live in `Values`: `declare` binds options to them, `work` runs with
/// them. The values live as long as the parser.
template <typename Values, typename Declare, typename Work>
CLI::App* add_command(CLI::App& parent, Action& chosen, const std::string& name,
                      const std::string& help, Declare declare, Work work) {
    CLI::App* command = parent.add_subcommand(name, help);
    // Shared by the parser's callback and the action that outlives the parsing.
    const auto values = std::make_shared<Values>();
    declare(*command, *values);
    command->callback([&chosen, values, work] {
        chosen = [values, work](Context& context) { return work(context, *values); };
    });
    return command;
}

/// A command that only groups others.
CLI::App* add_group(CLI::App& parent, const std::string& name, const std::string& help);

void add_repository_commands(CommandSet set);
void add_growth_command(CommandSet set);
void add_warnings_command(CommandSet set);
void add_key_commands(CommandSet set);
void add_share_commands(CommandSet set);
void add_host_commands(CommandSet set);
/// Into the group "host".
void add_doctor_command(CLI::App& hosts, Action& chosen);
void add_vm_commands(CommandSet set);
/// Into the group "vm".
void add_vm_show_command(CLI::App& group, Action& chosen);
void add_backup_commands(CommandSet set);
void add_point_commands(CommandSet set);
void add_care_commands(CommandSet set);
void add_policy_commands(CommandSet set);
void add_job_commands(CommandSet set);
void add_files_commands(CommandSet set);
/// Into the group "files".
void add_files_get_command(CLI::App& group, Action& chosen);
void add_files_versions_command(CLI::App& group, Action& chosen);
void add_files_search_commands(CLI::App& group, Action& chosen);
void add_image_commands(CommandSet set);
void add_user_commands(CommandSet set);
void add_token_commands(CommandSet set);
void add_audit_commands(CommandSet set);
void add_settings_commands(CommandSet set);
/// Into the group "restore".
void add_restore_vm_command(CLI::App& group, Action& chosen);

}  // namespace entrepot::ctl

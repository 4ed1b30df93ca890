// token list, add, revoke.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"

#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

constexpr std::uint32_t kDaysDefault = 90;
constexpr std::uint32_t kDaysMax = 366;

struct TokenValues {
    std::string id;
    std::string name;
    std::string role;
    std::uint32_t days = kDaysDefault;
    bool may_destroy = false;
};

ExitStatus list_tokens(Context& context, const TokenValues&) {
    const Json tokens = context.get_all(api_path("tokens"), "tokens");
    context.show({{"tokens", tokens}}, [&](std::ostream& out) {
        Table table{{{"ID"}, {"NAME"}, {"USER"}, {"ROLE"}, {"DESTROYS"}, {"ENDS"}, {"LAST USE"}}};
        for (const Json& token : tokens) {
            table.add_row(
                {text_of(token, "id"), text_of(token, "name"), text_of(token, "user"),
                 text_of(token, "role"), token.value("may_destroy", false) ? "yes" : "no",
                 token.value("is_ended", false) ? "ended" : local_time_of(token, "expires"),
                 local_time_of(token, "last_used")});
        }
        if (table.is_empty()) {
            out << "There is no token\n";
        } else {
            table.print(out);
        }
    });
    return ExitStatus::done;
}

ExitStatus add_token(Context& context, const TokenValues& values) {
    const Json token = context.post(api_path("tokens"), {{"name", values.name},
                                                         {"role", values.role},
                                                         {"days", values.days},
                                                         {"may_destroy", values.may_destroy}});
    context.show(token, [&](std::ostream& out) {
        out << text_of(token, "secret") << "\n"
            << "It ends " << local_time_of(token, "expires")
            << " and is not shown again. Send it as: Authorization: Bearer TOKEN\n";
    });
    return ExitStatus::done;
}

ExitStatus revoke_token(Context& context, const TokenValues& values) {
    context.remove(api_path("tokens", values.id));
    context.show_done("The token was revoked");
    return ExitStatus::done;
}

void declare_token_add(CLI::App& command, TokenValues& values) {
    command.add_option("NAME", values.name, "What it is for")->required();
    command
        .add_option("--role", values.role,
                    "What it may do: viewer, restore-operator, operator or administrator")
        ->required();
    command.add_option("--days", values.days, "When it ends, in days from now (default 90)")
        ->type_name("N")
        ->check(CLI::Range(1U, kDaysMax));
    command.add_flag("--may-destroy", values.may_destroy,
                     "It may also do what asks a person for the password again");
}

}  // namespace

void add_token_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "token", "Tokens for scripts and monitoring");
    add_command<TokenValues>(
        *group, set.chosen, "list", "Show the tokens", [](CLI::App&, TokenValues&) {}, list_tokens);
    add_command<TokenValues>(*group, set.chosen, "add", "Make a token, and print it this once",
                             declare_token_add, add_token);
    add_command<TokenValues>(
        *group, set.chosen, "revoke", "Revoke a token",
        [](CLI::App& command, TokenValues& values) {
            command.add_option("ID", values.id, "Its id, as entrepot token list shows")->required();
        },
        revoke_token);
}

}  // namespace entrepot::ctl

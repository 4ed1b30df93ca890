// share: where exports arrive, who serves it, and under which account each host writes to it.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/share/limits.h"
#include "appliance/share/system_accounts.h"

#include "base/error.h"
#include "base/process.h"
#include "base/table.h"

#include <fmt/format.h>

#include <unistd.h>

namespace entrepot::ctl {
namespace {

struct ShareValues {
    std::string name;
    std::string unc;
    std::filesystem::path path;
    bool is_managed = false;
    std::string listen;
};

struct SetupValues {
    std::uint32_t accounts = share::limits::kAccountsDefault;
};

struct AccountValues {
    std::string host;
    bool is_rotation = false;
    std::uint64_t size_bytes = 0;
    std::string computer;
    bool is_none = false;
};

// In this process, not in the daemon: that one may not change the system's accounts.
ExitStatus set_up_accounts(Context& context, const SetupValues& values) {
    share::PosixSystemAccounts accounts;
    PosixProcessRunner processes{context.world().clock};
    const auto made =
        share::make_share_accounts(accounts, processes, values.accounts, ::geteuid() == 0, {});
    const auto all = share::list_share_accounts(accounts);
    const std::string range =
        all.empty() ? "" : fmt::format(" ({} to {})", all.front(), all.back());
    context.show_done(fmt::format("{} of {} system accounts for hosts were made{}", made.size(),
                                  all.size(), range),
                      {{"made", made}, {"accounts", all}});
    return ExitStatus::done;
}

void print_server(std::ostream& out, const Json& share) {
    const auto server = share.find("server");
    if (server == share.end() || server->is_null()) return;
    const std::string message = text_of(*server, "message");
    if (message.empty()) return;
    out << "\nThe file server of " << printable(text_of(share, "name")) << ": "
        << printable(message) << "\n";
    const std::string hint = text_of(*server, "hint");
    if (!hint.empty()) out << "hint: " << printable(hint) << "\n";
    for (const Json& line : list_of(*server, "log"))
        out << "  | " << printable(line.get<std::string>()) << "\n";
}

ExitStatus add_share(Context& context, const ShareValues& values) {
    Json body{{"name", values.name}, {"path", std::filesystem::absolute(values.path).string()}};
    if (!values.unc.empty()) body["unc"] = values.unc;
    if (values.is_managed) body["managed"] = true;
    if (!values.listen.empty()) body["listen"] = values.listen;
    if (values.unc.empty() && !values.is_managed) {
        throw Error{ErrorCode::usage, "a share that something else serves needs --unc",
                    "--managed has the appliance serve it itself"};
    }
    const Json share = context.post(api_path("shares"), body);
    std::string sentence =
        fmt::format("Share {} was added: {}", values.name, text_of(share, "unc"));
    if (values.is_managed) {
        sentence += "\nNext, for each host: entrepot share credentials HOST";
    }
    context.show_done(sentence, share);
    if (!context.options().is_json) print_server(context.out(), share);
    return ExitStatus::done;
}

std::string describe_server(const Json& share) {
    const auto server = share.find("server");
    return server == share.end() || server->is_null() ? "external" : text_of(*server, "state");
}

void print_accounts(std::ostream& out, const Json& shares) {
    Table table{
        {{"HOST"}, {"SHARE"}, {"ACCOUNT"}, {"COMPUTER"}, {"USED"}, {"QUOTA"}, {"PASSWORD"}}};
    bool has_rows = false;
    for (const Json& share : shares) {
        for (const Json& account : list_of(share, "accounts")) {
            has_rows = true;
            const std::string computer = text_of(account, "computer");
            table.add_row(
                {text_of(account, "host"), text_of(share, "name"), text_of(account, "account"),
                 computer.empty() ? "-" : computer, size_of(account, "used_bytes"),
                 number_of(account, "quota_bytes") == 0 ? "-" : size_of(account, "quota_bytes"),
                 account.value("has_password", false) ? local_time_of(account, "password_made")
                                                      : "none"});
        }
    }
    if (!has_rows) return;
    out << "\n";
    table.print(out);
}

ExitStatus list_shares(Context& context, const ShareValues&) {
    const Json shares = context.get_all(api_path("shares"), "shares");
    context.show({{"shares", shares}}, [&](std::ostream& out) {
        Table table{{{"SHARE"}, {"UNC"}, {"PATH"}, {"SERVER"}, {"LISTENS AT"}, {"FREE"}}};
        for (const Json& share : shares) {
            const std::string listen = text_of(share, "listen");
            table.add_row({text_of(share, "name"), text_of(share, "unc"), text_of(share, "path"),
                           describe_server(share), listen.empty() ? "-" : listen,
                           size_of(share, "free_bytes")});
        }
        table.print(out);
        print_accounts(out, shares);
        for (const Json& share : shares)
            print_server(out, share);
    });
    return ExitStatus::done;
}

ExitStatus remove_share(Context& context, const ShareValues& values) {
    context.remove(api_path("shares", values.name));
    context.show_done(fmt::format("Share {} was removed; its files stay", values.name));
    return ExitStatus::done;
}

void print_credentials(std::ostream& out, const Json& issued) {
    out << "Account   " << text_of(issued, "account") << "\n"
        << "Password  " << text_of(issued, "password") << "\n"
        << "It is shown this once; --rotate makes another.\n\n"
        << "On " << printable(text_of(issued, "host")) << ", in an administrator's PowerShell:\n";
    for (const Json& step : list_of(issued, "commands")) {
        out << "  # " << printable(text_of(step, "title")) << "\n"
            << "  " << printable(text_of(step, "command")) << "\n";
    }
    const Json& server = issued.at("server");
    const std::string message = text_of(server, "message");
    if (text_of(server, "state") == "off") {
        out << "\nThe share is served while entrepotd runs.\n";
    } else if (!message.empty()) {
        out << "\nThe file server does not take it yet: " << printable(message) << "\n";
    }
}

ExitStatus show_credentials(Context& context, const AccountValues& values) {
    if (values.is_rotation) {
        context.confirm(fmt::format("Make a new password for {}? The old one ends at once, and "
                                    "exports that run now fail.",
                                    values.host),
                        Context::WithoutTerminal::go_on);
    }
    const Json issued = context.post(api_path("hosts", values.host, "share-credentials"),
                                     {{"rotate", values.is_rotation}});
    context.show(issued, [&](std::ostream& out) { print_credentials(out, issued); });
    return ExitStatus::done;
}

ExitStatus revoke_credentials(Context& context, const AccountValues& values) {
    context.confirm(fmt::format("Close the account of {} on its share? Exports that run now fail.",
                                values.host),
                    Context::WithoutTerminal::refuse);
    context.remove(api_path("hosts", values.host, "share-credentials"));
    context.show_done(fmt::format("The account of {} is closed", values.host));
    return ExitStatus::done;
}

ExitStatus change_settings(Context& context, const AccountValues& values, const Json& body,
                           const std::string& sentence) {
    const Json account = context.post(api_path("hosts", values.host, "share-settings"), body);
    context.show_done(sentence, account);
    return ExitStatus::done;
}

ExitStatus set_quota(Context& context, const AccountValues& values) {
    if (values.is_none == (values.size_bytes > 0)) {
        throw Error{ErrorCode::usage, "give either --size or --none"};
    }
    return change_settings(context, values, {{"quota_bytes", values.size_bytes}},
                           values.is_none
                               ? fmt::format("Host {} has no quota", values.host)
                               : fmt::format("Host {} may have files of {} on its share",
                                             values.host, format_size(values.size_bytes)));
}

ExitStatus set_computer(Context& context, const AccountValues& values) {
    if (values.is_none == !values.computer.empty()) {
        throw Error{ErrorCode::usage, "give either DOMAIN\\HOST$ or --none"};
    }
    return change_settings(
        context, values, {{"computer", values.computer}},
        values.is_none
            ? fmt::format("Host {} has no computer account on its share", values.host)
            : fmt::format("{} logs in to the share as host {}", values.computer, values.host));
}

void declare_account_host(CLI::App& command, AccountValues& values) {
    command.add_option("HOST", values.host, "The host's name")->required();
}

void declare_share(CLI::App& command, ShareValues& values) {
    command.add_option("NAME", values.name, "What you call it")->required();
    auto* managed = command.add_flag("--managed", values.is_managed,
                                     "The appliance serves it itself, while entrepotd runs");
    command.add_option("--unc", values.unc,
                       "\\\\SERVER\\SHARE as hosts see it; with --managed by default this "
                       "machine's name and the share's");
    command.add_option("--path", values.path, "The same folder as seen here")
        ->required()
        ->type_name("DIR");
    command
        .add_option("--listen", values.listen,
                    "Where it is served (default 0.0.0.0:445, the port that Windows connects to)")
        ->type_name("ADDR:PORT")
        ->needs(managed);
}

void add_account_commands(CLI::App& shares, Action& chosen) {
    add_command<AccountValues>(
        shares, chosen, "credentials",
        "Make a host's account on its share; show its password once, and what to do on the host",
        [](CLI::App& command, AccountValues& values) {
            declare_account_host(command, values);
            command.add_flag("--rotate", values.is_rotation,
                             "A new password for an account that has one; its sessions end");
        },
        show_credentials);
    add_command<AccountValues>(shares, chosen, "revoke",
                               "Close a host's account and end its sessions", declare_account_host,
                               revoke_credentials);
    add_command<AccountValues>(
        shares, chosen, "quota", "Bound what a host's files may be on its share",
        [](CLI::App& command, AccountValues& values) {
            declare_account_host(command, values);
            command
                .add_option("--size", values.size_bytes,
                            "Of all its files there, as the host sees them: 500GiB")
                ->transform(CLI::AsSizeValue(false))
                ->type_name("SIZE");
            command.add_flag("--none", values.is_none, "No bound");
        },
        set_quota);
    add_command<AccountValues>(
        shares, chosen, "computer",
        "Let a host of a domain log in by its computer account (needs share.samba_include)",
        [](CLI::App& command, AccountValues& values) {
            declare_account_host(command, values);
            command.add_option("COMPUTER", values.computer, "DOMAIN\\HOST$");
            command.add_flag("--none", values.is_none, "By its own account only");
        },
        set_computer);
}

}  // namespace

void add_share_commands(CommandSet set) {
    CLI::App* shares = add_group(set.app, "share", "Shares that receive exports");
    add_command<SetupValues>(
        *shares, set.chosen, "setup",
        "Make the system accounts that stand behind hosts on shares that we serve; as root",
        [](CLI::App& command, SetupValues& values) {
            command
                .add_option("--accounts", values.accounts,
                            fmt::format("How many there shall be: one for each host (default {})",
                                        share::limits::kAccountsDefault))
                ->check(CLI::Range(1U, share::limits::kAccountsMax));
        },
        set_up_accounts);
    add_command<ShareValues>(*shares, set.chosen, "add", "Make a share known", declare_share,
                             add_share);
    add_command<ShareValues>(
        *shares, set.chosen, "list", "Show the shares, their file server and the hosts' accounts",
        [](CLI::App&, ShareValues&) {}, list_shares);
    add_command<ShareValues>(
        *shares, set.chosen, "remove", "Forget a share that no host uses",
        [](CLI::App& command, ShareValues& values) {
            command.add_option("NAME", values.name, "Its name")->required();
        },
        remove_share);
    add_account_commands(*shares, set.chosen);
}

}  // namespace entrepot::ctl

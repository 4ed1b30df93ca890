// user list, add, change, remove, link, sessions, sign-out.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/passphrase.h"

#include "base/error.h"
#include "base/secret_file.h"
#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

constexpr const char* kRoles = "viewer, restore-operator, operator or administrator";

struct UserValues {
    std::string name;
    std::string role;
    std::string session;
    std::optional<std::filesystem::path> password_file;
    bool is_shut_out = false;
    bool is_let_in = false;
};

std::string state_of(const Json& user) {
    if (user.value("is_disabled", false)) return "shut out";
    return user.value("has_password", false) ? "active" : "has no password yet";
}

ExitStatus list_users(Context& context, const UserValues&) {
    const Json users = context.get_all(api_path("users"), "users");
    context.show({{"users", users}}, [&](std::ostream& out) {
        Table table{{{"USER"}, {"ROLE"}, {"STATE"}, {"LAST LOGIN"}}};
        for (const Json& user : users) {
            table.add_row({text_of(user, "name"), text_of(user, "role"), state_of(user),
                           local_time_of(user, "last_sign_in")});
        }
        if (table.is_empty()) {
            out << "There is no user yet; entrepot user link makes a link for the setup\n";
        } else {
            table.print(out);
        }
    });
    return ExitStatus::done;
}

// Where the console listens unless the daemon was told otherwise on its command line.
std::string console_address(Context& context) {
    const auto& listen = context.config().listen;
    return fmt::format("https://{}:{}", listen.address, listen.port);
}

void print_link(Context& context, std::ostream& out, const std::string& token,
                const std::string& until) {
    out << "Open once until " << until << ": " << console_address(context) << "/#token=" << token
        << "\n(or the address that entrepotd printed, with the same ending)\n";
}

ExitStatus add_user(Context& context, const UserValues& values) {
    Json body{{"name", values.name}, {"role", values.role}};
    if (values.password_file) {
        body["password"] =
            read_secret_file(context.world().file_system, *values.password_file).reveal_text();
    }
    const Json user = context.post(api_path("users"), body);
    context.show(user, [&](std::ostream& out) {
        out << "User " << printable(text_of(user, "name")) << " was added, "
            << text_of(user, "role") << "\n";
        const auto link = user.find("link");
        if (link == user.end() || !link->is_object()) return;
        print_link(context, out, text_of(*link, "token"), local_time_of(*link, "expires"));
    });
    return ExitStatus::done;
}

ExitStatus change_user(Context& context, const UserValues& values) {
    Json body = Json::object();
    if (!values.role.empty()) body["role"] = values.role;
    if (values.is_shut_out) body["is_disabled"] = true;
    if (values.is_let_in) body["is_disabled"] = false;
    if (values.password_file) {
        body["password"] =
            read_secret_file(context.world().file_system, *values.password_file).reveal_text();
    }
    if (body.empty()) {
        throw Error{ErrorCode::usage, "nothing is to be changed",
                    "give --role, --password-file, --shut-out or --let-in"};
    }
    const Json user = context.patch(api_path("users", values.name), body);
    context.show_done(fmt::format("User {} was changed: {}, {}", printable(text_of(user, "name")),
                                  text_of(user, "role"), state_of(user)),
                      user);
    return ExitStatus::done;
}

ExitStatus remove_user(Context& context, const UserValues& values) {
    context.confirm(
        fmt::format("Remove the user {}? Sessions and tokens end at once.", printable(values.name)),
        Context::WithoutTerminal::refuse);
    context.remove(api_path("users", values.name));
    context.show_done(fmt::format("User {} was removed", printable(values.name)));
    return ExitStatus::done;
}

ExitStatus make_link(Context& context, const UserValues& values) {
    const std::string path =
        values.name.empty() ? api_path("setup", "links") : api_path("users", values.name, "link");
    const Json link = context.post(path);
    context.show(link, [&](std::ostream& out) {
        print_link(context, out, text_of(link, "token"), local_time_of(link, "expires"));
    });
    return ExitStatus::done;
}

ExitStatus list_sessions(Context& context, const UserValues&) {
    const Json sessions = context.get_all(api_path("sessions"), "sessions");
    context.show({{"sessions", sessions}}, [&](std::ostream& out) {
        Table table{{{"SESSION"}, {"USER"}, {"FROM"}, {"BEGAN"}, {"LAST USE"}}};
        for (const Json& session : sessions) {
            table.add_row({text_of(session, "id"), text_of(session, "user"),
                           text_of(session, "address"), local_time_of(session, "begun"),
                           local_time_of(session, "used")});
        }
        if (table.is_empty()) {
            out << "Nobody is logged in\n";
        } else {
            table.print(out);
        }
    });
    return ExitStatus::done;
}

ExitStatus end_session(Context& context, const UserValues& values) {
    context.remove(api_path("sessions", values.session));
    context.show_done("The session was ended");
    return ExitStatus::done;
}

void declare_user_name(CLI::App& command, UserValues& values) {
    command.add_option("NAME", values.name, "The user's name")->required();
}

void declare_password(CLI::App& command, UserValues& values, const std::string& help) {
    command.add_option("--password-file", values.password_file, help)->type_name("FILE");
}

void declare_user_add(CLI::App& command, UserValues& values) {
    declare_user_name(command, values);
    command.add_option("--role", values.role, std::string{"What the user may do: "} + kRoles)
        ->required();
    declare_password(command, values,
                     "A file with the password; without it a one-time link is printed, with which "
                     "the user chooses one");
}

void declare_user_change(CLI::App& command, UserValues& values) {
    declare_user_name(command, values);
    command.add_option("--role", values.role, std::string{"The new role: "} + kRoles);
    declare_password(command, values, "A file with the new password");
    auto* shut_out = command.add_flag("--shut-out", values.is_shut_out,
                                      "Logins and tokens are refused from now on");
    command.add_flag("--let-in", values.is_let_in, "And again not")->excludes(shut_out);
}

}  // namespace

void add_user_commands(CommandSet set) {
    CLI::App* group =
        add_group(set.app, "user", "Who may log in to the console and what they may do");
    add_command<UserValues>(
        *group, set.chosen, "list", "Show the users", [](CLI::App&, UserValues&) {}, list_users);
    add_command<UserValues>(*group, set.chosen, "add", "Add a user", declare_user_add, add_user);
    add_command<UserValues>(*group, set.chosen, "change",
                            "Change a role or a password; ends the user's sessions",
                            declare_user_change, change_user);
    add_command<UserValues>(*group, set.chosen, "remove",
                            "Remove a user with the user's tokens and sessions", declare_user_name,
                            remove_user);
    add_command<UserValues>(
        *group, set.chosen, "link",
        "Make a one-time link: with which NAME chooses a new password, or without NAME for the "
        "setup",
        [](CLI::App& command, UserValues& values) {
            command.add_option("NAME", values.name, "The user's name");
        },
        make_link);
    add_command<UserValues>(
        *group, set.chosen, "sessions", "Show who is logged in", [](CLI::App&, UserValues&) {},
        list_sessions);
    add_command<UserValues>(
        *group, set.chosen, "end-session", "End a session",
        [](CLI::App& command, UserValues& values) {
            command
                .add_option("SESSION", values.session, "Its id, as entrepot user sessions shows")
                ->required();
        },
        end_session);
}

}  // namespace entrepot::ctl

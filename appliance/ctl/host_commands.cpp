// host: what the appliance backs up from.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"

#include "base/error.h"
#include "base/secret_file.h"
#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kCaBytesMax = 64 * 1024;
constexpr std::size_t kKeytabBytesMax = 48 * 1024;

struct HostValues {
    std::string name;
    std::string url;
    std::string authentication;
    std::string user;
    std::filesystem::path password_file;
    std::filesystem::path ca_file;
    std::string pin;
    std::string share;
    std::filesystem::path keytab_file;
    std::filesystem::path certificate_file;
    std::filesystem::path key_file;
    std::string service;
    bool seals_messages = false;
    std::string new_name;
    bool trusts_system = false;
};

std::string read_password(Context& context, const HostValues& values) {
    if (!values.password_file.empty()) {
        const Secret password = read_secret_file(context.world().file_system, values.password_file);
        return std::string{password.reveal_text()};
    }
    if (values.user.empty() || !context.terminal().can_ask()) return {};
    return std::string{
        context.terminal().ask_secret(fmt::format("Password of {}: ", values.user)).reveal_text()};
}

void add_secret(Context& context, const HostValues& values, Json& body) {
    FileSystem& files = context.world().file_system;
    if (!values.keytab_file.empty()) {
        body["keytab"] = to_base64(files.read_file(values.keytab_file, kKeytabBytesMax));
        return;
    }
    if (!values.certificate_file.empty()) {
        body["certificate"] =
            std::string{as_text(files.read_file(values.certificate_file, kCaBytesMax))};
        body["key"] = std::string{as_text(files.read_file(values.key_file, kCaBytesMax))};
        return;
    }
    const std::string password = read_password(context, values);
    if (!password.empty()) body["password"] = password;
}

/// What decides who gets the host's secret: with it, the secret is given anew.
bool needs_secret(const HostValues& values) {
    return !values.url.empty() || !values.authentication.empty() || !values.user.empty() ||
           !values.pin.empty() || !values.ca_file.empty() || values.trusts_system ||
           !values.service.empty() || values.seals_messages;
}

void add_trust(Context& context, const HostValues& values, Json& body) {
    if (!values.pin.empty()) body["pin"] = values.pin;
    if (!values.ca_file.empty()) {
        const Bytes pem = context.world().file_system.read_file(values.ca_file, kCaBytesMax);
        body["ca"] = std::string{as_text(pem)};
    }
    if (values.trusts_system) {
        body["pin"] = "";
        body["ca"] = "";
    }
}

ExitStatus add_host(Context& context, const HostValues& values) {
    Json body{{"name", values.name}, {"url", values.url}, {"auth", values.authentication}};
    if (!values.user.empty()) body["user"] = values.user;
    if (!values.share.empty()) body["share"] = values.share;
    add_trust(context, values, body);
    if (!values.service.empty()) body["spn"] = values.service;
    if (values.seals_messages) body["message_encryption"] = true;
    add_secret(context, values, body);
    const Json host = context.post(api_path("hosts"), body);
    context.show_done(
        fmt::format("Host {} was added; it was not contacted. Try: entrepot host doctor {}",
                    values.name, values.name),
        host);
    return ExitStatus::done;
}

ExitStatus change_host(Context& context, const HostValues& values) {
    const Json before = context.get(api_path("hosts", values.name));
    Json body = Json::object();
    const auto add = [&body](const char* name, const std::string& value) {
        if (!value.empty()) body[name] = value;
    };
    add("name", values.new_name);
    add("url", values.url);
    add("auth", values.authentication);
    add("user", values.user);
    add("share", values.share);
    add("spn", values.service);
    if (values.seals_messages) body["message_encryption"] = true;
    add_trust(context, values, body);
    HostValues asked = values;
    const bool has_password = text_of(before, "secret") == "password";
    if (asked.user.empty() && needs_secret(values) && has_password) {
        asked.user = text_of(before, "user");
    }
    add_secret(context, asked, body);
    if (body.empty()) {
        throw Error{ErrorCode::usage, "nothing is said that could be changed",
                    "entrepot host change --help names what can"};
    }
    const Json host = context.patch(api_path("hosts", values.name), body);
    context.show_done(
        fmt::format("Host {0} was changed; it was not contacted. Try: entrepot host doctor {0}",
                    text_of(host, "name")),
        host);
    return ExitStatus::done;
}

ExitStatus list_hosts(Context& context, const HostValues&) {
    const Json hosts = context.get_all(api_path("hosts"), "hosts");
    context.show({{"hosts", hosts}}, [&](std::ostream& out) {
        Table table{{{"HOST"}, {"URL"}, {"AUTH"}, {"USER"}, {"SHARE"}, {"LAST CONTACT"}}};
        for (const Json& host : hosts) {
            const std::string share = text_of(host, "share");
            table.add_row({text_of(host, "name"), text_of(host, "url"), text_of(host, "auth"),
                           text_of(host, "user"), share.empty() ? "(default)" : share,
                           local_time_of(host, "last_contact")});
        }
        table.print(out);
    });
    return ExitStatus::done;
}

void print_host(std::ostream& out, const Json& host) {
    const std::string share = text_of(host, "share");
    out << "Name          " << printable(text_of(host, "name")) << "\n"
        << "Id            " << text_of(host, "id") << "\n"
        << "URL           " << printable(text_of(host, "url")) << "\n"
        << "Auth          " << text_of(host, "auth") << "\n"
        << "User          " << printable(text_of(host, "user")) << "\n";
    const std::string pin = text_of(host, "pin");
    const char* fallback = host.value("has_ca", false) ? "its own CA" : "the system's CAs";
    out << "Secret        " << text_of(host, "secret") << "\n";
    const std::string service = text_of(host, "spn");
    if (!service.empty()) out << "SPN           " << printable(service) << "\n";
    if (host.value("message_encryption", false)) out << "Messages      encrypted by the login\n";
    out << "Trust         " << (pin.empty() ? fallback : "pin " + pin) << "\n"
        << "Share         " << (share.empty() ? "(default)" : printable(share)) << "\n"
        << "Last contact  " << local_time_of(host, "last_contact") << "\n";
    const auto error = host.find("last_error");
    if (error != host.end() && error->is_object()) {
        out << "Last error    " << printable(text_of(*error, "message")) << "\n";
    }
}

ExitStatus show_host(Context& context, const HostValues& values) {
    const Json host = context.get(api_path("hosts", values.name));
    context.show(host, [&](std::ostream& out) { print_host(out, host); });
    return ExitStatus::done;
}

ExitStatus remove_host(Context& context, const HostValues& values) {
    context.confirm(fmt::format("Remove host {}? Its recovery points stay; its settings and "
                                "password go.",
                                values.name),
                    Context::WithoutTerminal::refuse);
    context.remove(api_path("hosts", values.name));
    context.show_done(fmt::format("Host {} was removed; its recovery points stay", values.name));
    return ExitStatus::done;
}

CLI::Option* declare_authentication(CLI::App& command, HostValues& values, const char* help) {
    return command.add_option("--auth", values.authentication, help)
        ->check(CLI::IsMember({"negotiate", "ntlm", "kerberos", "basic", "certificate"}));
}

/// How we log in, and how the host's certificate is trusted; the option --pin.
CLI::Option* declare_login(CLI::App& command, HostValues& values) {
    command.add_option("--user", values.user,
                       "DOMAIN\\user, HOST\\user or user; for Kerberos user@REALM");
    auto* password = command
                         .add_option("--password-file", values.password_file,
                                     "A file with the password; else it is asked for")
                         ->type_name("FILE");
    command.add_option("--keytab", values.keytab_file, "Kerberos: a keytab instead of a password")
        ->type_name("FILE")
        ->excludes(password);
    command.add_option("--spn", values.service,
                       "Kerberos: the host's service, HTTP (default), WSMAN, host or SERVICE/NAME");
    auto* certificate = command
                            .add_option("--certificate", values.certificate_file,
                                        "--auth certificate: the client certificate, PEM")
                            ->type_name("FILE")
                            ->excludes(password);
    auto* key = command.add_option("--key", values.key_file, "Its key, PEM, without passphrase")
                    ->type_name("FILE")
                    ->needs(certificate);
    certificate->needs(key);
    command.add_flag("--http", values.seals_messages,
                     "Let the login encrypt every message; then an http URL is taken, port 5985");
    auto* ca = command.add_option("--ca", values.ca_file, "The CA of the host's certificate, PEM")
                   ->type_name("FILE");
    return command
        .add_option("--pin", values.pin, "SHA-256 of the host's certificate (DER), in hex")
        ->type_name("SHA256")
        ->excludes(ca);
}

void declare_host(CLI::App& command, HostValues& values) {
    command.add_option("NAME", values.name, "What you call it")->required();
    command.add_option("--url", values.url, "https://HOST:5986/wsman")->required();
    declare_authentication(command, values, "How to prove who we are (default negotiate)")
        ->default_val("negotiate");
    declare_login(command, values);
    command.add_option("--share", values.share,
                       "The share for its exports; needed where there are several");
}

void declare_change(CLI::App& command, HostValues& values) {
    command.add_option("NAME", values.name, "Its name")->required();
    command.add_option("--rename", values.new_name, "What you call it from now on")
        ->type_name("NAME");
    command.add_option("--url", values.url, "https://HOST:5986/wsman");
    declare_authentication(command, values, "How to prove who we are");
    CLI::Option* pin = declare_login(command, values);
    command
        .add_flag("--system-ca", values.trusts_system,
                  "Trust what this system trusts, no more a pin or a CA of its own")
        ->excludes(pin);
    command.add_option("--share", values.share, "The share for its exports");
}

void declare_host_name(CLI::App& command, HostValues& values) {
    command.add_option("NAME", values.name, "Its name")->required();
}

}  // namespace

void add_host_commands(CommandSet set) {
    CLI::App* hosts = add_group(set.app, "host", "Hyper-V hosts");
    add_command<HostValues>(*hosts, set.chosen, "add", "Make a host known; never contacts it",
                            declare_host, add_host);
    add_command<HostValues>(*hosts, set.chosen, "change",
                            "Change a host; its machines and points stay. A new address, login or "
                            "certificate takes the password anew",
                            declare_change, change_host);
    add_command<HostValues>(
        *hosts, set.chosen, "list", "Show the hosts", [](CLI::App&, HostValues&) {}, list_hosts);
    add_command<HostValues>(*hosts, set.chosen, "show", "Show one host", declare_host_name,
                            show_host);
    add_doctor_command(*hosts, set.chosen);
    add_command<HostValues>(*hosts, set.chosen, "remove", "Forget a host; its recovery points stay",
                            declare_host_name, remove_host);
}

}  // namespace entrepot::ctl

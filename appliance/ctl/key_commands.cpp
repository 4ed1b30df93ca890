// key list, add, change, revoke.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/passphrase.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

constexpr const char* kNewPassphraseHint = "give --new-passphrase-file F";

struct KeyValues {
    std::optional<std::filesystem::path> new_passphrase_file;
    std::uint32_t slot = 0;
};

ExitStatus list_keys(Context& context, const KeyValues&) {
    const Json keys = context.get_all(api_path("keys"), "keys");
    context.show({{"keys", keys}}, [&](std::ostream& out) {
        Table table{{{"SLOT", Align::right}, {"KIND"}, {"CREATED"}}};
        for (const Json& key : keys) {
            table.add_row({std::to_string(number_of(key, "number")), text_of(key, "kind"),
                           local_time_of(key, "created")});
        }
        if (table.is_empty()) {
            out << "The repository is not encrypted\n";
        } else {
            table.print(out);
        }
    });
    return ExitStatus::done;
}

Secret read_new(Context& context, const KeyValues& values) {
    return read_new_passphrase(context.world().file_system, context.terminal(),
                               values.new_passphrase_file, kNewPassphraseHint);
}

ExitStatus add_key(Context& context, const KeyValues& values) {
    const Secret fresh = read_new(context, values);
    const Json key = context.post(api_path("keys"), {{"passphrase", fresh.reveal_text()}});
    context.show_done(fmt::format("The new passphrase is in slot {}", number_of(key, "number")),
                      key);
    return ExitStatus::done;
}

ExitStatus change_key(Context& context, const KeyValues& values) {
    const auto old =
        read_passphrase(context.world().file_system, context.terminal(),
                        context.options().passphrase_file, context.config().passphrase_file);
    if (!old) {
        throw Error{ErrorCode::usage, "the old passphrase is not given",
                    "give --passphrase-file F"};
    }
    const Secret fresh = read_new(context, values);
    context.post(api_path("keys", "change"),
                 {{"old_passphrase", old->reveal_text()}, {"new_passphrase", fresh.reveal_text()}});
    context.show_done("The passphrase was changed");
    return ExitStatus::done;
}

ExitStatus revoke_key(Context& context, const KeyValues& values) {
    context.confirm(
        fmt::format("Revoke key slot {}? What it opens is then closed to its holder.", values.slot),
        Context::WithoutTerminal::refuse);
    context.remove(api_path("keys", std::to_string(values.slot)));
    context.show_done(fmt::format("Key slot {} was revoked", values.slot));
    return ExitStatus::done;
}

void declare_new_file(CLI::App& command, KeyValues& values) {
    command
        .add_option("--new-passphrase-file", values.new_passphrase_file,
                    "A file with the new passphrase; else it is asked for")
        ->type_name("FILE");
}

}  // namespace

void add_key_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "key", "Who can open the repository");
    add_command<KeyValues>(
        *group, set.chosen, "list", "Show the key slots", [](CLI::App&, KeyValues&) {}, list_keys);
    add_command<KeyValues>(*group, set.chosen, "add", "Add a passphrase", declare_new_file,
                           add_key);
    add_command<KeyValues>(*group, set.chosen, "change",
                           "Replace the passphrase of --passphrase-file by a new one",
                           declare_new_file, change_key);
    add_command<KeyValues>(
        *group, set.chosen, "revoke", "Take a key's power away; the last one cannot be revoked",
        [](CLI::App& command, KeyValues& values) {
            command.add_option("SLOT", values.slot, "A number as in key list")->required();
        },
        revoke_key);
}

}  // namespace entrepot::ctl

// init, info, catalog.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/job_follower.h"
#include "appliance/ctl/passphrase.h"
#include "appliance/daemon/key_files.h"

#include "base/bytes.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

struct InitValues {
    bool has_no_encryption = false;
};

std::optional<Secret> read_init_passphrase(Context& context, const InitValues& values) {
    if (values.has_no_encryption) return std::nullopt;
    auto& file_system = context.world().file_system;
    if (auto key = daemon::read_key_file(file_system, context.options().passphrase_file,
                                         context.config().passphrase_file)) {
        return key;
    }
    return read_new_passphrase(file_system, context.terminal(), std::nullopt,
                               "give --passphrase-file F, or --no-encryption");
}

void print_recovery_key(std::ostream& out, const repository::Created& created) {
    if (created.recovery_key.empty()) {
        out << "The repository is not encrypted: whoever reads its files reads the backups.\n";
        return;
    }
    out << "Recovery key (shown once, kept nowhere; it opens the repository without the "
           "passphrase):\n\n    "
        << created.recovery_key.reveal_text() << "\n\n"
        << "Keep it away from this machine.\n";
}

ExitStatus initialise(Context& context, const InitValues& values) {
    const auto& config = context.config();
    const auto passphrase = read_init_passphrase(context, values);
    const auto created = daemon::create_appliance(context.world(), config, passphrase);
    const std::string directory = config.repository_directory().string();
    const Json document{
        {"repository", created.repository_id},
        {"path", directory},
        {"encrypted", passphrase.has_value()},
        {"recovery_key", created.recovery_key.empty()
                             ? Json(nullptr)
                             : Json(std::string{created.recovery_key.reveal_text()})}};
    context.show(document, [&](std::ostream& out) {
        out << "New repository in " << directory << "\n";
        print_recovery_key(out, created);
    });
    return ExitStatus::done;
}

void print_info(std::ostream& out, const Json& info) {
    const std::uint64_t logical = number_of(info, "logical_bytes");
    const std::uint64_t stored = number_of(info, "stored_bytes");
    out << "Format        " << text_of(info, "format") << "\n"
        << "Repository    " << text_of(info, "id") << "\n"
        << "Encrypted     "
        << (info.value("encrypted", false) ? "yes" : "no (signatures prove nothing)") << "\n"
        << "Points        " << number_of(info, "points") << "\n"
        << "Logical       " << size_of(info, "logical_bytes") << " in all points\n"
        << "Unique        " << size_of(info, "unique_bytes") << " in "
        << plural(number_of(info, "chunks"), "chunk") << "\n"
        << "Stored        " << size_of(info, "stored_bytes") << " in "
        << plural(number_of(info, "packs"), "pack");
    if (stored > 0 && logical > stored) {
        out << fmt::format(", {:.1f} times smaller",
                           static_cast<double>(logical) / static_cast<double>(stored));
    }
    out << "\nWaste         " << size_of(info, "waste_bytes") << " as of the last gc\n"
        << "Key slots     " << number_of(info, "key_slots") << "\n"
        << "Free          " << size_of(info, "free_bytes") << " of "
        << size_of(info, "capacity_bytes") << "\n";
}

ExitStatus show_info(Context& context, const InitValues&) {
    const Json info = context.get(api_path("info"));
    context.show(info, [&](std::ostream& out) { print_info(out, info); });
    return ExitStatus::done;
}

ExitStatus rebuild_catalog(Context& context, const InitValues&) {
    const auto result = run_job(context, api_path("catalog/rebuild"), Json::object());
    context.show_done(fmt::format("The catalog was made again; it holds {}",
                                  plural(number_of(result.result, "points"), "point")),
                      result.result);
    return ExitStatus::done;
}

ExitStatus check_catalog(Context& context, const InitValues&) {
    const auto result = run_job(context, api_path("catalog/check"), Json::object());
    const Json& differences = list_of(result.result, "differences");
    context.show(result.result, [&](std::ostream& out) {
        for (const Json& difference : differences)
            out << difference.get<std::string>() << "\n";
        if (differences.empty()) out << "Catalog and repository agree\n";
    });
    return differences.empty() ? ExitStatus::done : ExitStatus::damaged;
}

void declare_nothing(CLI::App&, InitValues&) {}

}  // namespace

void add_repository_commands(CommandSet set) {
    add_command<InitValues>(
        set.app, set.chosen, "init",
        "Make a new repository and databases in the data directory; prints the recovery key once",
        [](CLI::App& command, InitValues& values) {
            command.add_flag("--no-encryption", values.has_no_encryption,
                             "Store everything readable for whoever reads the files");
        },
        initialise);
    add_command<InitValues>(set.app, set.chosen, "info",
                            "Show the repository: format, size, points, waste, key slots",
                            declare_nothing, show_info);
    CLI::App* catalog = add_group(set.app, "catalog", "The database over the repository");
    add_command<InitValues>(*catalog, set.chosen, "rebuild",
                            "Make the database again from the repository", declare_nothing,
                            rebuild_catalog);
    add_command<InitValues>(*catalog, set.chosen, "check",
                            "Compare the database with the repository", declare_nothing,
                            check_catalog);
}

}  // namespace entrepot::ctl

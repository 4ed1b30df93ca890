// init, info, catalog.
#include "appliance/ctl/age.h"
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/job_follower.h"
#include "appliance/ctl/passphrase.h"
#include "appliance/daemon/appliance_restore.h"
#include "appliance/daemon/key_files.h"

#include "base/bytes.h"
#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

struct InitValues {
    bool has_no_encryption = false;
    std::string minimum_age;
    bool is_from_repository = false;
    std::string state_copy;
};

struct AgeValues {
    std::string age;
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

void print_restored(std::ostream& out, const config::Config& config,
                    const daemon::RestoredAppliance& restored) {
    out << "The appliance is back, with repository " << config.repository_directory().string()
        << ": " << plural(restored.points, "point") << "\n";
    if (!restored.copy) {
        out << "The repository holds no copy of the appliance's settings: add shares, hosts and "
               "policies again\n";
        return;
    }
    out << "Settings of " << format_time(restored.copy->time) << ": "
        << plural(restored.hosts, "host") << ", " << restored.policies
        << (restored.policies == 1 ? " policy" : " policies") << "\n";
    if (restored.ended_jobs > 0) {
        out << plural(restored.ended_jobs, "job") << " that ran then will not go on\n";
    }
}

ExitStatus restore_state(Context& context, const InitValues& values) {
    const auto& config = context.config();
    const auto restored = daemon::restore_appliance(
        context.world(), config,
        [&] {
            return read_passphrase(context.world().file_system, context.terminal(),
                                   context.options().passphrase_file, config.passphrase_file);
        },
        values.state_copy);
    const Json document{
        {"repository", restored.repository_id},
        {"path", config.repository_directory().string()},
        {"points", restored.points},
        {"state_copy", restored.copy ? Json(restored.copy->name) : Json(nullptr)},
        {"state_time", restored.copy ? Json(format_time(restored.copy->time)) : Json(nullptr)},
        {"hosts", restored.hosts},
        {"policies", restored.policies},
        {"ended_jobs", restored.ended_jobs}};
    context.show(document, [&](std::ostream& out) { print_restored(out, config, restored); });
    return ExitStatus::done;
}

ExitStatus initialise(Context& context, const InitValues& values) {
    if (values.is_from_repository) return restore_state(context, values);
    const auto& config = context.config();
    repository::CreateOptions options;
    if (!values.minimum_age.empty()) options.minimum_age = parse_age(values.minimum_age);
    options.passphrase = read_init_passphrase(context, values);
    const auto created = daemon::create_appliance(context.world(), config, options);
    const std::string directory = config.repository_directory().string();
    const Json document{
        {"repository", created.repository_id},
        {"path", directory},
        {"encrypted", options.passphrase.has_value()},
        {"minimum_age_seconds", options.minimum_age.count()},
        {"recovery_key", created.recovery_key.empty()
                             ? Json(nullptr)
                             : Json(std::string{created.recovery_key.reveal_text()})}};
    context.show(document, [&](std::ostream& out) {
        out << "New repository in " << directory << "\n";
        print_recovery_key(out, created);
    });
    return ExitStatus::done;
}

std::chrono::seconds minimum_age_of(const Json& document) {
    return std::chrono::seconds{
        static_cast<std::int64_t>(number_of(document, "minimum_age_seconds"))};
}

std::string state_copies_text(const Json& info) {
    const Json& copies = list_of(info, "state_copies");
    if (copies.empty()) return "none";
    return fmt::format("{}, the newest of {}", copies.size(), text_of(copies.front(), "time"));
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
        << "Minimum age   " << age_text(minimum_age_of(info)) << "\n"
        << "State copies  " << state_copies_text(info) << "\n"
        << "Free          " << size_of(info, "free_bytes") << " of "
        << size_of(info, "capacity_bytes") << "\n";
    const std::uint64_t damaged = number_of(info, "damaged_chunks");
    if (damaged > 0) {
        out << "Damaged       " << plural(damaged, "chunk")
            << "; entrepot verify names the points\n";
    }
    const std::string frozen = text_of(info, "deletion_frozen");
    if (!frozen.empty()) out << "Deletion      FROZEN: " << printable(frozen) << "\n";
}

ExitStatus show_repository(Context& context, const InitValues&) {
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

void print_clock(std::ostream& out, const Json& clock) {
    const std::string frozen = text_of(clock, "frozen");
    out << "Clock         " << text_of(clock, "clock") << "\n"
        << "By our count  " << text_of(clock, "time") << "\n"
        << "Deletion      "
        << (frozen.empty() ? std::string{"allowed"} : "FROZEN: " + printable(frozen)) << "\n"
        << "Minimum age   " << age_text(minimum_age_of(clock)) << "\n";
}

ExitStatus show_clock(Context& context, const InitValues&) {
    const Json clock = context.get(api_path("clock"));
    context.show(clock, [&](std::ostream& out) { print_clock(out, clock); });
    return ExitStatus::done;
}

ExitStatus confirm_clock(Context& context, const InitValues&) {
    const Json clock = context.get(api_path("clock"));
    const std::string seen = text_of(clock, "clock");
    context.confirm(fmt::format("The clock says {}; by the time that passed it is {}. Is the clock "
                                "right? Points whose protection it has passed can be deleted then",
                                seen, text_of(clock, "time")),
                    Context::WithoutTerminal::refuse);
    const Json after = context.post(api_path("clock/confirm"), {{"clock", seen}});
    context.show(after, [&](std::ostream& out) { print_clock(out, after); });
    return ExitStatus::done;
}

ExitStatus extend_minimum_age(Context& context, const AgeValues& values) {
    const std::chrono::seconds age = parse_age(values.age);
    context.confirm(fmt::format("No point younger than {} can be deleted then, by anybody, and "
                                "nobody can take that back. Go on?",
                                age_text(age)),
                    Context::WithoutTerminal::refuse);
    const Json after =
        context.post(api_path("minimum-age"), {{"minimum_age_seconds", age.count()}});
    context.show_done(fmt::format("The minimum age is {}", age_text(age)), after);
    return ExitStatus::done;
}

void declare_nothing(CLI::App&, InitValues&) {}

void declare_state_restore(CLI::App& command, InitValues& values) {
    auto* from = command.add_flag(
        "--from-repository", values.is_from_repository,
        "Make the appliance again from the repository that is already at its place "
        "(repository.path of the configuration, DATA/repository without one), with the newest copy "
        "of shares, hosts, policies and jobs that it holds");
    command
        .add_option("--state-copy", values.state_copy,
                    "That copy instead of the newest; entrepot info --json names them")
        ->type_name("NAME")
        ->needs(from);
}

}  // namespace

void add_repository_commands(CommandSet set) {
    add_command<InitValues>(
        set.app, set.chosen, "init",
        "Make a new repository and databases in the data directory; prints the recovery key once",
        [](CLI::App& command, InitValues& values) {
            command.add_flag("--no-encryption", values.has_no_encryption,
                             "Store everything readable for whoever reads the files");
            declare_state_restore(command, values);
            command
                .add_option("--minimum-age", values.minimum_age,
                            "No point younger than this can ever be deleted, by anybody: 30d. "
                            "Can be extended later, never reduced (default: none)")
                ->type_name("AGE");
        },
        initialise);
    add_command<InitValues>(set.app, set.chosen, "info",
                            "Show the repository: format, size, points, waste, key slots",
                            declare_nothing, show_repository);
    add_command<AgeValues>(
        set.app, set.chosen, "minimum-age",
        "Extend the age under which no point can be deleted; it can never be reduced",
        [](CLI::App& command, AgeValues& values) {
            command.add_option("AGE", values.age, "A number and one of s, m, h, d, w: 30d")
                ->required();
        },
        extend_minimum_age);
    CLI::App* clock = add_group(
        set.app, "clock", "The time by which deletion is decided, and whether the clock tells it");
    add_command<InitValues>(*clock, set.chosen, "show",
                            "Show the clock, the repository's own time, and whether they agree",
                            declare_nothing, show_clock);
    add_command<InitValues>(*clock, set.chosen, "confirm",
                            "Say that the clock is right after it jumped, which froze all deletion",
                            declare_nothing, confirm_clock);
    CLI::App* catalog = add_group(set.app, "catalog", "The database over the repository");
    add_command<InitValues>(*catalog, set.chosen, "rebuild",
                            "Make the database again from the repository", declare_nothing,
                            rebuild_catalog);
    add_command<InitValues>(*catalog, set.chosen, "check",
                            "Compare the database with the repository", declare_nothing,
                            check_catalog);
}

}  // namespace entrepot::ctl

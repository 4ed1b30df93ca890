// warnings: what is wrong with the appliance itself.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"

#include "base/table.h"

namespace entrepot::ctl {
namespace {

struct WarningValues {};

void print_warnings(std::ostream& out, const Json& warnings) {
    if (warnings.empty()) out << "Nothing is wrong with the appliance itself\n";
    for (const Json& warning : warnings) {
        out << (text_of(warning, "severity") == "bad" ? "bad:     " : "warning: ")
            << printable(text_of(warning, "text")) << " (" << text_of(warning, "id") << ")\n";
        const std::string hint = text_of(warning, "hint");
        if (!hint.empty()) out << "         " << printable(hint) << "\n";
        const std::string job = text_of(warning, "job");
        if (!job.empty()) out << "         entrepot job show " << short_id(job) << "\n";
    }
}

ExitStatus show_warnings(Context& context, const WarningValues&) {
    const Json warnings = context.get_all(api_path("warnings"), "warnings");
    context.show({{"warnings", warnings}},
                 [&](std::ostream& out) { print_warnings(out, warnings); });
    return ExitStatus::done;
}

}  // namespace

void add_warnings_command(CommandSet set) {
    add_command<WarningValues>(
        set.app, set.chosen, "warnings",
        "Show what is wrong with the appliance itself: its share, certificate, repository, upkeep "
        "and refused logins",
        [](CLI::App&, WarningValues&) {}, show_warnings);
}

}  // namespace entrepot::ctl

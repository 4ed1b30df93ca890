// See preflight.h.
#include "appliance/ctl/preflight.h"

#include "appliance/ctl/format.h"

#include "base/table.h"

#include <fmt/format.h>

#include <string>

namespace entrepot::ctl {
namespace {

std::string label_of(const std::string& result) {
    if (result == "blocked") return "BLOCKED";
    return result == "good" ? "ok" : result;
}

}  // namespace

void print_checks(std::ostream& out, const Json& preflight) {
    for (const Json& check : list_of(preflight, "checks")) {
        out << fmt::format("{:<8} ", label_of(text_of(check, "result")))
            << printable(text_of(check, "text")) << "\n";
        const std::string cure = text_of(check, "cure");
        if (!cure.empty()) out << "         " << printable(cure) << "\n";
    }
    out << (preflight.value("can_start", false) ? "The restore can start.\n"
                                                : "The restore cannot start.\n");
}

ExitStatus status_of_preflight(const Json& preflight) {
    return preflight.value("can_start", false) ? ExitStatus::done : ExitStatus::failed;
}

}  // namespace entrepot::ctl

// What the doctor says: one check for everything that it looked at.
#pragma once

#include "base/json.h"

#include <string>
#include <string_view>
#include <vector>

namespace entrepot::doctor {

enum class Result {
    ok,
    warning,   ///< Backups work, but something is worse than it could be.
    failed,    ///< Backups of this host cannot work.
    unproven,  ///< Nobody can tell without trying, or the host does not show it.
    skipped,   ///< Not looked at, because something below it failed.
};

std::string_view to_string(Result result);

/// The id names the finding, and with it cause, cure and command; evidence is what was seen.
struct Check {
    std::string id{};
    std::string layer{};
    Result result = Result::ok;
    std::string cause{};
    std::string evidence{};
    std::string cure{};
    std::string command{};  ///< To paste on the machine that the cure names.

    /// {"id", "layer", "result", "cause", "evidence", "cure", "command"}
    Json to_json() const;
};

}  // namespace entrepot::doctor

// entrepot-recover as a function of its arguments: list, restore, files.
#pragma once

#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"

#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::recover {

struct Surroundings {
    FileSystem& file_system;
    Random& random;
    Clock& clock;
    std::ostream& out;       ///< Results.
    std::ostream& err;       ///< Progress and messages.
    bool shows_progress;     ///< True if a person sees err.
    std::stop_token stop{};  ///< Ends a restore, which then leaves no file.
};

/// The exit status: 0 done, 1 failed, 2 usage, 4 something is damaged or was lost.
int run(const std::vector<std::string>& arguments, const Surroundings& surroundings);

}  // namespace entrepot::recover

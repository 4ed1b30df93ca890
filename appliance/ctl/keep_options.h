// The options of a retention rule, as prune and policies take them.
#pragma once

#include "base/json.h"

#include <CLI/CLI.hpp>

#include <cstdint>

namespace entrepot::ctl {

struct KeepValues {
    std::uint32_t last = 0;
    std::uint32_t hourly = 0;
    std::uint32_t daily = 0;
    std::uint32_t weekly = 0;
    std::uint32_t monthly = 0;
    std::uint32_t yearly = 0;
};

void declare_keep(CLI::App& command, KeepValues& values);
/// {"keep_last": ...} with what is not 0.
Json keep_rule(const KeepValues& values);

}  // namespace entrepot::ctl

// One sequence from its seed to the judgement of all readers.
#pragma once

#include "tests/property/readers.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace entrepot::property {

/// How many were written by whom, and read by whom.
struct Statistics {
    std::map<std::string, std::uint64_t> written;
    std::map<std::string, std::uint64_t> read;
    std::map<std::string, std::uint64_t> not_asked;  ///< For a reason in the table of faults.
    std::map<std::string, std::uint64_t> misread;    ///< Sectors, for a reason in the table.
    std::uint64_t rules_checked = 0;
};

/// Runs the sequence in an empty directory, where its files stay. Returns what is wrong, nullopt if
/// nothing is.
Finding run_case(const Sequence& sequence, const std::set<Reader>& asked,
                 const std::filesystem::path& directory, Statistics& statistics);

}  // namespace entrepot::property

// The faults that a test asks for: which, where, how often.
#pragma once

#include "base/json.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::hostsim {

struct PlannedFault {
    std::string at;  ///< A method, an action's last part, a class, "*".
    std::string name;
    std::string argument;
    int times = 1;  ///< -1: until cleared.
};

/// Safe to share.
class FaultPlan {
public:
    /// {"at": "CreateSnapshot", "do": "return:32775", "times": 1}. Throws Error{invalid} for a
    /// name that is not in the table.
    void add(const Json& json);
    void clear();
    Json to_json() const;

    /// The argument of the first fault of that name planned for the place, which is used up by
    /// this call; nullopt if there is none.
    std::optional<std::string> take(std::string_view name, std::string_view at);
    /// The argument as a number, decimal or 0x.
    std::optional<std::uint32_t> take_number(std::string_view name, std::string_view at);
    /// Without using it up.
    bool is_planned(std::string_view name, std::string_view at) const;

private:
    mutable std::mutex mutex_;
    std::vector<PlannedFault> faults_;
};

}  // namespace entrepot::hostsim

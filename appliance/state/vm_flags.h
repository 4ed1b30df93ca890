// What must be known about a VM at its next run, with the reason: "the next run is a full because".
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::state {

inline constexpr std::string_view kForceFullFlag = "force_full";

struct VmFlag {
    std::string host_id;
    std::string vm_id;
    std::string flag;
    std::string reason;
    WallTime since{};
};

class VmFlagStore {
public:
    VmFlagStore(Database& database, Clock& clock) : database_(database), clock_(clock) {}

    /// A flag that is set keeps its first reason and time.
    void set(const std::string& host_id, const std::string& vm_id, std::string_view flag,
             const std::string& reason);
    std::optional<VmFlag> find(const std::string& host_id, const std::string& vm_id,
                               std::string_view flag);
    std::vector<VmFlag> list();
    /// Nothing happens if it is not set.
    void clear(const std::string& host_id, const std::string& vm_id, std::string_view flag);

private:
    Database& database_;
    Clock& clock_;
};

}  // namespace entrepot::state

// Disks that a person took out of the backup, and why.
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"

#include <string>
#include <vector>

namespace entrepot::state {

struct Exclusion {
    std::string host_id;
    std::string vm_id;
    std::string disk;  ///< The disk's slot id on the host.
    std::string reason;
    WallTime since{};
};

class ExclusionStore {
public:
    ExclusionStore(Database& database, Clock& clock) : database_(database), clock_(clock) {}

    /// Replaces the reason if the disk is excluded already. Error{invalid} without a reason.
    void put(const std::string& host_id, const std::string& vm_id, const std::string& disk,
             const std::string& reason);
    /// Error{not_found} if the disk is not excluded.
    void remove(const std::string& host_id, const std::string& vm_id, const std::string& disk);
    std::vector<Exclusion> list_of_vm(const std::string& host_id, const std::string& vm_id);
    std::vector<Exclusion> list();

private:
    Database& database_;
    Clock& clock_;
};

}  // namespace entrepot::state

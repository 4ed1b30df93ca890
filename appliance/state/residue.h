// What a run left on a host and could not prove to be ours: shown with the command that removes it.
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"

#include <string>
#include <vector>

namespace entrepot::state {

struct Residue {
    std::string host_id{};
    std::string vm_id{};
    std::string text{};     ///< What is there and why it was left.
    std::string command{};  ///< To paste on the host.
    WallTime since{};
};

class ResidueStore {
public:
    ResidueStore(Database& database, Clock& clock) : database_(database), clock_(clock) {}

    /// The result of a residue check of one VM: what is not listed any more goes, what stays keeps
    /// its time. An empty list means clean. Only text and command of the entries are read.
    void replace(const std::string& host_id, const std::string& vm_id,
                 const std::vector<Residue>& found);
    /// One more, until the next check of the VM. Only its text and command are read.
    void add(const std::string& host_id, const std::string& vm_id, const Residue& entry);
    std::vector<Residue> list();
    std::vector<Residue> list_of_vm(const std::string& host_id, const std::string& vm_id);

private:
    Database& database_;
    Clock& clock_;
};

}  // namespace entrepot::state

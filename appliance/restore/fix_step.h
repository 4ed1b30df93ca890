// Making the planned VM what the person asked for: name, folders, disks, network. Every change may
// be made twice, and afterwards the host is asked whether it is so.
#pragma once

#include "appliance/restore/network_choice.h"
#include "appliance/restore/restore_run.h"

#include <map>
#include <string>
#include <vector>

namespace entrepot::restore {

class FixStep {
public:
    explicit FixStep(RestoreRun& run) : run_(run) {}

    /// Throws Error{unsupported} where the configuration has no place for a disk of the point,
    /// Error{host_failure} where the host did not do what it said.
    void run();

private:
    hyperv::PlannedVm read_planned();
    void name(const hyperv::PlannedVm& planned);
    void place_disks(const hyperv::PlannedVm& planned);
    void remove_media(const hyperv::PlannedVm& planned);
    void set_network(const hyperv::PlannedVm& planned);
    void set_adapter(const hyperv::NetworkAdapter& adapter, const std::string& was_on,
                     const std::vector<hyperv::VirtualSwitch>& switches);
    Json read_networks(const hyperv::PlannedVm& planned);
    void check();

    RestoreRun& run_;
    Json network_ = Json::array();
    std::map<std::string, bool> is_connected_;  ///< As it shall be, by the adapter's InstanceID.
};

/// Which of the planned VM's disks is which of the point's, in the point's order.
struct DiskMatch {
    std::vector<const hyperv::Disk*> disks;     ///< One for each of the layout's; never null.
    std::vector<const hyperv::Disk*> left_out;  ///< In the configuration and not in the point.
};

/// By path where it was set already, by slot, by place, by file name. Throws Error{unsupported}
/// naming the disk that has no place.
DiskMatch match_disks(const Layout& layout, const Target& target,
                      const std::vector<hyperv::Disk>& planned);

/// Ends the connection of an adapter that a validation stumbles over.
void remove_connection(RestoreRun& run, const std::string& connection_id);

}  // namespace entrepot::restore

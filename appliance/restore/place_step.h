// The files: whether the host can read the folder at all, then disks and configuration in it, whole
// before the host sees any.
#pragma once

#include "appliance/restore/restore_run.h"

#include <string>

namespace entrepot::restore {

class PlaceStep {
public:
    explicit PlaceStep(RestoreRun& run) : run_(run) {}

    /// Proves with a marker, before anything large is written, how the host reaches the share.
    /// Error{host_failure} with the host's reason where it cannot read its UNC path.
    void find_reach();
    /// Writes everything in a private folder and moves it into place.
    void place();
    /// Waits for the person who copies, where that is the way; then lets the host open each disk.
    void wait_until_readable();

private:
    /// Whether a host that does not answer is asked again.
    enum class IfSilent { ask_again, fail };
    bool sees_marker(const std::string& folder, std::string& reason,
                     IfSilent if_silent = IfSilent::ask_again);
    void prove_share(const std::string& probe_path);
    void write_disks(const std::filesystem::path& folder);
    void write_files(const std::filesystem::path& folder);
    void wait_for_copy();
    Json begin_copy_wait();
    bool is_copied();
    bool find_copy();
    void check_disk(const PlacedDisk& disk);

    RestoreRun& run_;
};

/// Removes what the run placed on the share; the host keeps what somebody copied.
void remove_placed_files(RestoreRun& run);
/// What a person removes on the host after a copied restore was undone.
std::string remove_copies_command(const RestorePlan& plan);

}  // namespace entrepot::restore

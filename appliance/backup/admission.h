// Whether a run may begin: its share, and the host's quota there, must have room for all that the
// export may write. Where they have not, the job goes back into the queue, and after a time it
// fails. Nothing is asked of the host before.
#pragma once

#include "appliance/backup/run.h"
#include "appliance/backup/space_ledger.h"

#include <cstdint>
#include <memory>
#include <string>

namespace entrepot::backup {

/// What an export of these disks writes at most: a full is a copy of their files, and changes are
/// never more than that; with room for the configuration files.
std::uint64_t export_bytes_max(const RunPlan& plan);

class Admission {
public:
    explicit Admission(Run& run) : run_(run) {}

    /// Before anything else: where the run waited for room and there is still too little, throws
    /// jobs::Deferral or, after the time that Services sets, Error{no_space}.
    void look_again();
    /// With the plan, before it is journalled. Throws as above; else the room is promised to this
    /// run for as long as the Admission lives. Error{no_space} for a full beyond the host's quota.
    void admit(const RunPlan& plan);
    /// Of a run whose plan an earlier life journalled: it was admitted then.
    void keep(const RunPlan& plan);
    /// The export is there: what it occupies is no promise any more.
    void release() {
        promise_.reset();
        quota_promise_.reset();
    }

private:
    bool try_promise(std::uint64_t needed);
    bool try_promise_quota(std::uint64_t needed);
    std::string describe_room(std::uint64_t free, std::uint64_t promised,
                              std::uint64_t needed) const;
    std::string describe_quota(std::uint64_t needed) const;
    void check_quota(const RunPlan& plan, std::uint64_t needed);
    [[noreturn]] void put_off(std::uint64_t needed);

    Run& run_;
    std::unique_ptr<SpaceLedger::Promise> promise_;        ///< Of the share's volume.
    std::unique_ptr<SpaceLedger::Promise> quota_promise_;  ///< Of the host's quota.
};

}  // namespace entrepot::backup

// The appliance's state: the database with all its stores, opened together.
#pragma once

#include "appliance/state/database.h"
#include "appliance/state/exclusions.h"
#include "appliance/state/growth.h"
#include "appliance/state/hosts.h"
#include "appliance/state/job_history.h"
#include "appliance/state/jobs.h"
#include "appliance/state/journal.h"
#include "appliance/state/policies.h"
#include "appliance/state/residue.h"
#include "appliance/state/settings.h"
#include "appliance/state/share_accounts.h"
#include "appliance/state/shares.h"
#include "appliance/state/vm_flags.h"
#include "appliance/state/vms.h"

#include "base/clock.h"
#include "base/random.h"

#include <filesystem>
#include <memory>

namespace entrepot::state {

/// Safe to share between threads.
class State {
public:
    /// `file` is DATA/state.db by custom. Errors as Database::open. Clock and random outlive it.
    State(const std::filesystem::path& file, Clock& clock, Random& random)
        : database_(Database::open(file)),
          hosts(*database_, clock, random),
          shares(*database_),
          share_accounts(*database_, clock, random),
          exclusions(*database_, clock),
          vms(*database_),
          vm_flags(*database_, clock),
          residue(*database_, clock),
          settings(*database_),
          growth(*database_),
          jobs(*database_),
          job_history(*database_),
          journal(*database_),
          policies(*database_, clock, random) {}

    Database& database() { return *database_; }

private:
    std::unique_ptr<Database> database_;

public:
    HostStore hosts;
    ShareStore shares;
    ShareAccountStore share_accounts;
    ExclusionStore exclusions;
    VmStore vms;
    VmFlagStore vm_flags;
    ResidueStore residue;
    SettingStore settings;
    GrowthStore growth;
    JobStore jobs;
    JobHistory job_history;
    JournalStore journal;
    PolicyStore policies;
};

}  // namespace entrepot::state

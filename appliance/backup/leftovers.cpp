// See leftovers.h.
#include "appliance/backup/leftovers.h"

#include "appliance/backup/limits.h"
#include "appliance/backup/run_journal.h"
#include "appliance/share/leftovers.h"

#include "base/error.h"

#include <fmt/format.h>

#include <map>

namespace entrepot::backup {
namespace {

using share::Leftover;

class Clearing {
public:
    explicit Clearing(const Services& services) : services_(services) {}

    LeftoverReport run() {
        for (const state::ShareRecord& share : services_.shares.list()) {
            try {
                clear(share);
            } catch (const Error& error) {
                ++report_.failure_count;
                services_.log.error("a share could not be searched for what dead runs left",
                                    {{"share", share.name}, {"error", error.what()}});
            }
        }
        return report_;
    }

private:
    void clear(const state::ShareRecord& share) {
        const auto layout =
            share.is_managed() ? share::FolderLayout::accounts : share::FolderLayout::hosts;
        // The folders first, then who owns them: a run is journalled before its folder is made, so
        // a folder without an owner has none.
        const auto found = share::find_leftovers(services_.file_system, share.path, layout,
                                                 [](std::string_view) { return true; });
        if (found.empty()) return;
        const auto owners = list_owners();
        for (const Leftover& leftover : found) {
            const auto owner = owners.find(leftover.run_id);
            const bool is_known = owner != owners.end();
            if (!is_known && !share.is_managed()) continue;
            if (is_alive(leftover.run_id)) continue;  // A restore: its run is named as its job.
            if (is_known && is_alive(owner->second)) continue;
            remove(share, leftover, is_known ? owner->second : std::string{});
        }
    }

    // Run id to job id.
    std::map<std::string, std::string> list_owners() {
        std::map<std::string, std::string> owners;
        for (const std::string_view step : {key::kComparison, key::kExport}) {
            for (int number = 0; number < static_cast<int>(limits::kExportAttemptsMax); ++number) {
                for (const auto& [job, intent] :
                     services_.state.journal.list_key(key::intent(step, number))) {
                    owners.emplace(intent.at("run_id").get<std::string>(), job);
                }
            }
        }
        return owners;
    }

    bool is_alive(const std::string& job) {
        const auto record = services_.state.jobs.find(job);
        return record && !jobs::is_final(record->view.state);
    }

    void remove(const state::ShareRecord& share, const Leftover& leftover, const std::string& job) {
        try {
            discard(share, leftover);
            ++report_.removed_count;
            services_.log.warning("what a dead run left on a share was removed",
                                  {{"share", share.name}, {"folder", leftover.path.string()}});
        } catch (const Error& error) {
            ++report_.failure_count;
            services_.log.error("what a dead run left on a share can't be removed",
                                {{"folder", leftover.path.string()}, {"error", error.what()}});
            show(leftover, job, error);
        }
    }

    void discard(const state::ShareRecord& share, const Leftover& leftover) {
        if (share.is_managed() && !leftover.host_id.empty()) {
            try {
                services_.shares.open_area(share, leftover.host_id)
                    .discard_run(leftover.host_id, leftover.run_id, services_.settle,
                                 services_.own_file_server);
            } catch (const Error&) {
                // A host that is not known any more has no area; its folder is there all the same.
            }
        }
        if (services_.file_system.exists(leftover.path)) {
            share::remove_leftover(services_.file_system, leftover);
        }
    }

    void show(const Leftover& leftover, const std::string& job, const Error& error) {
        const auto plan = services_.state.journal.find(job, key::kPlan);
        if (!plan) return;
        services_.state.residue.add(
            plan->at("host_id"), plan->at("vm_id"),
            {.text = fmt::format("Guest data of a run that has ended lies in {}: {}",
                                 leftover.path.string(), error.message()),
             .command = fmt::format("rm -r '{}'  # on the appliance", leftover.path.string())});
    }

    const Services& services_;
    LeftoverReport report_;
};

}  // namespace

LeftoverReport clear_leftovers(const Services& services) {
    try {
        return Clearing{services}.run();
    } catch (const Error& error) {
        services.log.error("the shares could not be searched for what dead runs left",
                           {{"error", error.what()}});
        return {.failure_count = 1};
    }
}

}  // namespace entrepot::backup

// One restore of a VM in one life of the process: what its steps share.
#pragma once

#include "appliance/backup/host_run.h"
#include "appliance/restore/layout.h"
#include "appliance/restore/restore_request.h"
#include "appliance/restore/services.h"
#include "appliance/restore/target.h"
#include "appliance/share/export_area.h"

#include "exporter/hyperv/restore_host.h"

#include "base/error.h"

#include <memory>
#include <string>
#include <string_view>

namespace entrepot::restore {

/// What a restore has decided to do; journalled whole, so that a later life goes on with it.
struct RestorePlan {
    RestoreRequest request;
    std::string vm_id;    ///< Of the point, upper case.
    std::string vm_name;  ///< Of the point.
    std::string name;     ///< That the restored VM gets.
    std::string host_name;
    std::string point_time;
    std::string backup_job;  ///< That made the point; empty for another origin.
    Layout layout;
    Target target;
    Guid marker_id;

    Json to_json() const;
    static RestorePlan from_json(const Json& json);
};

/// Names of what stands in the journal, in the order of a run.
namespace key {
inline constexpr std::string_view kPlan = "plan";
inline constexpr std::string_view kReach = "reach";            ///< The target, as it was proven.
inline constexpr std::string_view kPublishing = "publishing";  ///< The folder is about to be moved.
inline constexpr std::string_view kPlaced = "placed";
/// {"since", "warnings"}: from that time on somebody is waited for who copies the files; and what
/// the lives before that warned of.
inline constexpr std::string_view kCopyWait = "copy_wait";
inline constexpr std::string_view kCopied = "copied";
inline constexpr std::string_view kImport = "import";    ///< A step with attempts.
inline constexpr std::string_view kPlanned = "planned";  ///< {"id"}: proven to be ours.
/// By adapter, the switch that the configuration named before we changed it.
inline constexpr std::string_view kNetworks = "networks";
inline constexpr std::string_view kFixed = "fixed";  ///< What became of the network.
inline constexpr std::string_view kValidated = "validated";
inline constexpr std::string_view kRealise = "realise";    ///< A step with attempts.
inline constexpr std::string_view kRealised = "realised";  ///< {"id"}: the VM is there.
inline constexpr std::string_view kFailed = "failed";
inline constexpr std::string_view kUndone = "undone";
}  // namespace key

class RestoreRun final : public backup::HostRun {
public:
    RestoreRun(const Services& services, jobs::JobContext& job, const state::HostRecord& record,
               backup::Stoppable stoppable);

    hyperv::RestoreHost& importer() { return *importer_; }
    RestorePlan& plan() { return plan_; }
    /// Of the share that receives the files. Requires a plan.
    share::ExportArea area();

    /// Stands in the VM's notes: whose it is, for us and for people.
    std::string tag();
    /// The folder by id that proves what the host can read.
    std::filesystem::path probe_directory();

private:
    RestorePlan plan_;
    std::unique_ptr<hyperv::RestoreHost> importer_;
};

/// Repeats a change that may be made twice while its answers are lost.
template <typename Act>
auto insist(RestoreRun& run, const Act& act) -> decltype(act()) {
    constexpr int kTriesMax = 4;
    for (int number = 1;; ++number) {
        try {
            return act();
        } catch (const Error& error) {
            const bool is_lost =
                error.code() == ErrorCode::timeout || error.code() == ErrorCode::unreachable ||
                error.code() == ErrorCode::protocol || error.code() == ErrorCode::io;
            if (!is_lost || number == kTriesMax) throw;
        }
        run.sleep_for(run.pace().short_poll);
    }
}

}  // namespace entrepot::restore

// The journal of a backup run, by name of what was written down.
#pragma once

#include "appliance/backup/run_plan.h"
#include "appliance/jobs/job.h"

#include "exporter/hyperv/hyperv_host.h"

#include "base/json.h"

#include <optional>
#include <string>
#include <string_view>

namespace entrepot::backup {

class RunJournal {
public:
    explicit RunJournal(jobs::Journal& journal) : journal_(journal) {}

    std::optional<Json> find(std::string_view key) const { return journal_.find(key); }
    void put(std::string_view key, const Json& value) { journal_.put(key, value); }
    bool has(std::string_view key) const { return find(key).has_value(); }

    std::optional<hyperv::JobRef> find_job(std::string_view key) const;

private:
    jobs::Journal& journal_;
};

/// Names of what stands in the journal, in the order of a run. Attempts count from 0.
namespace key {
/// {"since", "needed"}: there was no room on the share at that time; nothing was done yet.
inline constexpr std::string_view kSpaceWait = "space_wait";
inline constexpr std::string_view kPlan = "plan";
inline constexpr std::string_view kSnapshot = "snapshot";  ///< {"id", "level", "note"}
/// {"ids"}: recovery snapshots that appeared when this run asked for one. Nothing proves which of
/// them, if any, is ours.
inline constexpr std::string_view kInDoubt = "in_doubt";
/// The export that a full is compared with, {"run_id", "goal"}: ended well. Or {"obstacle",
/// "for_attempt"}: there is none, or no more.
inline constexpr std::string_view kComparison = "comparison";
inline constexpr std::string_view kExport = "export";  ///< {"run_id", "goal"}: ended well.
inline constexpr std::string_view kTaken = "taken";    ///< {"run_id", "images"}
inline constexpr std::string_view kComparisonTaken = "comparison_taken";  ///< As kTaken.
inline constexpr std::string_view kConvert = "convert";
inline constexpr std::string_view kCompared = "compared";  ///< The report; see comparison_report.h.
inline constexpr std::string_view kPoint = "point";        ///< {"id"}
inline constexpr std::string_view kFailed = "failed";      ///< The error; clean-up has begun.
inline constexpr std::string_view kUndone = "undone";      ///< Clean-up is over.
std::string intent(std::string_view step, int attempt);
std::string job(std::string_view step, int attempt);
std::string ended(std::string_view step, int attempt);
}  // namespace key

}  // namespace entrepot::backup

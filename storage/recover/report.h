// What entrepot-recover tells: points, what was restored and what was lost, and how far it is.
#pragma once

#include "storage/recover/recovery.h"
#include "storage/recover/tolerant_disk.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/table.h"

#include <filesystem>
#include <ostream>
#include <vector>

namespace entrepot::recover {

/// {"points":[{"id","vm","time","kind","disks":[...],"problem"}]}
Json points_json(const std::vector<FoundPoint>& points);
void print_points(std::ostream& out, const std::vector<FoundPoint>& points);

struct RestoredDisk {
    const repository::PointSummary& point;
    std::uint32_t index = 0;
    std::filesystem::path target;
    const std::vector<LostRange>& lost;
};

/// {"point","disk","target","size_bytes","lost":[{"offset","length","reason"}]}
Json restored_json(const RestoredDisk& restored);
void print_restored(std::ostream& out, const RestoredDisk& restored);

/// One line that is overwritten, a few times a second.
class ProgressLine final : public Progress {
public:
    ProgressLine(Clock& clock, std::ostream& err, bool is_shown)
        : clock_(clock), err_(err), is_shown_(is_shown) {}

    void report(std::string_view phase, std::uint64_t done_bytes,
                std::uint64_t total_bytes) override;
    /// Takes the line away.
    void clear();

private:
    Clock& clock_;
    std::ostream& err_;
    bool is_shown_;
    bool is_drawn_ = false;
    SteadyTime drawn_{};
};

}  // namespace entrepot::recover

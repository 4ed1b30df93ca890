// A repository in memory that keeps the contract of storage/repository/repository.h to the letter:
// alignment, order, once per chunk, what unwritten chunks are, commit or nothing.
#pragma once

#include "storage/repository/repository.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::test {

struct StoredPoint {
    repository::PointSummary summary;
    std::map<std::uint32_t, Bytes> restore;
    std::map<std::uint32_t, Bytes> tracking;
    std::map<std::string, Bytes> files;
};

class MemoryRepository final : public repository::Repository {
public:
    explicit MemoryRepository(Clock& clock) : clock_(clock) {}

    static constexpr std::uint32_t kChunkBytes = 64 * 1024;
    std::vector<std::shared_ptr<StoredPoint>> points;
    /// Called in commit() before and after the point becomes visible.
    std::function<void(const char* moment)> on_commit = [](const char*) {};
    std::function<void()> on_write = [] {};
    std::function<void()> on_begin = [] {};
    std::function<void()> on_open = [] {};  ///< open_point() and verify().
    /// Why the clock is not to be trusted; empty: it is.
    std::string frozen;
    int busy_deletions = 0;  ///< So many are refused: the catalog is being made again.
    std::chrono::seconds minimum_age{0};
    std::uint64_t damaged_chunks = 0;
    std::vector<repository::StateCopy> state_copies;

    repository::RepositoryInfo info() override;
    std::vector<repository::PointSummary> list_points(
        const repository::PointFilter& filter) override;
    std::vector<repository::VmStamp> list_vms() override;
    repository::PointSummary find_point(std::string_view text) override;
    std::unique_ptr<repository::PointReader> open_point(const std::string& id) override;
    std::unique_ptr<repository::PointWriter> begin_point(
        const repository::PointDraft& draft) override;
    repository::TimeState time_state() override {
        return {.now = clock_.wall_now(),
                .wall = clock_.wall_now(),
                .frozen = frozen,
                .minimum_age = minimum_age};
    }
    void make_room() override {}
    repository::StateCopy put_state_copy(ByteView) override { return {}; }
    std::vector<repository::StateCopy> list_state_copies() override { return state_copies; }
    Bytes read_state_copy(const std::string&) override { return {}; }
    void confirm_clock(WallTime) override { frozen.clear(); }
    void extend_minimum_age(std::chrono::seconds age) override { minimum_age = age; }
    void delete_point(const std::string& id) override;
    void protect_point(const std::string& id, WallTime until) override;
    void hold_point(const std::string& id, const std::string& reason) override;
    void release_point(const std::string& id) override;
    std::vector<repository::PointVerdict> verify(const std::vector<std::string>& ids,
                                                 const repository::VerifyOptions& options,
                                                 const Work& work) override;
    std::vector<repository::VerificationRun> list_unfinished_verifications() override { return {}; }
    repository::GcResult collect_garbage(repository::DryRun dry_run, const Work& work) override;
    std::vector<repository::KeySlot> list_keys() override { return {}; }
    std::uint32_t add_passphrase(const Secret&) override { return 0; }
    void change_passphrase(const Secret&, const Secret&) override {}
    void revoke_key(std::uint32_t) override {}
    Secret credential_key() override { return {}; }
    std::uint64_t rebuild_catalog(const Work&) override { return points.size(); }
    std::vector<std::string> check_catalog(const Work&) override { return {}; }

    std::shared_ptr<StoredPoint> get(const std::string& id);

private:
    friend class MemoryWriter;
    Clock& clock_;
    std::uint64_t next_ = 1;
    std::uint64_t last_stamp_ = 0;
};

}  // namespace entrepot::test

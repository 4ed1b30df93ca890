// A simulated host with one VM of two disks, and an appliance beside it that can be killed.
#pragma once

#include "tests/contract/simulator.h"
#include "tests/e2e/appliance_life.h"
#include "tests/support/temporary_directory.h"

#include "base/json.h"
#include "base/random.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::test {

class KillLab {
public:
    /// The seed decides what the guest writes and which variations the host exports.
    explicit KillLab(std::uint64_t seed);

    void guest_writes();
    Told live(Task task, const std::optional<KillPoint>& kill_point = std::nullopt);
    /// From now on none of so many backups may be without a full; 0: no such rule.
    void force_fulls(std::uint32_t full_every) { place_.full_every = full_every; }
    /// An appliance that never was, and a host that knows none.
    void start_over();
    Json control(const std::vector<std::string>& words) { return simulator_.control(words); }

    /// Empty, or what is left on the host or the share that should not be.
    std::string find_dirt() const;
    /// Empty, or which disk of a list of points is not what the host exported in that run.
    std::string find_difference(const Json& points) const;
    /// How many images with a leaf the host has exported.
    std::size_t count_leaves() const;

private:
    struct GuestDisk {
        std::filesystem::path path;
        std::size_t size_bytes;
        std::size_t sector_bytes;
    };

    std::vector<GuestDisk> make_disks();
    Json configuration(std::uint64_t seed) const;
    std::vector<Json> read_exports() const;

    TemporaryDirectory directory_;
    SeededRandom random_;
    std::vector<GuestDisk> disks_;
    Simulator simulator_;
    Place place_;
};

}  // namespace entrepot::test

// What a disk may hold after a power cut: all that was synced, and of the rest whatever it likes.
#pragma once

#include "tests/support/disk/disk_image.h"
#include "tests/support/disk/disk_record.h"

#include "base/random.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace entrepot::test {

/// Walks through a record and makes crash states on the way. What POSIX promises, and no more:
/// - written data is durable after the file's sync, whatever became of its name;
/// - a name is durable after the sync of its directory, whatever became of the content;
/// - a rename is done or not done; between directories its old name may live on until that
///   directory, too, is synced;
/// - without a sync, each change may be there or not, in any combination; a write may be torn at
///   sectors of 512 bytes; a file may have grown and hold zeros or garbage where data was lost.
class CrashStates {
public:
    /// Says whether the disk lies about a sync: it reports success and does nothing. Syncs are
    /// numbered from 0.
    using SyncLie = std::function<bool(const Change& sync, std::size_t number)>;

    /// The record outlives it.
    explicit CrashStates(const DiskRecord& record, SyncLie lie = {});

    std::size_t change_count() const { return record_.changes.size(); }
    /// To the moment when the first `count` changes were asked for. Never goes back.
    void advance_to(std::size_t count);
    /// One of the states that a crash at this moment can leave; the same for the same seed.
    DiskImage crash(std::uint64_t seed) const;

private:
    struct Pending {
        const Change* change = nullptr;
        bool is_old_name_left = false;  // A rename whose new name is durable.
    };
    void sync_file(NodeNumber node);
    void sync_directory(NodeNumber directory);
    bool make_names_durable(Pending& pending, NodeNumber directory);

    const DiskRecord& record_;
    SyncLie lie_;
    DiskImage durable_;
    std::vector<Pending> pending_;
    std::size_t position_ = 0;
    std::size_t sync_count_ = 0;
};

/// Damages what is durable: a few bits, a sector of zeros or of garbage, a sector that belongs
/// elsewhere (a misdirected write), a file cut short. Returns what and where, for people. `may_rot`
/// says which files.
std::string rot(DiskImage& image, Random& random,
                const std::function<bool(const std::string& path)>& may_rot);

}  // namespace entrepot::test

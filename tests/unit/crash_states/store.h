// A repository on a simulated disk, with the real SQLite on it, and what people believe is in it.
#pragma once

#include "memory_index.h"
#include "storage/repository/repository.h"
#include "tests/support/disk/disk_record.h"
#include "tests/support/disk/simulated_disk.h"
#include "tests/support/disk/simulated_vfs.h"
#include "tests/support/jumping_clock.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::repository::test {

inline constexpr const char* kDirectory = "/volume/repository";
inline constexpr std::uint32_t kChunkBytes = 32 * 1024;
inline constexpr KeyCost kCheapKey{1, 8 * kKiB};

/// As SeededRandom, for several threads that take turns.
class SharedRandom final : public Random {
public:
    explicit SharedRandom(std::uint64_t seed) : random_(seed) {}
    void fill(MutableByteView target) override {
        const std::scoped_lock lock{mutex_};
        random_.fill(target);
    }

private:
    std::mutex mutex_;
    SeededRandom random_;
};

/// What somebody who was told so expects to find.
struct Expectation {
    struct Point {
        std::shared_ptr<const Bytes> disk;  // Shared by the expectations that hold it.
        std::string vm;
        std::string file;  ///< Content of the configuration file.
        std::string hold;
    };
    std::map<std::string, Point> points;  ///< By id.
    std::string passphrase;
    std::string state;  ///< Content of the newest copy of the state; empty: there is none.
};

/// An open repository and all that it stands on.
class Store {
public:
    /// Does not open the repository yet.
    Store(entrepot::test::DiskImage image, std::uint64_t seed, WallTime now);

    /// Makes a new repository; all of it is durable then.
    static entrepot::test::DiskImage create(const std::string& passphrase, std::uint64_t seed,
                                            WallTime now, Secret& recovery_key);

    /// As create(), on this disk. Throws what Repository::create throws.
    Created create(const std::string& passphrase);

    void open(const std::string& passphrase, std::optional<IndexEntries> index);
    void close() { repository_.reset(); }
    Repository& repository() { return *repository_; }

    std::string add_full(const Expectation::Point& point);
    /// All but its commit.
    std::unique_ptr<PointWriter> begin_full(const Expectation::Point& point);
    std::unique_ptr<PointWriter> begin_incremental(const Expectation::Point& point,
                                                   const std::string& base,
                                                   const std::vector<std::uint64_t>& chunks);
    /// The configuration file, and the commit.
    static std::string commit(PointWriter& writer, const Expectation::Point& point);
    /// `chunks` of the disk differ from the base's.
    std::string add_incremental(const Expectation::Point& point, const std::string& base,
                                const std::vector<std::uint64_t>& chunks);
    Bytes read_disk(const std::string& point);
    std::string read_file(const std::string& point);
    Work work() { return Work{progress_}; }

    entrepot::test::SimulatedDisk disk;
    entrepot::test::JumpingClock clock;
    IndexEntries index_entries;  ///< As the last close() or crash left them.
    /// Where it is set, the index is opened by it, and index_entries means nothing.
    IndexOpener open_index;
    /// Told by gc where it is; empty: nobody is.
    std::function<void(GcMoment)> on_gc;

    /// As it is now.
    IndexEntries current_index() const;

private:
    struct Listener final : GcObserver {
        explicit Listener(Store& store_) : store(store_) {}
        void at(GcMoment moment) override {
            if (store.on_gc) store.on_gc(moment);
        }
        Store& store;
    };

    SharedRandom random_;
    NullLog log_;
    NullProgress progress_;
    Listener listener_{*this};
    entrepot::test::SimulatedVfs vfs_;
    MemoryIndex* index_ = nullptr;  // Owned by the repository while it is open.
    std::unique_ptr<Repository> repository_;
};

/// Random chunks; an even seed of a chunk gives content that compresses.
Bytes make_chunk(std::uint64_t seed);

/// A point whose disk has these chunks, of make_chunk().
Expectation::Point make_point(const std::string& vm, const std::vector<std::uint64_t>& chunks);

/// What is wrong with a disk on which one of two expectations must hold; empty if nothing is.
/// Opens the repository as a daemon does at its start, and reads everything.
struct Look {
    const Expectation& before;
    const Expectation& after;
    WallTime now{};
    std::uint64_t seed = 0;
    std::optional<IndexEntries> index;
    bool goes_on = false;      ///< Also uses the repository: ingest, delete, gc, rebuild.
    bool dies_again = false;   ///< Also crashes during the recovery and looks again.
    IndexOpener open_index{};  ///< Instead of `index`.
};
std::string find_fault(const entrepot::test::DiskImage& image, const Look& look);

/// What opening it, and nothing else, changes on such a disk.
entrepot::test::DiskRecord record_recovery(const entrepot::test::DiskImage& image,
                                           const Look& look);

/// As find_fault(), for a repository that is open already.
std::string compare(Store& store, const Expectation& expected);

}  // namespace entrepot::repository::test

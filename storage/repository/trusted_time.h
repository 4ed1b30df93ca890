// The time by which deletion is decided: it never goes back, and a clock that jumps freezes all
// deletion until an administrator confirms it. Follows the architecture, "Immutability", and P18 of
// the threats.
#pragma once

#include "storage/repository/repository.h"
#include "storage/repository/repository_keys.h"

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

namespace entrepot::repository {

/// Runs with the steady clock from where the last process left it. Wall time only says how long
/// nobody ran, and whether it still tells what ours tells. Safe to share between threads.
class TrustedTime {
public:
    /// `file` holds the sealed record (FORMAT.md, "Time"). All outlive it.
    TrustedTime(const Environment& environment, const RepositoryKeys& keys,
                std::filesystem::path file);

    /// Takes up the record; without one begins at wall time, but not before `floor`, the time of
    /// the newest point. `minimum_age` is the least that counts. Must be called once, first.
    void start(WallTime floor, std::chrono::seconds minimum_age);

    /// Looks at the clock. What it finds is kept on disk.
    TimeState read();
    /// Error{conflict} while deletion is frozen.
    void require_deletion_allowed();
    /// The clock is right as it stands, says an administrator who saw it say `seen`:
    /// Error{conflict} if it says something else by now. Trusted time goes on from there, or from
    /// where it is if that is later.
    void confirm(WallTime seen);
    /// Error{conflict} for a shorter one than there is.
    void extend_minimum_age(std::chrono::seconds minimum_age);

private:
    struct Record {
        WallTime time{};
        std::chrono::milliseconds offset{0};  ///< Wall time minus ours, as confirmed.
        std::chrono::seconds minimum_age{0};
        std::string frozen;
        std::string boot;  ///< What the steady clock's reading counts from; empty: unknown.
        std::chrono::milliseconds steady{0};
    };

    std::string boot_name() const;
    std::chrono::milliseconds steady_now() const;
    WallTime now() const;
    std::optional<Record> load() const;
    void go_on_from(const Record& record);
    void observe();
    void keep();
    void keep_if_possible();
    Sealer sealer(const Salt& salt) const;

    Environment environment_;
    const RepositoryKeys& keys_;
    std::filesystem::path file_;
    std::mutex mutex_;
    Record record_;
    std::chrono::milliseconds anchor_{0};  // Of the steady clock, when record_.time was true.
    WallTime kept_{};                      // The time that lies on the disk.
};

}  // namespace entrepot::repository

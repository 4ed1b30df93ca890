// A file that only takes room, so that there is some when everything else is full: deleting needs
// to write, too. Follows the architecture, "Garbage".
#pragma once

#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"

#include <cstdint>
#include <filesystem>

namespace entrepot::repository {

/// Not for several threads.
class Reserve {
public:
    /// `file` of at most `size_bytes` bytes; 0: there is none. What is passed outlives it.
    Reserve(FileSystem& file_system, Random& random, Log& log, std::filesystem::path file,
            std::uint64_t size_bytes);

    std::uint64_t size_bytes() const;
    /// Where the file system is all but full, removes the file.
    void give_up_if_needed();
    /// Makes the file as large as it should be, or as there is room for beside `leave_bytes`. Never
    /// throws for a lack of it.
    void take_back(std::uint64_t leave_bytes);

private:
    FileSystem& file_system_;
    Random& random_;
    Log& log_;
    std::filesystem::path file_;
    std::uint64_t size_bytes_;
};

/// What stays free while the repository is in use: who deletes has something to write down
/// elsewhere on the volume, too, before and after.
inline constexpr std::uint64_t kLeftForOthersBytes = kMiB;

/// Room for as long as something is deleted.
class ReserveLoan {
public:
    explicit ReserveLoan(Reserve& reserve) : reserve_(reserve) { reserve_.give_up_if_needed(); }
    ReserveLoan(const ReserveLoan&) = delete;
    ReserveLoan& operator=(const ReserveLoan&) = delete;
    ~ReserveLoan();

private:
    Reserve& reserve_;
};

}  // namespace entrepot::repository

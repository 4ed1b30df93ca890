// What a verification has found sound so far, so that one that was cut off can go on. Follows
// FORMAT.md, "Verifications".
#pragma once

#include "storage/repository/ids.h"
#include "storage/repository/repository.h"
#include "storage/repository/repository_config.h"
#include "storage/repository/repository_keys.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace entrepot::repository {

/// Numbers of slots. Grows as needed, up to limits::kPackSlotsMax.
class SlotSet {
public:
    bool contains(std::uint32_t slot) const;
    /// Requires slot < limits::kPackSlotsMax.
    void add(std::uint32_t slot);
    void add_all(const SlotSet& others);
    std::uint64_t count() const;
    /// One bit each, the lowest first.
    const Bytes& bits() const { return bits_; }
    /// nullopt for more than there can be.
    static std::optional<SlotSet> from_bits(ByteView bits);

private:
    Bytes bits_;
};

/// A pack as it was when the slots were looked at.
struct SoundSlots {
    std::uint32_t generation = 0;
    SlotSet slots;
};

/// The files of one run: each process that works at it writes one of its own. What is lost of them
/// is looked at again; what was changed is not believed. Not for several threads.
class VerifyProgress {
public:
    /// Reads what earlier processes found. A run without a name keeps nothing.
    VerifyProgress(const Environment& environment, const RepositoryPaths& paths,
                   const RepositoryKeys& keys, VerificationRun run);
    ~VerifyProgress();
    VerifyProgress(const VerifyProgress&) = delete;
    VerifyProgress& operator=(const VerifyProgress&) = delete;

    /// What is known of a pack in this generation.
    SlotSet known(const PackId& pack, std::uint32_t generation) const;
    /// To be written down with others.
    void note(const PackId& pack, const SoundSlots& sound);
    /// Writes down what was noted. What can't be written is a warning in the log, no error: then
    /// more is looked at again.
    void flush();
    /// The run came to its end.
    void finish();

private:
    void load();
    void load_file(const std::filesystem::path& path);
    void begin_file();
    void append(ByteView record);

    Environment environment_;
    std::filesystem::path directory_;
    const RepositoryKeys& keys_;
    VerificationRun run_;
    std::unordered_map<PackId, SoundSlots, IdHash> known_;
    std::unordered_map<PackId, SoundSlots, IdHash> noted_;
    std::unique_ptr<File> file_;
    std::optional<Sealer> sealer_;
    std::uint64_t end_ = 0;
    std::uint64_t record_count_ = 0;
    bool has_failed_ = false;
};

/// Runs that did not come to their end and can be gone on with, the newest first.
std::vector<VerificationRun> list_verification_runs(const Environment& environment,
                                                    const RepositoryPaths& paths,
                                                    const RepositoryKeys& keys);
/// Removes the files of those that are too old, and whatever else can't be used.
void forget_old_verifications(const Environment& environment, const RepositoryPaths& paths,
                              const RepositoryKeys& keys);

}  // namespace entrepot::repository

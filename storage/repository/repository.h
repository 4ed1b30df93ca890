// The repository: recovery points in, recovery points out. Follows the architecture, "The
// repository".
#pragma once

#include "storage/disk/disk_source.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/rate_limit.h"
#include "base/secret.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace entrepot::repository {

class ChunkIndex;

/// Where a gc is. `marked`: it knows what is needed, nothing has changed. `condemned`: no lookup
/// finds a chunk in what it wants to remove or compact. `waiting`: backups that began before run
/// still; may come several times. `marked_again`: it knows what it may do. `removing`: a pack's row
/// says so. `compacted`: a pack's next generation is durable beside it. `switched`: and counts.
enum class GcMoment { marked, condemned, waiting, marked_again, removing, compacted, switched };

/// Told by a gc on its own thread, which holds nothing then: a test does here what others might be
/// doing.
class GcObserver {
public:
    virtual ~GcObserver() = default;
    virtual void at(GcMoment moment) = 0;
};

/// Opens the chunk index in a directory.
using IndexOpener = std::function<std::unique_ptr<ChunkIndex>(const std::filesystem::path&)>;

/// What the repository needs of the world. All outlive it.
struct Environment {
    FileSystem& file_system;
    Clock& clock;
    Random& random;
    Log& log;
    IndexOpener open_index{};  ///< Empty: RocksDB's, which keeps to the system's own files.
    GcObserver* gc_observer = nullptr;  ///< Null: nobody is told.
};

enum class PointKind { full, incremental };
enum class Consistency { unknown, application, crash };

std::string_view to_string(PointKind kind);
std::string_view to_string(Consistency consistency);

/// One image of a point's disk as the host named it: the proof that a later differential belongs
/// onto it.
struct ImageRecord {
    std::string file_name;
    Guid data_write_guid;
    bool is_leaf = false;  ///< It held the guest's auto-recovery writes on top of the base.
};

/// One disk as the caller describes it before any content is written.
struct DiskDraft {
    std::string id;  ///< VirtualDiskId in lower case, or what the caller keys disks by. Unique in
                     ///< the point.
    std::uint32_t index = 0;  ///< From 0, in the order people see.
    std::string name;         ///< For people: the file's name.
    std::string
        host_disk_id;  ///< The instance id on the host without its first component; may be empty.
    std::uint64_t size_bytes = 0;
    std::uint32_t logical_sector_size = 512;
    std::uint32_t physical_sector_size = 4096;
    std::vector<ImageRecord> images;
};

/// A disk that is not in the point, and why.
struct SkippedDisk {
    std::string name;
    std::string reason;
};

struct PointDraft {
    std::string host;   ///< Id of the host; empty for an ingest from files.
    std::string vm_id;  ///< GUID, or what --vm said.
    std::string vm_name;
    PointKind kind = PointKind::full;
    std::string reason;  ///< Why full, why incremental; kept with the point.
    Consistency consistency = Consistency::unknown;
    std::string base_point;  ///< Id of the point an incremental was built on; empty for a full.
    std::string reference_point;  ///< The host's object that this point's content corresponds to;
                                  ///< may be empty.
    Json host_facts =
        Json::object();  ///< RCT ids, snapshot id and what else the caller wants back.
    std::vector<SkippedDisk> skipped;
};

struct DiskSummary {
    DiskDraft draft;
    std::uint64_t changed_bytes =
        0;  ///< Bytes this point wrote into the disk's map, zeros included.
    std::uint64_t new_stored_bytes = 0;  ///< What it added to the packs.
    bool has_tracking_map =
        false;  ///< The map that the next differential goes onto differs from the restore map.
    std::string root;    ///< Merkle root over the chunk ids, hex.
    std::string sha256;  ///< Of the raw content, where it was asked for; else empty.
};

struct Verification {
    WallTime time{};
    std::string result;   ///< "sound" or "damaged".
    std::string depth{};  ///< To which a sound one was looked at; empty for a damaged one.
};

struct PointSummary {
    std::string id;              ///< 32 hexadecimal digits, random.
    std::uint64_t sequence = 0;  ///< The repository's own order; clocks may lie.
    WallTime time{};             ///< When it was committed, as the clock said.
    WallTime trusted_time{};     ///< The same by the repository's own time, which its age is of.
    PointDraft draft;
    std::vector<DiskSummary> disks;
    std::uint64_t logical_bytes = 0;
    std::uint64_t unique_bytes = 0;  ///< Stored bytes that it added.
    std::optional<WallTime> protected_until;
    std::string hold_reason;  ///< Empty: no hold.
    std::optional<Verification> verification;
    bool has_known_damage = false;
};

/// Which of a disk's two maps.
enum class View {
    restore,   ///< What people get back.
    tracking,  ///< What the host's change tracking counts from; equals restore where there is no
               ///< leaf.
};

/// Content of one disk of one point. Safe to read from several threads. Error{corrupt} names point,
/// disk and range where a chunk is damaged. extent_at tells data from zero at chunk granularity.
class PointDisk : public disk::DiskSource {
public:
    /// Chunk-granular: the ids differ. Both disks must be of this repository and of one size.
    virtual std::uint32_t chunk_size_bytes() const = 0;
};

class PointReader {
public:
    virtual ~PointReader() = default;
    virtual const PointSummary& summary() const = 0;
    virtual std::unique_ptr<PointDisk> open_disk(std::uint32_t index, View view) = 0;
    virtual std::vector<std::string> file_names() const = 0;
    virtual Bytes read_file(const std::string& name) = 0;
};

/// Receives the content of one disk of a point under construction. Not for several threads; work is
/// spread over the cores behind it. Chunks that are never written are the base point's for an
/// incremental, zero for a full.
class DiskSink {
public:
    virtual ~DiskSink() = default;
    /// Requires offset to be a multiple of the chunk size, and length too unless the disk ends
    /// there; each chunk at most once per view, in ascending order.
    virtual void write(std::uint64_t offset, ByteView data) = 0;
    /// As write() with zeros, for any chunk-aligned length, without their cost.
    virtual void write_zeros(std::uint64_t offset, std::uint64_t length) = 0;
    /// Waits for what is under way. Must be called once per sink.
    virtual void finish() = 0;
};

/// A point under construction: absent until commit() returned, gone if it did not. A session until
/// then, so that gc takes nothing it refers to.
class PointWriter {
public:
    virtual ~PointWriter() = default;  ///< Abandons what was not committed.
    virtual const std::string& id() const = 0;

    /// Names all disks first. `base_index` is the disk of the base point whose tracking map
    /// unwritten chunks come from; nullopt: zeros.
    virtual void add_disk(const DiskDraft& draft, std::optional<std::uint32_t> base_index) = 0;
    /// The view `tracking` first, where both are written: chunks never written to `restore` are
    /// then the tracking view's. If only `restore` is written, both views are one map.
    virtual std::unique_ptr<DiskSink> open_sink(std::uint32_t index, View view) = 0;
    virtual void set_sha256(std::uint32_t index, std::string sha256) = 0;
    /// A configuration file of the VM, at most 64 MiB.
    virtual void add_file(const std::string& name, ByteView content) = 0;

    /// Durable on return: packs, maps, manifest, then one database transaction.
    virtual PointSummary commit() = 0;
};

struct RepositoryInfo {
    std::string format;
    std::string id;
    bool is_encrypted = true;
    std::uint32_t chunk_size_bytes = 0;
    std::uint64_t points = 0;
    std::uint64_t logical_bytes =
        0;  ///< Sum over points of the disks' allocated (non-zero) bytes... of all points.
    std::uint64_t unique_bytes = 0;  ///< Plain bytes of distinct chunks that are stored.
    std::uint64_t stored_bytes = 0;  ///< What du sees.
    std::uint64_t chunks = 0;
    std::uint64_t packs = 0;
    std::uint64_t waste_bytes =
        0;  ///< Stored bytes that no point reaches, as far as the last gc knows.
    std::uint64_t key_slots = 0;
    std::uint64_t damaged_chunks = 0;  ///< Known to be damaged, and not stored anew since.
    std::uint64_t reserve_bytes = 0;   ///< Of stored_bytes: kept for deleting on a full disk.
};

/// A copy of the appliance's own database that lies in the repository.
struct StateCopy {
    std::string name;  ///< Sorts by age.
    WallTime time{};   ///< By the repository's own time.
    std::uint64_t size_bytes = 0;
};

/// The time by which deletion is decided; it never goes back, whatever the clock does.
struct TimeState {
    WallTime now{};
    WallTime wall{};  ///< What the clock says.
    std::string
        frozen;  ///< Why nothing can be deleted until somebody confirms the clock; or empty.
    std::chrono::seconds minimum_age{0};  ///< Younger points are never deleted.
};

struct Damage {
    std::uint32_t disk = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::string reason;
};

struct PointVerdict {
    std::string point;
    bool is_sound = true;
    std::vector<Damage> damage;
};

enum class VerifyDepth {
    manifests,  ///< Signatures, maps, roots; every pack is present with the right length.
    packs,      ///< And the digests of the ciphertext. Needs no key.
    data,       ///< And every chunk decoded and compared with its id.
};

/// "manifests", "packs", "data".
std::string_view to_string(VerifyDepth depth);
/// nullopt for another name.
std::optional<VerifyDepth> verify_depth_from(std::string_view name);

struct VerifyOptions {
    VerifyOptions(VerifyDepth depth_ = VerifyDepth::manifests) : depth(depth_) {}
    VerifyDepth depth;
    /// Names the run: what it finds sound is kept until it ends, so that a later call with the same
    /// name and depth goes on where this one was cut off. Empty: nothing is kept. 1 to 64 of
    /// 0-9a-z.
    std::string run{};
    /// How fast: the bytes of what is stored at depth `packs`, of content at depth `data`.
    RateLimit* limit = nullptr;
};

/// A verification that was cut off.
struct VerificationRun {
    std::string id;
    VerifyDepth depth = VerifyDepth::manifests;
    WallTime started{};
    std::vector<std::string> points{};  ///< Empty: all.
};

enum class PackFate { kept, compacted, removed };

std::string_view to_string(PackFate fate);

/// What gc would make of a pack, and why.
struct PackOutlook {
    std::string pack;
    PackFate fate = PackFate::kept;
    std::uint64_t size_bytes = 0;
    std::uint64_t live_chunks = 0;
    std::uint64_t dead_chunks = 0;
    std::uint64_t dead_bytes = 0;
    std::string reason;
};

struct GcResult {
    std::uint64_t packs_removed = 0;
    std::uint64_t packs_compacted = 0;
    std::uint64_t packs_kept = 0;
    std::uint64_t freed_bytes = 0;
    std::uint64_t live_chunks = 0;
    std::uint64_t dead_chunks = 0;
    std::uint64_t waste_bytes = 0;  ///< That stay: not enough in any one pack, or still needed.
    /// Of a dry run: packs that hold waste, the most first; at most limits::kPacksToldMax.
    std::vector<PackOutlook> packs;
    std::uint64_t packs_not_told = 0;  ///< More of them.
};

enum class DryRun { no, yes };

struct KeySlot {
    std::uint32_t number = 0;
    std::string kind;  ///< "passphrase" or "recovery".
    WallTime created{};
};

/// Cost of the passphrase derivation; kept in each slot.
struct KeyCost {
    std::uint64_t operations = 3;
    std::uint64_t memory_bytes = 64 * kMiB;
};

struct CreateOptions {
    std::optional<Secret> passphrase;  ///< nullopt: no encryption.
    std::uint32_t chunk_size_bytes = 64 * 1024;
    /// Points younger than this are never deleted; can be extended later, never reduced.
    std::chrono::seconds minimum_age{0};
    KeyCost key_cost;
};

struct Created {
    std::string repository_id;
    Secret recovery_key;  ///< Text for people, empty without encryption. Shown once, kept nowhere.
};

/// How the key is given: a passphrase or the text of the recovery key; empty for an unencrypted
/// repository.
struct OpenOptions {
    std::optional<Secret> key;
    /// The repository must have this id if it is not empty: another one mounted in its place is
    /// refused.
    std::string expected_id;
    /// What is kept free of backups so that deletion works on a full disk; 0: nothing.
    std::uint64_t reserve_bytes = 8 * kMiB;
    /// Of zstd, 1 to 19, for chunks that are new: more takes less room and more processor time.
    int compression_level = 1;
};

/// For who keeps something that he made of a VM's points: while the stamp is the same, so are they.
/// Holds until the repository is closed or its catalog rebuilt.
struct VmStamp {
    std::string vm_id;
    std::uint64_t stamp = 0;
};

struct PointFilter {
    std::string vm{};                                ///< GUID or name; empty: all.
    std::string vm_id{};                             ///< GUID, and nothing else; empty: all.
    std::optional<std::uint64_t> before_sequence{};  ///< Only earlier ones.
    std::size_t newest_max = 0;                      ///< Only so many, the newest; 0: all.
};

class Repository {
public:
    /// Makes a new repository in a directory that is absent or empty; Error{already_exists}
    /// otherwise.
    static Created create(const Environment& environment, const std::filesystem::path& directory,
                          const CreateOptions& options);

    /// Takes the repository's lock: Error{busy} if another process has it. Error{locked} if a key
    /// is needed and absent, Error{unauthenticated} if it is wrong, Error{not_found} if there is no
    /// repository (an empty directory is never taken for an empty repository). Cleans up after a
    /// crash.
    static std::unique_ptr<Repository> open(const Environment& environment,
                                            const std::filesystem::path& directory,
                                            const OpenOptions& options);
    virtual ~Repository() = default;

    virtual RepositoryInfo info() = 0;

    /// Oldest first.
    virtual std::vector<PointSummary> list_points(const PointFilter& filter) = 0;
    /// Every VM that has points, and perhaps some that had.
    virtual std::vector<VmStamp> list_vms() = 0;
    /// An id, a unique prefix of one, or VM@latest. Error{not_found}, Error{invalid} if ambiguous.
    virtual PointSummary find_point(std::string_view text) = 0;
    virtual std::unique_ptr<PointReader> open_point(const std::string& id) = 0;
    virtual std::unique_ptr<PointWriter> begin_point(const PointDraft& draft) = 0;

    virtual TimeState time_state() = 0;
    /// The clock is right, says somebody who saw it say `seen`: ends a freeze. Error{conflict} if
    /// it says something else by now.
    virtual void confirm_clock(WallTime seen) = 0;
    /// Durable on return. Error{conflict} for less than there is, Error{limit} for more than ten
    /// years.
    virtual void extend_minimum_age(std::chrono::seconds minimum_age) = 0;

    /// Where the disk is full, gives up what is kept for deleting: to be called before anything
    /// else is written down for a deletion. Taken back after it, or at the next start.
    virtual void make_room() = 0;

    /// Error{conflict} if it is protected, held, or younger than the minimum age, or while the
    /// clock is not to be trusted.
    virtual void delete_point(const std::string& id) = 0;
    /// Only ever later: Error{conflict} otherwise.
    virtual void protect_point(const std::string& id, WallTime until) = 0;
    virtual void hold_point(const std::string& id, const std::string& reason) = 0;
    virtual void release_point(const std::string& id) = 0;

    /// All points if `ids` is empty. Remembers the verdicts.
    virtual std::vector<PointVerdict> verify(const std::vector<std::string>& ids,
                                             const VerifyOptions& options, const Work& work) = 0;
    /// Those that were cut off less than limits::kVerificationAgeMax ago, the newest first.
    virtual std::vector<VerificationRun> list_unfinished_verifications() = 0;
    /// Beside everything but another gc and a rebuild. Waits for backups that began before it knew
    /// what is garbage, up to limits::kGcWaitMax; Error{busy} beyond. Error{conflict} while the
    /// clock is not to be trusted, unless it only looks. Any error leaves what it had not removed
    /// yet.
    virtual GcResult collect_garbage(DryRun dry_run, const Work& work) = 0;

    virtual std::vector<KeySlot> list_keys() = 0;
    virtual std::uint32_t add_passphrase(const Secret& passphrase) = 0;
    /// Replaces the slot that `old` opens.
    virtual void change_passphrase(const Secret& old, const Secret& fresh) = 0;
    /// Error{conflict} for the last slot.
    virtual void revoke_key(std::uint32_t slot) = 0;
    /// A key for encrypting credentials in the state database; constant for the repository's life.
    virtual Secret credential_key() = 0;

    /// Keeps a copy of the appliance's database, sealed and signed, and thins out the older ones:
    /// the last ten stay, and each day's last of two weeks. Error{limit} beyond 256 MiB.
    virtual StateCopy put_state_copy(ByteView content) = 0;
    /// Newest first.
    virtual std::vector<StateCopy> list_state_copies() = 0;
    /// Error{not_found}, Error{corrupt}.
    virtual Bytes read_state_copy(const std::string& name) = 0;

    /// Makes the database again from the objects; Error{busy} beside anything else. Returns how
    /// many points it holds now.
    virtual std::uint64_t rebuild_catalog(const Work& work) = 0;
    /// Differences between database and objects, one sentence each; empty if there are none.
    virtual std::vector<std::string> check_catalog(const Work& work) = 0;
};

}  // namespace entrepot::repository

// The database over a repository: points, packs, sessions. Follows the architecture, "Commit" and
// "Catalog and state".
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::catalog {

/// `open`: being written by a session. `live`: durable, may be referred to. `compacting`,
/// `condemned`: gc found it sparse, or dead; nothing new may refer to it, and a commit that does
/// all the same makes it live again. `deleting`: garbage whose object is being removed.
enum class PackState { open, live, compacting, condemned, deleting };

std::string_view to_string(PackState state);
/// Its object is there, and whoever refers to it may read it.
bool is_readable(PackState state);

struct PackRow {
    std::string id;
    std::uint32_t generation = 0;
    PackState state = PackState::open;
    std::uint64_t size_bytes = 0;
    std::uint64_t slot_count = 0;
    std::uint64_t plain_bytes = 0;
    std::uint64_t dead_bytes = 0;  ///< As the last gc found.
    std::string session{};         ///< That wrote it; it may have ended since.
};

/// From one row to the next of the same pack.
struct PackChange {
    PackRow before;
    PackRow after;
};

struct PointRow {
    std::string id;
    std::uint64_t sequence = 0;
    std::string vm_id;
    std::string vm_name;
    std::string body;             ///< The point as JSON, for lists.
    std::string manifest_digest;  ///< SHA-256 of the manifest object, hex.
    bool is_deleting = false;     ///< Deletion was decided; its objects may be gone.
    bool is_damaged = false;
    std::optional<std::int64_t> protected_until_ms{};
    std::string hold_reason{};
    std::optional<std::int64_t> verified_ms{};
    std::string verified_result{};
};

/// Which points.
struct PointQuery {
    std::string vm{};                       ///< Its id or name; empty: of any VM.
    std::string vm_id{};                    ///< Its id, and nothing else; empty: of any VM.
    std::optional<std::uint64_t> before{};  ///< Only those with a smaller sequence.
    std::size_t newest_max = 0;             ///< Only so many, the newest ones; 0: all.
    bool leaves_deleting_out = false;       ///< Those whose deletion was decided.
    bool only_deleting = false;
    std::string id_prefix{};  ///< Hexadecimal digits that the id begins with; empty: any.
};

/// Who reads a VM's points again only when they changed, asks for this.
struct VmStamp {
    std::string vm_id;
    std::uint64_t stamp = 0;  ///< Another one after every change of one of the VM's points.
};

struct SessionRow {
    std::string id;
    std::string kind;  ///< "ingest", "mark" (its id is the point's) or "gc".
};

struct DamagedSlot {
    std::string pack;
    std::uint32_t slot = 0;
    std::string chunk{};  ///< What it held; empty where that is not known.
};

/// A pack that a point under commit refers to.
struct PackReference {
    std::string id;
    std::uint32_t generation = 0;
};

/// Safe to share between threads: one connection does all work, one call at a time. Every call that
/// changes something is one transaction and durable on return. Errors: Error{corrupt} for a file
/// that is no sound catalog, Error{no_space}, Error{io}, Error{unsupported} for a later schema.
class Catalog {
public:
    /// Opens the database, or makes an empty one.
    static std::unique_ptr<Catalog> open(const std::filesystem::path& path);
    virtual ~Catalog() = default;

    /// A number that was never given before. Greater than `floor`.
    virtual std::uint64_t next_sequence(std::uint64_t floor) = 0;

    /// False until mark_complete(): whoever makes a catalog says when all points are in it.
    virtual bool is_complete() = 0;
    virtual void mark_complete() = 0;

    virtual void add_session(const SessionRow& session) = 0;
    /// As add_session(), where it may be there. Writes in any case: all that was committed before
    /// is durable then, even where an earlier call could not say so.
    virtual void renew_session(const SessionRow& session) = 0;
    virtual void remove_session(const std::string& id) = 0;
    virtual std::vector<SessionRow> list_sessions() = 0;

    /// Replaces a row of the same id.
    virtual void put_pack(const PackRow& pack) = 0;
    virtual std::optional<PackRow> find_pack(const std::string& id) = 0;
    virtual std::vector<PackRow> list_packs() = 0;
    virtual void remove_pack(const std::string& id) = 0;
    /// Changes rows that still have the state and the generation of `before`; returns the ids of
    /// those. Requires that a pack may go from the one state to the other.
    virtual std::vector<std::string> change_packs(const std::vector<PackChange>& changes) = 0;

    /// The only commit point: checks that every pack referred to is there in that generation and
    /// not being deleted (Error{conflict} otherwise), makes those live that are not, adds the
    /// point, ends the session. Returns the ids of packs that it made live.
    virtual std::vector<std::string> commit_point(const PointRow& point, const std::string& session,
                                                  const std::vector<PackReference>& packs) = 0;
    /// Adds a point without a session, as a rebuild does.
    virtual void add_point(const PointRow& point) = 0;
    /// Oldest first.
    virtual std::vector<PointRow> list_points(const PointQuery& query) = 0;
    std::vector<PointRow> list_points() { return list_points({}); }
    virtual std::vector<std::string> list_point_ids() = 0;
    /// Every VM that has points, and perhaps some that had; by id. Stamps hold until the catalog is
    /// closed.
    virtual std::vector<VmStamp> list_vms() = 0;
    virtual std::optional<PointRow> find_point(const std::string& id) = 0;
    virtual void mark_deleting(const std::string& id) = 0;
    virtual void remove_point(const std::string& id) = 0;
    virtual void set_protection(const std::string& id, std::optional<std::int64_t> until_ms,
                                const std::string& hold_reason) = 0;
    virtual void set_verified(const std::string& id, std::int64_t time_ms,
                              const std::string& result, bool is_damaged) = 0;

    virtual void mark_damaged(const std::string& id) = 0;

    virtual void add_damaged_slots(const std::vector<DamagedSlot>& slots) = 0;
    virtual std::vector<DamagedSlot> list_damaged_slots() = 0;
};

}  // namespace entrepot::catalog

// The repository's operations, each a few calls to the part that knows how.
#include "storage/repository/catalog_rebuild.h"
#include "storage/repository/garbage.h"
#include "storage/repository/key_slots.h"
#include "storage/repository/limits.h"
#include "storage/repository/pinned_point.h"
#include "storage/repository/point_lookup.h"
#include "storage/repository/point_marks.h"
#include "storage/repository/point_reader.h"
#include "storage/repository/point_totals.h"
#include "storage/repository/point_verifier.h"
#include "storage/repository/point_writer.h"
#include "storage/repository/repository.h"
#include "storage/repository/repository_core.h"
#include "storage/repository/state_copies.h"
#include "storage/repository/summary_cache.h"
#include "storage/repository/verify_progress.h"

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace entrepot::repository {
namespace {

constexpr std::string_view kMarkSession = "mark";
constexpr std::size_t kShortestPrefix = 4;
constexpr std::size_t kWrittenSideBySideMax = 1000;
constexpr unsigned kStampBits = 40;
// Of a few KiB each.
constexpr std::size_t kSummariesKept = 4000;

std::uint64_t allocated_bytes_below(FileSystem& file_system, const std::filesystem::path& path) {
    const auto status = file_system.find_status(path);
    if (!status) return 0;  // Removed while we were walking.
    std::uint64_t sum = status->allocated_bytes;
    if (status->type != FileType::directory) return sum;
    for (const DirectoryEntry& entry : file_system.list(path)) {
        sum += allocated_bytes_below(file_system, path / entry.name);
    }
    return sum;
}

class LocalRepository final : public Repository {
public:
    explicit LocalRepository(std::shared_ptr<RepositoryCore> core) : core_(std::move(core)) {}
    LocalRepository(const LocalRepository&) = delete;
    LocalRepository& operator=(const LocalRepository&) = delete;
    ~LocalRepository() override {
        try {
            const std::scoped_lock lock{core_->commit_mutex};
            core_->reserve->take_back(0);
        } catch (...) {
            // The next start tries again.
        }
    }

    RepositoryInfo info() override {
        RepositoryInfo info;
        info.format = "entrepot repository 1";
        info.id = core_->config.id.hex();
        info.is_encrypted = core_->config.is_encrypted;
        info.chunk_size_bytes = core_->config.chunk_size_bytes;
        count_what_the_catalog_knows(info);
        info.stored_bytes =
            allocated_bytes_below(core_->environment.file_system, core_->paths.directory);
        info.key_slots = list_keys().size();
        info.reserve_bytes = core_->reserve->size_bytes();
        return info;
    }

    std::vector<PointSummary> list_points(const PointFilter& filter) override {
        const auto turn = core_->catalog_gate.ask();
        return list_points_in_turn(filter);
    }

    PointSummary find_point(std::string_view text) override {
        const auto turn = core_->catalog_gate.ask();
        if (const auto vm = vm_of_latest(text)) {
            return latest_point(list_points_in_turn({*vm}), *vm);
        }
        const auto row = core_->catalog->find_point(std::string{text});
        if (row && !row->is_deleting) return summary_of(*row);
        return point_by_id(list_points_like(text), text);
    }

    std::vector<VmStamp> list_vms() override {
        const auto turn = core_->catalog_gate.ask();
        std::vector<VmStamp> vms;
        for (const catalog::VmStamp& vm : core_->catalog->list_vms())
            vms.push_back({vm.vm_id, (core_->catalog_number << kStampBits) + vm.stamp});
        return vms;
    }

    std::unique_ptr<PointReader> open_point(const std::string& id) override {
        return make_point_reader(core_, id);
    }

    std::unique_ptr<PointWriter> begin_point(const PointDraft& draft) override {
        return make_point_writer(core_, draft);
    }

    TimeState time_state() override { return core_->time.read(); }

    void confirm_clock(WallTime seen) override {
        const std::scoped_lock lock{core_->commit_mutex};
        core_->time.confirm(seen);
    }

    void extend_minimum_age(std::chrono::seconds minimum_age) override {
        const std::scoped_lock lock{core_->commit_mutex};
        core_->time.extend_minimum_age(minimum_age);
        // Told in both places: whichever is lost, the other one still holds.
        RepositoryConfig config = core_->config;
        config.minimum_age = minimum_age;
        write_file_atomically(core_->environment.file_system, core_->paths.config(),
                              encode_config(config));
        core_->config.minimum_age = minimum_age;
    }

    void make_room() override {
        const std::scoped_lock lock{core_->commit_mutex};
        core_->reserve->give_up_if_needed();
    }

    void delete_point(const std::string& id) override {
        const auto session = keep_rebuild_out();
        const std::scoped_lock lock{core_->commit_mutex};
        const catalog::PointRow row = require_point(*core_, id);
        core_->time.require_deletion_allowed();
        check_deletable(row);
        const ReserveLoan room{*core_->reserve};
        core_->catalog->mark_deleting(id);
        remove_point_objects(core_->store, id, Maps::keep);
        remove_mark(core_->store, id);
        core_->catalog->remove_point(id);
    }

    void protect_point(const std::string& id, WallTime until) override {
        const auto session = keep_rebuild_out();
        const std::scoped_lock lock{core_->commit_mutex};
        const catalog::PointRow row = require_point(*core_, id);
        const std::int64_t until_ms = until.time_since_epoch().count();
        if (row.protected_until_ms && *row.protected_until_ms > until_ms) {
            throw Error{
                ErrorCode::conflict,
                fmt::format(
                    "point {} is protected until {} already", id,
                    format_time(WallTime{std::chrono::milliseconds{*row.protected_until_ms}})),
                "protection can only be extended"};
        }
        set_mark(id, {until_ms, row.hold_reason});
    }

    void hold_point(const std::string& id, const std::string& reason) override {
        if (reason.empty()) throw Error{ErrorCode::usage, "a hold needs a reason"};
        const auto session = keep_rebuild_out();
        const std::scoped_lock lock{core_->commit_mutex};
        set_mark(id, {require_point(*core_, id).protected_until_ms, reason});
    }

    void release_point(const std::string& id) override {
        const auto session = keep_rebuild_out();
        const std::scoped_lock lock{core_->commit_mutex};
        const catalog::PointRow row = require_point(*core_, id);
        if (row.hold_reason.empty()) {
            throw Error{ErrorCode::conflict, fmt::format("point {} is not held", id)};
        }
        set_mark(id, {row.protected_until_ms, {}});
    }

    std::vector<PointVerdict> verify(const std::vector<std::string>& ids,
                                     const VerifyOptions& options, const Work& work) override {
        const auto session = core_->sessions.enter(SessionKind::reader);
        std::vector<catalog::PointRow> rows;
        if (ids.empty()) {
            rows = core_->catalog->list_points();
            std::erase_if(rows, [](const catalog::PointRow& row) { return row.is_deleting; });
        }
        for (const std::string& id : ids)
            rows.push_back(require_point(*core_, id));
        VerificationRun run{options.run, options.depth, core_->environment.clock.wall_now(), ids};
        return verify_points(*core_, rows, std::move(run), options.limit, work);
    }

    std::vector<VerificationRun> list_unfinished_verifications() override {
        return list_verification_runs(core_->environment, core_->paths, core_->keys);
    }

    GcResult collect_garbage(DryRun dry_run, const Work& work) override {
        if (dry_run == DryRun::yes) {
            const auto session = core_->sessions.enter(SessionKind::reader);
            return foresee_garbage(*core_, work);
        }
        core_->time.require_deletion_allowed();
        const auto session = core_->sessions.enter(SessionKind::collector);
        return repository::collect_garbage(*core_, work);
    }

    std::vector<KeySlot> list_keys() override {
        return core_->config.is_encrypted ? key_slots().list() : std::vector<KeySlot>{};
    }

    std::uint32_t add_passphrase(const Secret& passphrase) override {
        KeySlots slots = key_slots();
        const std::uint32_t number = slots.free_number();
        write_passphrase(slots, number, passphrase);
        return number;
    }

    void change_passphrase(const Secret& old, const Secret& fresh) override {
        KeySlots slots = key_slots();
        const auto unlocked = slots.unlock(old);
        if (!unlocked) {
            throw Error{ErrorCode::unauthenticated, "no key slot opens with the old passphrase"};
        }
        if (slots.describe(unlocked->slot).kind != "passphrase") {
            throw Error{ErrorCode::conflict, "the recovery key cannot be changed",
                        "add a passphrase instead"};
        }
        write_passphrase(slots, unlocked->slot, fresh);
    }

    void revoke_key(std::uint32_t slot) override {
        KeySlots slots = key_slots();
        const std::vector<KeySlot> list = slots.list();
        if (std::ranges::find(list, slot, &KeySlot::number) == list.end()) {
            throw Error{ErrorCode::not_found, fmt::format("there is no key slot {}", slot)};
        }
        if (list.size() == 1) {
            throw Error{ErrorCode::conflict, "the last key slot cannot be revoked"};
        }
        slots.remove(slot);
    }

    Secret credential_key() override { return core_->keys.credential_key(); }

    StateCopy put_state_copy(ByteView content) override {
        const std::scoped_lock lock{core_->commit_mutex};
        const TimeState time = core_->time.read();
        StateCopy copy = write_state_copy(core_->store, core_->environment.random, core_->keys,
                                          time.now, content);
        if (!time.frozen.empty()) return copy;
        for (const std::string& name :
             superfluous_copies(find_state_copies(core_->store), time.now)) {
            core_->store.remove({object::Collection::states, name});
        }
        return copy;
    }

    std::vector<StateCopy> list_state_copies() override { return find_state_copies(core_->store); }

    Bytes read_state_copy(const std::string& name) override {
        return repository::read_state_copy(core_->store, core_->keys, name);
    }

    std::uint64_t rebuild_catalog(const Work& work) override {
        const auto session = core_->sessions.enter(SessionKind::alone);
        const std::uint64_t points = remake_catalog(*core_, work);
        fill_index(*core_, work);
        return points;
    }

    std::vector<std::string> check_catalog(const Work& work) override {
        const auto session = core_->sessions.enter(SessionKind::reader);
        return compare_catalog(*core_, work);
    }

private:
    // What is written while a rebuild reads would be missing in what it makes: a protection that
    // nobody knows of, or the row of a point that is gone.
    std::unique_ptr<Sessions::Guard> keep_rebuild_out() {
        return core_->sessions.enter(SessionKind::reader);
    }

    void count_what_the_catalog_knows(RepositoryInfo& info) {
        const auto turn = core_->catalog_gate.ask();
        const PointTotals totals = counter_.count(*core_->catalog, core_->catalog_number);
        info.points = totals.points;
        info.logical_bytes = totals.logical_bytes;
        for (const catalog::PackRow& pack : core_->catalog->list_packs()) {
            if (!is_readable(pack.state)) continue;
            ++info.packs;
            info.chunks += pack.slot_count;
            info.unique_bytes += pack.plain_bytes;
            info.waste_bytes += pack.dead_bytes;
        }
        info.damaged_chunks = core_->packs->count_unhealed();
    }

    // The caller has his turn at the gate.
    std::vector<PointSummary> list_points_in_turn(const PointFilter& filter) {
        std::vector<PointSummary> points;
        // A list of all would push out what is looked at often.
        const bool is_page = filter.newest_max > 0 && filter.newest_max <= kSummariesKept / 2;
        for (const catalog::PointRow& row : core_->catalog->list_points({.vm = filter.vm,
                                            .vm_id = filter.vm_id,
                                            .before = filter.before_sequence,
                                            .newest_max = filter.newest_max,
                                            .leaves_deleting_out = true})) {
            points.push_back(is_page ? summaries_.get(row) : summary_of(row));
        }
        return points;
    }

    std::vector<PointSummary> list_points_like(std::string_view id) {
        std::vector<PointSummary> points;
        if (id.size() < kShortestPrefix) return points;
        for (const catalog::PointRow& row : core_->catalog->list_points(
                 {.leaves_deleting_out = true, .id_prefix = std::string{id}})) {
            points.push_back(summary_of(row));
        }
        return points;
    }

    void check_deletable(const catalog::PointRow& row) {
        const TimeState time = core_->time.read();
        if (!row.hold_reason.empty()) {
            throw Error{ErrorCode::conflict,
                        fmt::format("point {} is held: {}", row.id, row.hold_reason),
                        "entrepot point release ends the hold"};
        }
        if (row.protected_until_ms &&
            WallTime{std::chrono::milliseconds{*row.protected_until_ms}} > time.now) {
            throw Error{
                ErrorCode::conflict,
                fmt::format(
                    "point {} is protected until {}", row.id,
                    format_time(WallTime{std::chrono::milliseconds{*row.protected_until_ms}})),
                "until then nobody can delete it"};
        }
        const WallTime committed = summary_of(row).trusted_time;
        if (time.minimum_age.count() > 0 && time.now - committed < time.minimum_age) {
            throw Error{ErrorCode::conflict,
                        fmt::format("point {} is younger than {} seconds, the minimum age", row.id,
                                    time.minimum_age.count()),
                        fmt::format("it can be deleted after {}",
                                    format_time(committed + time.minimum_age))};
        }
    }

    // The object, then the row; the session's row makes the next start look again where only one of
    // them was written: what the catalog says, a rebuild must not say otherwise.
    void set_mark(const std::string& id, const PointMark& mark) {
        const auto sessions = core_->catalog->list_sessions();
        const bool is_there = std::ranges::find(sessions, id, &catalog::SessionRow::id) !=
                              sessions.end();  // One that failed before.
        if (!is_there) core_->catalog->add_session({id, std::string{kMarkSession}});
        write_mark(core_->store, core_->environment.random, core_->keys, id, mark);
        core_->catalog->set_protection(id, mark.protected_until_ms, mark.hold_reason);
        core_->catalog->remove_session(id);
    }

    KeySlots key_slots() {
        if (!core_->config.is_encrypted) {
            throw Error{ErrorCode::conflict, "the repository is not encrypted and has no keys"};
        }
        return {core_->environment.file_system, core_->environment.random, core_->paths.keys(),
                core_->config.id};
    }

    // New slots cost what the first passphrase cost.
    void write_passphrase(KeySlots& slots, std::uint32_t number, const Secret& passphrase) {
        if (passphrase.empty()) throw Error{ErrorCode::usage, "the passphrase is empty"};
        KeyCost cost;
        for (const KeySlot& slot : slots.list()) {
            if (slot.kind == "passphrase") cost = slots.describe(slot.number).cost;
        }
        slots.write({.number = number,
                     .kind = "passphrase",
                     .created = core_->environment.clock.wall_now(),
                     .cost = cost},
                    passphrase, core_->root_key);
    }

    std::shared_ptr<RepositoryCore> core_;  // Shared with readers and writers.
    PointCounter counter_;
    SummaryCache summaries_{kSummariesKept};
};

// Somebody died between a mark's object and its row. Where the object cannot be read, the row stays
// as it was.
void take_mark_over(RepositoryCore& core, const std::string& point) {
    try {
        const PointMark mark = read_mark(core.store, core.keys, point);
        core.catalog->set_protection(point, mark.protected_until_ms, mark.hold_reason);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::limit) throw;
        core.environment.log.error("the mark of a point is damaged",
                                   {{"point", point}, {"error", error.what()}});
    }
}

// What processes that died left, in the order in which it came to be.
void clean_up(RepositoryCore& core) {
    core.store.discard_uploads();
    remove_unfinished_catalog(core);
    for (const catalog::SessionRow& session : core.catalog->list_sessions()) {
        if (session.kind == "gc") clean_up_after_gc(core);
        if (session.kind == "ingest") {
            remove_point_objects(core.store, session.id, Maps::remove);
        }
        if (session.kind == kMarkSession) take_mark_over(core, session.id);
    }
    for (const catalog::PackRow& pack : core.catalog->list_packs()) {
        if (is_readable(pack.state)) continue;
        core.store.remove(pack_key(PackId::from_hex_text(pack.id), pack.generation));
        core.catalog->remove_pack(pack.id);
    }
    for (const catalog::PointRow& point : core.catalog->list_points({.only_deleting = true})) {
        remove_point_objects(core.store, point.id, Maps::keep);
        remove_mark(core.store, point.id);
        core.catalog->remove_point(point.id);
    }
    for (const catalog::SessionRow& session : core.catalog->list_sessions()) {
        core.catalog->remove_session(session.id);
    }
}

// Where a record of time is absent: no point is from the future. Trusted time only grows, but for
// points that were written side by side.
WallTime newest_trusted_time(RepositoryCore& core) {
    WallTime newest{};
    for (const catalog::PointRow& row :
         core.catalog->list_points({.newest_max = kWrittenSideBySideMax})) {
        newest = std::max(newest, summary_of(row).trusted_time);
    }
    return newest;
}

}  // namespace

std::unique_ptr<Repository> Repository::open(const Environment& environment,
                                             const std::filesystem::path& directory,
                                             const OpenOptions& options) {
    const RepositoryPaths paths{directory};
    require_compression_level(options.compression_level);
    RepositoryConfig config = read_config(environment.file_system, paths);
    if (!options.expected_id.empty() && options.expected_id != config.id.hex()) {
        throw Error{ErrorCode::conflict,
                    fmt::format("{} holds repository {}, not {}", directory.string(),
                                config.id.hex(), options.expected_id)};
    }
    auto lock = environment.file_system.try_lock(paths.lock());
    if (!lock) {
        throw Error{ErrorCode::busy,
                    fmt::format("another process is using repository {}", directory.string())};
    }
    // Left where a creation died after its last word.
    if (environment.file_system.exists(paths.creating())) {
        environment.file_system.remove(paths.creating());
    }
    const Secret root_key =
        unlock_root_key(environment.file_system, environment.random, paths, config, options.key);
    // A damaged or foreign directory is refused before anything is made in it.
    object::LocalStore{environment.file_system, environment.random, directory};
    auto reserve =
        std::make_unique<Reserve>(environment.file_system, environment.random, environment.log,
                                  paths.reserve(), options.reserve_bytes);
    reserve->give_up_if_needed();
    object::LocalStore::create_directories(environment.file_system, directory);
    auto core = std::make_shared<RepositoryCore>(environment, paths, std::move(lock),
                                                 std::move(config), root_key, std::move(reserve));
    core->compression_level = options.compression_level;
    NullProgress progress;
    if (!core->catalog->is_complete() || is_catalog_behind(*core)) {
        environment.log.warning("the catalog is made again from the repository",
                                {{"repository", core->config.id.hex()}});
        core->store.discard_uploads();
        remake_catalog(*core, Work{progress});
    }
    core->time.start(newest_trusted_time(*core), core->config.minimum_age);
    clean_up(*core);
    if (core->index->was_created() && !core->catalog->list_packs().empty()) {
        fill_index(*core, Work{progress});
    }
    core->reserve->take_back(kLeftForOthersBytes);
    return std::make_unique<LocalRepository>(std::move(core));
}

}  // namespace entrepot::repository

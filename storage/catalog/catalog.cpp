// SQLite through Poco::Data. One connection with a rollback journal, durable beyond
// synchronous=FULL; the SQL keeps to what PostgreSQL also does. The only place that knows
// Poco::Data.
#include "storage/catalog/catalog.h"

#include "storage/catalog/catalog_schema.h"
#include "storage/catalog/row_checksum.h"

#include "base/check.h"
#include "base/error.h"

#include <Poco/Data/RecordSet.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <Poco/Exception.h>
#include <Poco/Nullable.h>
#include <fmt/format.h>

#include <map>
#include <mutex>
#include <utility>

namespace entrepot::catalog {
namespace {

namespace data = Poco::Data;
namespace sqlite = Poco::Data::SQLite;
using namespace Poco::Data::Keywords;

PackState pack_state_from(const std::string& text) {
    for (const PackState state : {PackState::open, PackState::live, PackState::compacting,
                                  PackState::condemned, PackState::deleting}) {
        if (text == to_string(state)) return state;
    }
    throw Error{ErrorCode::corrupt, fmt::format("catalog: unknown pack state '{}'", text)};
}

bool is_retired(PackState state) {
    return state == PackState::compacting || state == PackState::condemned;
}

bool is_allowed(PackState before, PackState after) {
    if (before == PackState::live) return after == PackState::live || is_retired(after);
    return (is_retired(before) && after == PackState::live) ||
           (before == PackState::condemned && after == PackState::deleting);
}

std::int64_t to_signed(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

// Our statements are right, and our rows hold what their columns say: where SQLite says otherwise,
// the file is not what we wrote.
bool is_damage(const Poco::Exception& error) {
    return dynamic_cast<const sqlite::InvalidSQLStatementException*>(&error) != nullptr ||
           dynamic_cast<const Poco::DataException*>(&error) != nullptr ||
           dynamic_cast<const Poco::NotFoundException*>(&error) != nullptr ||
           dynamic_cast<const Poco::BadCastException*>(&error) != nullptr ||
           dynamic_cast<const Poco::LogicException*>(&error) != nullptr ||
           error.displayText().find("not a database") != std::string::npos;
}

template <typename Body>
auto translated(const std::string& what, Body&& body) {
    try {
        return body();
    } catch (const sqlite::CorruptImageException& error) {
        throw Error{ErrorCode::corrupt, fmt::format("{}: {}", what, error.displayText())};
    } catch (const sqlite::DatabaseFullException& error) {
        throw Error{ErrorCode::no_space, fmt::format("{}: {}", what, error.displayText())};
    } catch (const sqlite::DBLockedException& error) {
        throw Error{ErrorCode::busy, fmt::format("{}: {}", what, error.displayText())};
    } catch (const Poco::Exception& error) {
        throw Error{is_damage(error) ? ErrorCode::corrupt : ErrorCode::io,
                    fmt::format("{}: {}", what, error.displayText())};
    }
}

class SqliteCatalog final : public Catalog {
private:
    // First, because their return types are deduced.
    template <typename Body>
    auto read(Body&& body) {
        const std::scoped_lock lock{mutex_};
        return translated(path_, [&] { return body(*session_); });
    }

    template <typename Body>
    auto change(Body&& body) {
        const std::scoped_lock lock{mutex_};
        return translated(path_, [&] {
            session_->begin();
            try {
                if constexpr (std::is_void_v<decltype(body(*session_))>) {
                    body(*session_);
                    session_->commit();
                } else {
                    auto result = body(*session_);
                    session_->commit();
                    return result;
                }
            } catch (...) {
                roll_back();
                throw;
            }
        });
    }

    void roll_back() {
        try {
            if (session_->isTransaction()) session_->rollback();
        } catch (const Poco::Exception&) {
            // After a full disk or a failed write SQLite has rolled back by itself, and says so.
        }
    }

public:
    explicit SqliteCatalog(const std::filesystem::path& path) : path_(path.string()) {
        static std::once_flag registered;
        std::call_once(registered, [] { sqlite::Connector::registerConnector(); });
        translated(path_, [&] {
            session_ = std::make_unique<data::Session>(sqlite::Connector::KEY, path_);
            *session_ << "PRAGMA journal_mode=DELETE", now;
            // FULL would not sync the directory after the journal is removed, and that removal is
            // the commit: a power cut could bring the journal back and undo it.
            *session_ << "PRAGMA synchronous=EXTRA", now;
        });
        check_integrity();
        ensure_schema();
        list_packs();
        read_all_points();
    }

    std::uint64_t next_sequence(std::uint64_t floor) override {
        return change([&](data::Session& session) {
            std::int64_t value = 0;
            session << "SELECT COALESCE(MAX(value), 0) FROM properties WHERE name = 'sequence'",
                into(value), now;
            value = std::max(value, to_signed(floor)) + 1;
            session << "DELETE FROM properties WHERE name = 'sequence'", now;
            session << "INSERT INTO properties (name, value) VALUES ('sequence', ?)", use(value),
                now;
            return static_cast<std::uint64_t>(value);
        });
    }

    bool is_complete() override {
        return read([&](data::Session& session) {
            std::int64_t count = 0;
            session << "SELECT COUNT(*) FROM properties WHERE name = 'complete'", into(count), now;
            return count > 0;
        });
    }

    void mark_complete() override {
        change([&](data::Session& session) {
            session << "INSERT INTO properties (name, value) VALUES ('complete', 1)", now;
        });
    }

    void add_session(const SessionRow& row) override {
        change([&](data::Session& session) {
            session << "INSERT INTO sessions (id, kind) VALUES (?, ?)", bind(row.id),
                bind(row.kind), now;
        });
    }

    void renew_session(const SessionRow& row) override {
        change([&](data::Session& session) {
            // An update to what is there already would be no write.
            session << "DELETE FROM sessions WHERE id = ?", bind(row.id), now;
            session << "INSERT INTO sessions (id, kind) VALUES (?, ?)", bind(row.id),
                bind(row.kind), now;
        });
    }

    void remove_session(const std::string& id) override {
        change([&](data::Session& session) {
            session << "DELETE FROM sessions WHERE id = ?", bind(id), now;
        });
    }

    std::vector<SessionRow> list_sessions() override {
        return read([&](data::Session& session) {
            std::vector<SessionRow> rows;
            data::RecordSet records{session, "SELECT id, kind FROM sessions"};
            for (bool more = records.moveFirst(); more; more = records.moveNext()) {
                rows.push_back({text(records, 0), text(records, 1)});
            }
            return rows;
        });
    }

    void put_pack(const PackRow& row) override {
        change([&](data::Session& session) { replace_pack(session, row); });
    }

    std::optional<PackRow> find_pack(const std::string& id) override {
        return read([&](data::Session& session) { return select_pack(session, id); });
    }

    std::vector<PackRow> list_packs() override {
        return read([&](data::Session& session) {
            std::vector<PackRow> rows;
            data::RecordSet records{session, kSelectPacks};
            for (bool more = records.moveFirst(); more; more = records.moveNext()) {
                rows.push_back(pack_of(records));
            }
            return rows;
        });
    }

    void remove_pack(const std::string& id) override {
        change([&](data::Session& session) {
            session << "DELETE FROM packs WHERE id = ?", bind(id), now;
            session << "DELETE FROM damaged_slots WHERE pack = ?", bind(id), now;
        });
    }

    std::vector<std::string> change_packs(const std::vector<PackChange>& changes) override {
        return change([&](data::Session& session) {
            std::vector<std::string> changed;
            for (const auto& [before, after] : changes) {
                ENTREPOT_CHECK(before.id == after.id && is_allowed(before.state, after.state));
                const auto row = select_pack(session, before.id);
                if (!row || row->state != before.state || row->generation != before.generation) {
                    continue;
                }
                replace_pack(session, after);
                changed.push_back(after.id);
            }
            return changed;
        });
    }

    std::vector<std::string> commit_point(const PointRow& point, const std::string& session_id,
                                          const std::vector<PackReference>& packs) override {
        return change([&](data::Session& session) {
            std::vector<std::string> revived;
            for (const PackReference& pack : packs) {
                auto row = select_pack(session, pack.id);
                if (!row || row->generation != pack.generation || !is_readable(row->state)) {
                    throw Error{ErrorCode::conflict, fmt::format("pack {}.{} is no longer there",
                                                                 pack.id, pack.generation)};
                }
                if (row->state == PackState::live) continue;
                row->state = PackState::live;
                replace_pack(session, *row);
                revived.push_back(pack.id);
            }
            insert_point(session, point);
            session << "DELETE FROM sessions WHERE id = ?", bind(session_id), now;
            return revived;
        });
    }

    void add_point(const PointRow& point) override {
        change([&](data::Session& session) { insert_point(session, point); });
    }

    std::vector<PointRow> list_points(const PointQuery& query) override {
        return read([&](data::Session& session) {
            data::Statement select{session};
            std::string text = std::string{kSelectPoints} + " WHERE 1 = 1";
            if (query.leaves_deleting_out) text += " AND is_deleting = 0";
            if (query.only_deleting) text += " AND is_deleting <> 0";
            if (!query.id_prefix.empty()) text += " AND id >= ? AND id < ?";
            if (!query.vm.empty()) text += " AND (vm_id = ? OR vm_name = ?)";
            if (!query.vm_id.empty()) text += " AND vm_id = ?";
            if (query.before) text += " AND sequence < ?";
            text += " ORDER BY sequence DESC";
            if (query.newest_max > 0) text += fmt::format(" LIMIT {}", query.newest_max);
            select << text;
            const std::string end_of_prefix = query.id_prefix + "~";
            if (!query.id_prefix.empty()) select, bind(query.id_prefix), bind(end_of_prefix);
            if (!query.vm.empty()) select, bind(query.vm), bind(query.vm);
            if (!query.vm_id.empty()) select, bind(query.vm_id);
            if (query.before) select, bind(to_signed(*query.before));
            select.execute();
            std::vector<PointRow> rows;
            data::RecordSet records{select};
            for (bool more = records.moveFirst(); more; more = records.moveNext()) {
                rows.push_back(point_of(records));
            }
            std::reverse(rows.begin(), rows.end());
            return rows;
        });
    }

    std::vector<std::string> list_point_ids() override {
        return read([](data::Session& session) {
            std::vector<std::string> ids;
            session << "SELECT id FROM points", into(ids), now;
            return ids;
        });
    }

    std::vector<VmStamp> list_vms() override {
        return read([this](data::Session& session) {
            if (!are_stamps_complete_) {
                std::vector<std::string> ids;
                session << "SELECT DISTINCT vm_id FROM points", into(ids), now;
                for (const std::string& id : ids)
                    stamps_.emplace(id, 0);
                are_stamps_complete_ = true;
            }
            std::vector<VmStamp> vms;
            for (const auto& [id, stamp] : stamps_)
                vms.push_back({id, stamp});
            return vms;
        });
    }

    std::optional<PointRow> find_point(const std::string& id) override {
        return read([&](data::Session& session) {
            data::Statement select{session};
            select << kSelectPoints << " WHERE id = ?", bind(id), now;
            data::RecordSet records{select};
            return records.moveFirst() ? std::optional{point_of(records)} : std::nullopt;
        });
    }

    void mark_deleting(const std::string& id) override {
        update_point(id, [](PointRow& row) { row.is_deleting = true; });
    }

    void remove_point(const std::string& id) override {
        change([&](data::Session& session) {
            std::vector<std::string> vms;
            session << "SELECT vm_id FROM points WHERE id = ?", into(vms), bind(id), now;
            session << "DELETE FROM points WHERE id = ?", bind(id), now;
            for (const std::string& vm : vms)
                stamp(vm);
        });
    }

    void set_protection(const std::string& id, std::optional<std::int64_t> until_ms,
                        const std::string& hold_reason) override {
        update_point(id, [&](PointRow& row) {
            row.protected_until_ms = until_ms;
            row.hold_reason = hold_reason;
        });
    }

    void set_verified(const std::string& id, std::int64_t time_ms, const std::string& result,
                      bool is_damaged) override {
        update_point(id, [&](PointRow& row) {
            row.verified_ms = time_ms;
            row.verified_result = result;
            row.is_damaged = is_damaged;
        });
    }

    void mark_damaged(const std::string& id) override {
        update_point(id, [](PointRow& row) { row.is_damaged = true; });
    }

    void add_damaged_slots(const std::vector<DamagedSlot>& slots) override {
        change([&](data::Session& session) {
            for (const DamagedSlot& damaged : slots) {
                session << "DELETE FROM damaged_slots WHERE pack = ? AND slot = ?",
                    bind(damaged.pack), bind(to_signed(damaged.slot)), now;
                session << "INSERT INTO damaged_slots (pack, slot, chunk) VALUES (?, ?, ?)",
                    bind(damaged.pack), bind(to_signed(damaged.slot)), bind(damaged.chunk), now;
            }
        });
    }

    std::vector<DamagedSlot> list_damaged_slots() override {
        return read([&](data::Session& session) {
            std::vector<DamagedSlot> rows;
            data::RecordSet records{session, "SELECT pack, slot, chunk FROM damaged_slots"};
            for (bool more = records.moveFirst(); more; more = records.moveNext()) {
                rows.push_back({text(records, 0), static_cast<std::uint32_t>(number(records, 1)),
                                text(records, 2)});
            }
            return rows;
        });
    }

private:
    static constexpr std::size_t kRowsAtOnce = 500;
    static constexpr const char* kSelectPacks =
        "SELECT id, generation, state, size_bytes, slot_count, plain_bytes, dead_bytes, session, "
        "checksum FROM packs";
    static constexpr const char* kSelectPoints =
        "SELECT id, sequence, vm_id, vm_name, body, manifest_digest, is_deleting, is_damaged, "
        "protected_until_ms, hold_reason, verified_ms, verified_result, checksum FROM points";

    static Poco::Nullable<std::int64_t> nullable(const std::optional<std::int64_t>& value) {
        return value ? Poco::Nullable<std::int64_t>{*value} : Poco::Nullable<std::int64_t>{};
    }

    static std::string text(data::RecordSet& records, std::size_t column) {
        return records.value(column).convert<std::string>();
    }

    static std::uint64_t number(data::RecordSet& records, std::size_t column) {
        return static_cast<std::uint64_t>(records.value(column).convert<std::int64_t>());
    }

    static std::optional<std::int64_t> optional_number(data::RecordSet& records,
                                                       std::size_t column) {
        const Poco::Dynamic::Var value = records.value(column);
        return value.isEmpty() ? std::nullopt : std::optional{value.convert<std::int64_t>()};
    }

    enum class Checksums { checked, not_there_yet };

    template <typename Row>
    static Row checked(Row row, const char* noun, std::uint64_t checksum, Checksums checksums) {
        if (checksums == Checksums::checked && to_signed(checksum) != checksum_of(row)) {
            throw Error{ErrorCode::corrupt,
                        fmt::format("catalog: the row of {} {} is damaged", noun, row.id)};
        }
        return row;
    }

    static PackRow pack_of(data::RecordSet& records, Checksums checksums = Checksums::checked) {
        PackRow row{.id = text(records, 0),
                    .generation = static_cast<std::uint32_t>(number(records, 1)),
                    .state = pack_state_from(text(records, 2)),
                    .size_bytes = number(records, 3),
                    .slot_count = number(records, 4),
                    .plain_bytes = number(records, 5),
                    .dead_bytes = number(records, 6),
                    .session = text(records, 7)};
        return checked(std::move(row), "pack", number(records, 8), checksums);
    }

    static PointRow point_of(data::RecordSet& records, Checksums checksums = Checksums::checked) {
        PointRow row{.id = text(records, 0),
                     .sequence = number(records, 1),
                     .vm_id = text(records, 2),
                     .vm_name = text(records, 3),
                     .body = text(records, 4),
                     .manifest_digest = text(records, 5),
                     .is_deleting = number(records, 6) != 0,
                     .is_damaged = number(records, 7) != 0,
                     .protected_until_ms = optional_number(records, 8),
                     .hold_reason = text(records, 9),
                     .verified_ms = optional_number(records, 10),
                     .verified_result = text(records, 11)};
        return checked(std::move(row), "point", number(records, 12), checksums);
    }

    static std::optional<PackRow> select_pack(data::Session& session, const std::string& id) {
        data::Statement select{session};
        select << kSelectPacks << " WHERE id = ?", bind(id), now;
        data::RecordSet records{select};
        return records.moveFirst() ? std::optional{pack_of(records)} : std::nullopt;
    }

    static void replace_pack(data::Session& session, const PackRow& row) {
        session << "DELETE FROM packs WHERE id = ?", bind(row.id), now;
        session << "INSERT INTO packs (id, generation, state, size_bytes, slot_count, "
                   "plain_bytes, dead_bytes, session, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            bind(row.id), bind(to_signed(row.generation)), bind(std::string{to_string(row.state)}),
            bind(to_signed(row.size_bytes)), bind(to_signed(row.slot_count)),
            bind(to_signed(row.plain_bytes)), bind(to_signed(row.dead_bytes)), bind(row.session),
            bind(checksum_of(row)), now;
    }

    void insert_point(data::Session& session, const PointRow& row) {
        stamp(row.vm_id);
        session << "INSERT INTO points (id, sequence, vm_id, vm_name, body, manifest_digest, "
                   "is_deleting, is_damaged, protected_until_ms, hold_reason, verified_ms, "
                   "verified_result, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            bind(row.id), bind(to_signed(row.sequence)), bind(row.vm_id), bind(row.vm_name),
            bind(row.body), bind(row.manifest_digest), bind(std::int64_t{row.is_deleting}),
            bind(std::int64_t{row.is_damaged}), bind(nullable(row.protected_until_ms)),
            bind(row.hold_reason), bind(nullable(row.verified_ms)), bind(row.verified_result),
            bind(checksum_of(row)), now;
    }

    template <typename Edit>
    void update_point(const std::string& id, Edit&& edit) {
        change([&](data::Session& session) {
            data::Statement select{session};
            select << kSelectPoints << " WHERE id = ?", bind(id), now;
            data::RecordSet records{select};
            if (!records.moveFirst()) return;
            PointRow row = point_of(records);
            edit(row);
            session << "DELETE FROM points WHERE id = ?", bind(id), now;
            insert_point(session, row);
        });
    }

    // A catalog from before there were checksums.
    void add_checksums(data::Session& session) {
        std::vector<PackRow> packs;
        data::RecordSet pack_records{session, kSelectPacks};
        for (bool more = pack_records.moveFirst(); more; more = pack_records.moveNext()) {
            packs.push_back(pack_of(pack_records, Checksums::not_there_yet));
        }
        for (const PackRow& row : packs)
            replace_pack(session, row);
        std::vector<PointRow> points;
        data::RecordSet point_records{session, kSelectPoints};
        for (bool more = point_records.moveFirst(); more; more = point_records.moveNext()) {
            points.push_back(point_of(point_records, Checksums::not_there_yet));
        }
        for (const PointRow& row : points) {
            session << "DELETE FROM points WHERE id = ?", bind(row.id), now;
            insert_point(session, row);
        }
    }

    /// A damaged row throws. In parts: all rows at once would be a gigabyte.
    void read_all_points() {
        PointQuery query{.newest_max = kRowsAtOnce};
        for (;;) {
            const std::vector<PointRow> rows = list_points(query);
            if (rows.size() < kRowsAtOnce) return;
            query.before = rows.front().sequence;
        }
    }

    /// Also before the change is certain: then somebody reads a VM's points once more.
    void stamp(const std::string& vm_id) { stamps_[vm_id] = ++last_stamp_; }

    void check_integrity() {
        std::string verdict;
        translated(path_, [&] { *session_ << "PRAGMA integrity_check(1)", into(verdict), now; });
        if (verdict != "ok") {
            throw Error{ErrorCode::corrupt, fmt::format("catalog {}: {}", path_, verdict)};
        }
    }

    void ensure_schema() {
        change([&](data::Session& session) {
            for (const char* statement : kSchema)
                session << statement, now;
            std::int64_t version = 0;
            session << "SELECT COALESCE(MAX(value), 0) FROM properties WHERE name = 'schema'",
                into(version), now;
            if (version > kSchemaVersion) {
                throw Error{ErrorCode::unsupported,
                            fmt::format("catalog {} has schema {}, this program knows {}", path_,
                                        version, kSchemaVersion)};
            }
            if (version == kSchemaVersion) return;
            for (std::int64_t from = std::max<std::int64_t>(version, 1); from < kSchemaVersion;
                 ++from) {
                const std::string migration = kMigrations[from - 1];
                if (!migration.empty()) session << migration, now;
            }
            if (version < kFirstSchemaWithChecksums) add_checksums(session);
            session << "DELETE FROM properties WHERE name = 'schema'", now;
            session << "INSERT INTO properties (name, value) VALUES ('schema', ?)",
                bind(kSchemaVersion), now;
        });
    }

    std::string path_;
    std::mutex mutex_;
    std::unique_ptr<data::Session> session_;
    std::map<std::string, std::uint64_t> stamps_;
    std::uint64_t last_stamp_ = 0;
    bool are_stamps_complete_ = false;
};

}  // namespace

std::unique_ptr<Catalog> Catalog::open(const std::filesystem::path& path) {
    return std::make_unique<SqliteCatalog>(path);
}

}  // namespace entrepot::catalog

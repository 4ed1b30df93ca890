// Opens, upgrades and guards the state database. The only place that knows Poco's and SQLite's
// exceptions.
#include "appliance/state/database.h"

#include "appliance/state/statement.h"

#include "base/error.h"
#include "base/file_system.h"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/Session.h>
#include <Poco/Exception.h>
#include <fmt/format.h>

#include <string>
#include <vector>

namespace entrepot::state {
namespace {

namespace fs = std::filesystem;
namespace sqlite = Poco::Data::SQLite;

// Another process that holds the file keeps it for its life: waiting would not help.
constexpr const char* kBusyTimeout = "PRAGMA busy_timeout = 0";

ErrorCode code_of(const Poco::Exception& error) {
    if (dynamic_cast<const sqlite::DBLockedException*>(&error) != nullptr ||
        dynamic_cast<const sqlite::TableLockedException*>(&error) != nullptr) {
        return ErrorCode::busy;
    }
    if (dynamic_cast<const sqlite::DatabaseFullException*>(&error) != nullptr) {
        return ErrorCode::no_space;
    }
    if (dynamic_cast<const sqlite::CorruptImageException*>(&error) != nullptr) {
        return ErrorCode::corrupt;
    }
    if (dynamic_cast<const sqlite::ReadOnlyException*>(&error) != nullptr ||
        dynamic_cast<const sqlite::DBAccessDeniedException*>(&error) != nullptr) {
        return ErrorCode::permission_denied;
    }
    if (dynamic_cast<const sqlite::IOErrorException*>(&error) != nullptr ||
        dynamic_cast<const sqlite::CantOpenDBFileException*>(&error) != nullptr) {
        return ErrorCode::io;
    }
    // Poco has no class for SQLITE_NOTADB.
    if (error.displayText().find("not a database") != std::string::npos) return ErrorCode::corrupt;
    return ErrorCode::internal;
}

[[noreturn]] void throw_translated(const fs::path& file, const Poco::Exception& error) {
    const ErrorCode code = code_of(error);
    Error translated{code,
                     fmt::format("state database {}: {}", file.string(), error.displayText())};
    if (code == ErrorCode::busy) translated.set_hint("another entrepot process is running");
    if (code == ErrorCode::corrupt) {
        translated.set_hint("put it aside and bring back the last daily copy from the repository");
    }
    throw translated;
}

std::unique_ptr<Poco::Data::Session> connect(const fs::path& file, const char* journal_mode) {
    sqlite::Connector::registerConnector();
    auto session = std::make_unique<Poco::Data::Session>(sqlite::Connector::KEY, file.string());
    execute(*session, kBusyTimeout);
    // One connection, for good: no other can open the file beside us, and none makes a checkpoint.
    query(*session, "PRAGMA locking_mode = EXCLUSIVE");
    query(*session, journal_mode);
    execute(*session, "PRAGMA synchronous = FULL");
    execute(*session, "PRAGMA foreign_keys = ON");
    return session;
}

std::int64_t read_version(Poco::Data::Session& session) {
    const Rows tables =
        query(session, "SELECT name FROM sqlite_master WHERE name = 'schema_version'");
    if (tables.empty()) return 0;
    const Rows rows = query(session, "SELECT version FROM schema_version");
    if (rows.size() != 1) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("the state database has {} schema versions", rows.size())};
    }
    return rows.number(0, 0);
}

void run_migration(Poco::Data::Session& session, const Migration& migration) {
    session.begin();
    try {
        if (migration.version == 1) {
            execute(session, "CREATE TABLE schema_version (version BIGINT NOT NULL)");
            execute(session, "INSERT INTO schema_version (version) VALUES (0)");
        }
        for (const char* statement : migration.statements) {
            execute(session, statement);
        }
        execute(session, "UPDATE schema_version SET version = ?", {migration.version});
        session.commit();
    } catch (...) {
        session.rollback();
        throw;
    }
}

void copy_database(Poco::Data::Session& session, const fs::path& target) {
    execute(session, "VACUUM INTO ?", {target.string()});
}

void migrate(Poco::Data::Session& session, const fs::path& file,
             std::span<const Migration> migrations) {
    const std::int64_t found = read_version(session);
    const std::int64_t wanted = migrations.back().version;
    if (found > wanted) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("state database {} has schema {}, this version knows up to {}",
                                file.string(), found, wanted),
                    "it was opened by a newer version of Entrepot: install that one again"};
    }
    if (found == wanted) return;
    if (found > 0) {
        const fs::path copy = file.string() + fmt::format(".before-{}", wanted);
        PosixFileSystem files;
        files.remove(copy);  // Of an upgrade that was interrupted.
        copy_database(session, copy);
    }
    for (const Migration& migration : migrations) {
        if (migration.version > found) run_migration(session, migration);
    }
}

void check_content(Poco::Data::Session& session, const fs::path& file) {
    const Rows rows = query(session, "PRAGMA quick_check(1)");
    if (rows.size() == 1 && rows.text(0, 0) == "ok") return;
    throw Error{ErrorCode::corrupt,
                fmt::format("state database {} is damaged: {}", file.string(),
                            rows.empty() ? std::string{"no answer"} : rows.text(0, 0)),
                "put it aside and bring back the last daily copy from the repository"};
}

// A new database appears under its name only when its schema is whole, so a file without one is
// damage and never taken for a first start.
void create_database(PosixFileSystem& files, const fs::path& file,
                     std::span<const Migration> migrations) {
    const fs::path temporary = file.string() + ".new";
    files.remove(temporary);
    files.remove(temporary.string() + "-journal");
    files.create(temporary);  // With mode 0600, which SQLite would not choose.
    {
        const auto session = connect(temporary, "PRAGMA journal_mode = DELETE");
        migrate(*session, temporary, migrations);
    }
    files.rename(temporary, file);
    files.sync_directory(file.parent_path().empty() ? "." : file.parent_path());
}

}  // namespace

std::unique_ptr<Database> Database::open(const fs::path& file,
                                         std::span<const Migration> migrations) {
    try {
        PosixFileSystem files;
        if (!files.exists(file)) create_database(files, file, migrations);
        if (files.find_status(file)->size_bytes == 0) {
            throw Error{ErrorCode::corrupt,
                        fmt::format("state database {} is empty", file.string()),
                        "bring back the last daily copy from the repository"};
        }
        auto session = connect(file, "PRAGMA journal_mode = WAL");
        check_content(*session, file);
        migrate(*session, file, migrations);
        return std::unique_ptr<Database>{new Database{file, std::move(session)}};
    } catch (const Poco::Exception& error) {
        throw_translated(file, error);
    }
}

Database::Database(fs::path file, std::unique_ptr<Poco::Data::Session> session)
    : file_(std::move(file)), session_(std::move(session)) {}

Database::~Database() = default;

void Database::transact(const Body& body) {
    const std::scoped_lock lock{mutex_};
    try {
        session_->begin();
        try {
            body(*session_);
            session_->commit();
        } catch (...) {
            try {
                session_->rollback();
            } catch (const Poco::Exception&) {  // SQLite rolls back by itself where it must.
            }
            throw;
        }
    } catch (const Poco::Exception& error) {
        throw_translated(file_, error);
    }
}

std::int64_t Database::change_count() {
    std::int64_t count = 0;
    transact([&](Poco::Data::Session& session) {
        count = query(session, "SELECT total_changes()").computed_number(0, 0);
    });
    return count;
}

void Database::copy_to(const fs::path& target) {
    const std::scoped_lock lock{mutex_};
    PosixFileSystem files;
    if (files.exists(target)) {
        throw Error{ErrorCode::already_exists, fmt::format("{} is there already", target.string())};
    }
    try {
        files.create(target);
        copy_database(*session_, target);
    } catch (const Poco::Exception& error) {
        throw_translated(target, error);
    }
}

}  // namespace entrepot::state

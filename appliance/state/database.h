// The state database: one SQLite file, one connection that does all reads, writes and checkpoints.
// Follows the architecture, "Catalog and state": Debian's SQLite must never see two writers.
#pragma once

#include "appliance/state/migrations.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

namespace Poco::Data {
class Session;
}

namespace entrepot::state {

/// Safe to share between threads: each transaction holds the one connection for itself.
class Database {
public:
    /// Creates the file if it is absent, brings an older schema up to date (a copy of the former
    /// file is kept as FILE.before-N). Error{unsupported} for a newer schema, Error{corrupt} for a
    /// damaged file or an empty one, Error{busy} if another process has it open.
    static std::unique_ptr<Database> open(
        const std::filesystem::path& file,
        std::span<const Migration> migrations = state_migrations());
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    using Body = std::function<void(Poco::Data::Session&)>;
    /// Runs the body in one transaction that is durable on return; nothing of it remains if it
    /// throws. Must not be nested.
    void transact(const Body& body);

    /// Another number after every change of a row, whoever made it, and even if it was rolled back.
    std::int64_t change_count();

    /// Writes a consistent copy, for the daily copy into the repository. The target must be absent.
    void copy_to(const std::filesystem::path& target);

    const std::filesystem::path& file() const { return file_; }

private:
    Database(std::filesystem::path file, std::unique_ptr<Poco::Data::Session> session);

    std::filesystem::path file_;
    std::mutex mutex_;
    std::unique_ptr<Poco::Data::Session> session_;
};

}  // namespace entrepot::state

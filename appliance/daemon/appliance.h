// The appliance put together: configuration, lock, databases, repository, jobs, policies, routes.
// The daemon serves it; a command without a daemon uses it in its own process.
#pragma once

#include "appliance/api/router.h"
#include "appliance/api/services.h"
#include "appliance/config/config.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace entrepot::daemon {

/// What it needs of the world. All outlive it.
struct World {
    Clock& clock;
    Random& random;
    FileSystem& file_system;
    Log& log;
};

/// The repository's key, asked for only if it is encrypted; nullopt if nobody can give it.
using KeyReader = std::function<std::optional<Secret>()>;

/// The daemon's local socket.
std::filesystem::path socket_path(const config::Config& config);

/// The data directory's lock; Error{busy} if another process holds it.
std::unique_ptr<FileLock> lock_data_directory(FileSystem& file_system,
                                              const config::Config& config);

/// Makes the data directory with a new repository and databases. No passphrase: no encryption.
/// Error{already_exists}, Error{busy}.
repository::Created create_appliance(const World& world, const config::Config& config,
                                     const std::optional<Secret>& passphrase);

/// Safe to use from several threads once it stands.
class Appliance {
public:
    /// Takes the lock and opens the state database. Error{busy}, Error{not_found} before `init`.
    Appliance(const World& world, const config::Config& config, KeyReader read_key);
    Appliance(const Appliance&) = delete;
    Appliance& operator=(const Appliance&) = delete;
    ~Appliance();  ///< As shutdown().

    /// Opens the repository if it is not open yet. Errors as Repository::open.
    repository::Repository& open_repository();
    /// Opens the repository, takes up what an earlier process left, and runs jobs from now on.
    /// Nothing happens the second time.
    void start_jobs();
    /// Runs policies by their calendar.
    void start_policies();
    /// Ends jobs and policies; what can be resumed is taken up by the next start.
    void shutdown();

    const api::Router& router() const;
    api::SessionStore& sessions();

private:
    class Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace entrepot::daemon

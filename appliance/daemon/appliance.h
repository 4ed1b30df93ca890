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
#include <string>
#include <string_view>

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

/// The setting that says which repository the appliance is of.
inline constexpr std::string_view kRepositoryIdSetting = "repository_id";

/// Asks for the key only where one is needed: the options have none. Errors as Repository::open;
/// Error{locked} where nobody can give the key.
std::unique_ptr<repository::Repository> open_repository_with_key(
    const World& world, const std::filesystem::path& directory, repository::OpenOptions options,
    const KeyReader& read_key);

/// The daemon's local socket.
std::filesystem::path socket_path(const config::Config& config);

/// The data directory's lock; Error{busy} if another process holds it.
std::unique_ptr<FileLock> lock_data_directory(FileSystem& file_system,
                                              const config::Config& config);

/// Makes the data directory with a new repository and databases. No passphrase: no encryption.
/// Error{already_exists}, Error{busy}.
repository::Created create_appliance(const World& world, const config::Config& config,
                                     const repository::CreateOptions& options);

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
    /// Serves the shares that are ours, and clears away what dead runs left on any, in threads of
    /// its own. After start_jobs().
    void start_shares();
    /// Ends jobs and policies; what can be resumed is taken up by the next start.
    void shutdown();

    const api::Router& router() const;
    access::Access& access();

private:
    class Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace entrepot::daemon

// What is fixed when a repository is made, where its parts lie, and what opens it.
#pragma once

#include "storage/repository/ids.h"

#include "base/file_system.h"
#include "base/random.h"
#include "base/secret.h"

#include <chrono>
#include <filesystem>
#include <optional>

namespace entrepot::repository {

/// repository.json: what is fixed when a repository is made.
struct RepositoryConfig {
    RepositoryId id;
    bool is_encrypted = true;
    std::uint32_t chunk_size_bytes = 0;
    std::chrono::seconds minimum_age{0};
    Secret root_key;  ///< Only without encryption, where everybody may read it.
};

/// Where things lie below a repository's directory.
struct RepositoryPaths {
    std::filesystem::path directory;
    std::filesystem::path config() const { return directory / "repository.json"; }
    /// There from the first moment of a creation until its end.
    std::filesystem::path creating() const { return directory / "creating"; }
    std::filesystem::path lock() const { return directory / "lock"; }
    std::filesystem::path keys() const { return directory / "keys"; }
    std::filesystem::path index() const { return directory / "index"; }
    std::filesystem::path reserve() const { return directory / "reserve"; }
    std::filesystem::path time() const { return directory / "time"; }
    std::filesystem::path catalog() const { return directory / "catalog.sqlite"; }
};

Bytes encode_config(const RepositoryConfig& config);
/// Throws Error{not_found}, Error{corrupt}, Error{unsupported}.
RepositoryConfig read_config(FileSystem& file_system, const RepositoryPaths& paths);

/// The root key, by a passphrase or the recovery key. Throws Error{locked} if a key is needed and
/// absent, Error{unauthenticated} if it opens no slot.
Secret unlock_root_key(FileSystem& file_system, Random& random, const RepositoryPaths& paths,
                       const RepositoryConfig& config, const std::optional<Secret>& key);

}  // namespace entrepot::repository

// A new repository: nothing, or all of it.
#include "storage/repository/repository.h"

#include "storage/catalog/catalog.h"
#include "storage/object/local_store.h"
#include "storage/repository/crypto.h"
#include "storage/repository/key_slots.h"
#include "storage/repository/limits.h"
#include "storage/repository/repository_config.h"

#include "base/atomic_file.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

namespace entrepot::repository {
namespace {

void check_options(const CreateOptions& options) {
    const bool is_chunk_size_good = options.chunk_size_bytes >= limits::kChunkSizeBytesMin &&
                                    options.chunk_size_bytes <= limits::kChunkSizeBytesMax &&
                                    std::has_single_bit(options.chunk_size_bytes);
    if (!is_chunk_size_good) {
        throw Error{ErrorCode::usage,
                    fmt::format("chunks of {} bytes are not offered", options.chunk_size_bytes)};
    }
    if (options.passphrase && options.passphrase->empty()) {
        throw Error{ErrorCode::usage, "the passphrase is empty"};
    }
    if (options.minimum_age.count() < 0 || options.minimum_age > limits::kMinimumAgeMax) {
        throw Error{ErrorCode::usage,
                    fmt::format("a minimum age of {} seconds is not between 0 and {}",
                                options.minimum_age.count(), limits::kMinimumAgeMax.count())};
    }
}

// As it is, its journal, and the name that it has until it is whole.
bool is_file_of(const std::filesystem::path& path, const std::string& name) {
    const std::string own = path.filename().string();
    return name.starts_with(own) || name.starts_with("." + own);
}

bool is_made_by_creation(const RepositoryPaths& paths, const std::string& name) {
    return name == paths.keys().filename() || name == paths.lock().filename() ||
           is_file_of(paths.creating(), name) || is_file_of(paths.catalog(), name) ||
           is_file_of(paths.config(), name) || object::LocalStore::is_directory_name(name);
}

// Empty, or what a creation left that died.
void check_new_directory(FileSystem& file_system, const RepositoryPaths& paths) {
    const auto refuse = [&](const char* hint) {
        throw Error{ErrorCode::already_exists,
                    fmt::format("{} is there already and is not empty", paths.directory.string()),
                    hint};
    };
    const auto status = file_system.find_status(paths.directory);
    if (!status) return;
    if (status->type != FileType::directory) refuse("choose another");
    if (file_system.exists(paths.config())) {
        refuse("it holds a repository; entrepot init --from-repository takes it over");
    }
    const auto entries = file_system.list(paths.directory);
    const bool was_begun = std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
        return is_file_of(paths.creating(), entry.name);
    });
    for (const DirectoryEntry& entry : entries) {
        if (entry.name == paths.lock().filename()) continue;
        if (!was_begun || !is_made_by_creation(paths, entry.name)) refuse("choose another");
    }
}

// A creation that died has acknowledged nothing: what it left goes, and nothing else does.
std::unique_ptr<FileLock> begin_creation(FileSystem& file_system, const RepositoryPaths& paths) {
    check_new_directory(file_system, paths);
    file_system.make_directories(paths.directory);
    auto lock = file_system.try_lock(paths.lock());
    if (!lock) {
        throw Error{ErrorCode::busy, fmt::format("another process makes a repository in {}",
                                                 paths.directory.string())};
    }
    check_new_directory(file_system, paths);  // Somebody else may have made one meanwhile.
    if (!file_system.exists(paths.creating())) {
        write_file_atomically(file_system, paths.creating(), {});
    }
    for (const DirectoryEntry& entry : file_system.list(paths.directory)) {
        const auto path = paths.directory / entry.name;
        if (path != paths.creating() && path != paths.lock()) file_system.remove_tree(path);
    }
    return lock;
}

}  // namespace

Created Repository::create(const Environment& environment, const std::filesystem::path& directory,
                           const CreateOptions& options) {
    check_options(options);
    const RepositoryPaths paths{directory};
    const auto lock = begin_creation(environment.file_system, paths);
    object::LocalStore::create_directories(environment.file_system, directory);

    RepositoryConfig config;
    environment.random.fill(config.id.bytes);
    config.is_encrypted = options.passphrase.has_value();
    config.chunk_size_bytes = options.chunk_size_bytes;
    config.minimum_age = options.minimum_age;
    Bytes root(kKeyBytes);
    environment.random.fill(root);
    const Secret root_key{ByteView{root}};
    Created created{config.id.hex(), Secret{}};
    if (config.is_encrypted) {
        environment.file_system.make_directories(paths.keys());
        created.recovery_key = make_recovery_key(environment.random);
        KeySlots slots{environment.file_system, environment.random, paths.keys(), config.id};
        const WallTime now = environment.clock.wall_now();
        slots.write({0, "passphrase", now, options.key_cost}, *options.passphrase, root_key);
        slots.write({1, "recovery", now, {0, 0}}, created.recovery_key, root_key);
    } else {
        config.root_key = root_key;
    }
    catalog::Catalog::open(paths.catalog())->mark_complete();
    // A directory without it is no repository.
    write_file_atomically(environment.file_system, paths.config(), encode_config(config));
    environment.file_system.remove(paths.creating());
    environment.file_system.sync_directory(directory);
    environment.file_system.sync_directory(
        directory.has_parent_path() ? directory.parent_path() : std::filesystem::path{"."});
    return created;
}

}  // namespace entrepot::repository

// Putting the parts together.
#include "storage/repository/repository_core.h"

#include "storage/repository/limits.h"

#include "base/error.h"
#include "base/json.h"

#include <algorithm>

namespace entrepot::repository {
namespace {

std::filesystem::path aside_of(std::filesystem::path catalog) {
    catalog += ".damaged";
    return catalog;
}

unsigned helper_count() {
    return std::clamp(std::thread::hardware_concurrency(), 1U, limits::kThreadsMax) - 1;
}

}  // namespace

RepositoryCore::RepositoryCore(const Environment& environment_, RepositoryPaths paths_,
                               std::unique_ptr<FileLock> lock_, RepositoryConfig config_,
                               const Secret& root_key_, std::unique_ptr<Reserve> reserve_)
    : environment(environment_),
      paths(std::move(paths_)),
      lock(std::move(lock_)),
      config(std::move(config_)),
      root_key(root_key_),
      keys(config.id, root_key, config.is_encrypted),
      time(environment, keys, paths.time()),
      reserve(std::move(reserve_)),
      store(environment.file_system, environment.random, paths.directory),
      redirects(store, keys),
      index(environment.open_index ? environment.open_index(paths.index())
                                   : ChunkIndex::open(paths.index())),
      workers(helper_count()) {
    redirects.load();
    open_catalog();
}

// Kept for a person to look at; its journal would be replayed into the new one.
void RepositoryCore::set_catalog_aside() {
    std::filesystem::path journal = paths.catalog();
    journal += "-journal";
    environment.file_system.remove(journal);
    if (environment.file_system.exists(paths.catalog())) {
        environment.file_system.rename(paths.catalog(), aside_of(paths.catalog()));
    }
    environment.file_system.sync_directory(paths.directory);
}

void RepositoryCore::replace_catalog(const std::filesystem::path& fresh) {
    const auto exchange = catalog_gate.exchange();
    reader.reset();
    packs.reset();
    catalog.reset();
    try {
        set_catalog_aside();
        environment.file_system.rename(fresh, paths.catalog());
        environment.file_system.sync_directory(paths.directory);
    } catch (...) {
        // Somebody goes on asking it.
        const bool is_aside = !environment.file_system.exists(paths.catalog()) &&
                              environment.file_system.exists(aside_of(paths.catalog()));
        if (is_aside) environment.file_system.rename(aside_of(paths.catalog()), paths.catalog());
        open_catalog();
        throw;
    }
    open_catalog();
}

void RepositoryCore::open_catalog() {
    ++catalog_number;
    reader.reset();
    packs.reset();
    catalog.reset();
    try {
        catalog = catalog::Catalog::open(paths.catalog());
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt) throw;
        environment.log.error("the catalog is damaged and set aside", {{"error", error.what()}});
        set_catalog_aside();
        catalog = catalog::Catalog::open(paths.catalog());
    }
    packs = std::make_unique<PackSet>(store, *catalog, *index, redirects, keys);
    reader = std::make_unique<ChunkReader>(*packs, keys, workers);
}

}  // namespace entrepot::repository

// What all parts of an open repository share.
#pragma once

#include "storage/catalog/catalog.h"
#include "storage/object/local_store.h"
#include "storage/repository/catalog_gate.h"
#include "storage/repository/chunk_codec.h"
#include "storage/repository/chunk_index.h"
#include "storage/repository/chunk_reader.h"
#include "storage/repository/pack_set.h"
#include "storage/repository/redirects.h"
#include "storage/repository/repository.h"
#include "storage/repository/repository_config.h"
#include "storage/repository/repository_keys.h"
#include "storage/repository/reserve.h"
#include "storage/repository/sessions.h"
#include "storage/repository/trusted_time.h"
#include "storage/repository/worker_pool.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>

namespace entrepot::repository {

/// Members in the order in which they need each other.
struct RepositoryCore {
    RepositoryCore(const Environment& environment_, RepositoryPaths paths_,
                   std::unique_ptr<FileLock> lock_, RepositoryConfig config_,
                   const Secret& root_key_, std::unique_ptr<Reserve> reserve_);

    /// Opens the catalog and what depends on it. A missing or damaged one is set aside and begun
    /// anew; a new one is not complete.
    void open_catalog();
    /// Sets the catalog aside and puts another file, closed and complete, in its place. Requires to
    /// be alone, and waits for those at the gate. If it throws, one of the two is open.
    void replace_catalog(const std::filesystem::path& fresh);
    void set_catalog_aside();

    Environment environment;
    RepositoryPaths paths;
    std::unique_ptr<FileLock> lock;
    RepositoryConfig config;
    Secret root_key;
    RepositoryKeys keys;
    TrustedTime time;
    std::unique_ptr<Reserve> reserve;
    object::LocalStore store;
    RedirectTable redirects;
    CatalogGate
        catalog_gate;  // For those without a session: a rebuild exchanges it, packs, reader.
    std::unique_ptr<catalog::Catalog> catalog;
    std::uint64_t catalog_number = 0;  // Of the catalogs that were opened here.
    std::unique_ptr<ChunkIndex> index;
    std::unique_ptr<PackSet> packs;
    WorkerPool workers;
    std::unique_ptr<ChunkReader> reader;
    Sessions sessions;
    int compression_level = kCompressionLevelDefault;  // Of chunks that are new.
    std::mutex commit_mutex;                           // Commits and deletions, one at a time.
};

}  // namespace entrepot::repository

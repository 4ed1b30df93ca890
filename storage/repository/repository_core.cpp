// The configuration file, sessions, and putting the parts together.
#include "storage/repository/repository_core.h"

#include "storage/repository/limits.h"

#include "base/error.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::repository {
namespace {

constexpr std::string_view kFormat = "entrepot repository";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kConfigBytesMax = 64 * kKiB;

unsigned helper_count() {
    return std::clamp(std::thread::hardware_concurrency(), 1U, limits::kThreadsMax) - 1;
}

}  // namespace

Bytes encode_config(const RepositoryConfig& config) {
    Json json = {{"format", kFormat},
                 {"version", kVersion},
                 {"id", config.id.hex()},
                 {"encrypted", config.is_encrypted},
                 {"chunk_size_bytes", config.chunk_size_bytes},
                 {"minimum_age_seconds", config.minimum_age.count()}};
    if (!config.is_encrypted) json["root_key"] = to_hex(config.root_key.reveal());
    const std::string text = dump_json(json, 2);
    const ByteView bytes = as_bytes(text);
    return Bytes(bytes.begin(), bytes.end());
}

RepositoryConfig read_config(FileSystem& file_system, const RepositoryPaths& paths) {
    const std::string path = paths.config().string();
    if (!file_system.exists(paths.config())) {
        throw Error{ErrorCode::not_found,
                    fmt::format("there is no repository in {}", paths.directory.string()),
                    "is the volume mounted?"};
    }
    const Bytes content = file_system.read_file(paths.config(), kConfigBytesMax);
    RepositoryConfig config;
    try {
        const Json json = parse_json(as_text(content), path, kConfigBytesMax);
        if (json.at("format").get<std::string>() != kFormat) {
            throw Error{ErrorCode::corrupt, fmt::format("{} is of another program", path)};
        }
        const auto version = json.at("version").get<std::uint32_t>();
        if (version != kVersion) {
            throw Error{ErrorCode::unsupported, fmt::format("repository version {}", version)};
        }
        config.id = RepositoryId::from_hex_text(json.at("id").get<std::string>());
        config.is_encrypted = json.at("encrypted").get<bool>();
        config.chunk_size_bytes = json.at("chunk_size_bytes").get<std::uint32_t>();
        config.minimum_age =
            std::chrono::seconds{json.at("minimum_age_seconds").get<std::int64_t>()};
        if (!config.is_encrypted) {
            config.root_key = Secret{from_hex(json.at("root_key").get<std::string>())};
        }
    } catch (const Json::exception&) {
        throw Error{ErrorCode::corrupt, fmt::format("{} lacks a field", path)};
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid) throw;
        throw Error{ErrorCode::corrupt, error.message()};
    }
    const bool is_sane = config.chunk_size_bytes >= limits::kChunkSizeBytesMin &&
                         config.chunk_size_bytes <= limits::kChunkSizeBytesMax &&
                         (config.is_encrypted || config.root_key.reveal().size() == kKeyBytes);
    if (!is_sane) throw Error{ErrorCode::corrupt, fmt::format("{} makes no sense", path)};
    return config;
}

Sessions::Guard::Guard(Sessions& sessions, bool is_exclusive)
    : sessions_(sessions), is_exclusive_(is_exclusive) {
    const std::scoped_lock lock{sessions_.mutex_};
    if (sessions_.is_exclusive_) {
        throw Error{ErrorCode::busy, "the repository is being cleaned up or rebuilt"};
    }
    if (is_exclusive && sessions_.count_ > 0) {
        throw Error{ErrorCode::busy,
                    fmt::format("{} backups, restores or checks are using the repository",
                                sessions_.count_)};
    }
    ++sessions_.count_;
    sessions_.is_exclusive_ = is_exclusive;
}

Sessions::Guard::~Guard() {
    const std::scoped_lock lock{sessions_.mutex_};
    --sessions_.count_;
    if (is_exclusive_) sessions_.is_exclusive_ = false;
}

RepositoryCore::RepositoryCore(const Environment& environment_, RepositoryPaths paths_,
                               std::unique_ptr<FileLock> lock_, RepositoryConfig config_,
                               const Secret& root_key_)
    : environment(environment_),
      paths(std::move(paths_)),
      lock(std::move(lock_)),
      config(std::move(config_)),
      root_key(root_key_),
      keys(config.id, root_key, config.is_encrypted),
      store(environment.file_system, environment.random, paths.directory),
      index(paths.index()),
      workers(helper_count()) {
    open_catalog();
}

// Kept for a person to look at; its journal would be replayed into the new one.
void RepositoryCore::set_catalog_aside() {
    std::filesystem::path journal = paths.catalog();
    journal += "-journal";
    environment.file_system.remove(journal);
    std::filesystem::path aside = paths.catalog();
    aside += ".damaged";
    if (environment.file_system.exists(paths.catalog())) {
        environment.file_system.rename(paths.catalog(), aside);
    }
    environment.file_system.sync_directory(paths.directory);
}

void RepositoryCore::discard_catalog() {
    // No object tells it: forgotten, a damaged slot would be taken for a sound copy again.
    const std::vector<SlotAddress> damaged = packs->damaged_slots();
    reader.reset();
    packs.reset();
    catalog.reset();
    set_catalog_aside();
    open_catalog();
    if (!damaged.empty()) packs->mark_damaged(damaged);
}

void RepositoryCore::open_catalog() {
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
    packs = std::make_unique<PackSet>(store, *catalog, index, keys);
    reader = std::make_unique<ChunkReader>(*packs, keys, workers);
}

}  // namespace entrepot::repository

// Packs, maps and manifests are enough; the catalog only says the same faster.
#include "storage/recover/recovery.h"

#include "storage/object/local_store.h"
#include "storage/recover/copied_packs.h"
#include "storage/repository/limits.h"
#include "storage/repository/manifest.h"
#include "storage/repository/map_disk.h"
#include "storage/repository/map_view.h"
#include "storage/repository/point_lookup.h"
#include "storage/repository/repository_config.h"
#include "storage/repository/worker_pool.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace entrepot::recover {

using repository::MapId;
using repository::PointContent;
using repository::PointSummary;

namespace {

bool is_damage(ErrorCode code) {
    return code == ErrorCode::corrupt || code == ErrorCode::not_found || code == ErrorCode::limit ||
           code == ErrorCode::io || code == ErrorCode::unsupported;
}

unsigned helper_count() {
    return std::clamp(std::thread::hardware_concurrency(), 1U, repository::limits::kThreadsMax) - 1;
}

}  // namespace

// Members in the order in which they need each other.
struct Recovery::Parts {
    Parts(FileSystem& file_system, Random& random, const std::filesystem::path& directory,
          repository::RepositoryConfig config_, const Secret& root_key)
        : config(std::move(config_)),
          keys(config.id, root_key, config.is_encrypted),
          store(file_system, random, directory),
          packs(store, keys),
          workers(helper_count()),
          reader(packs, keys, workers) {}

    repository::RepositoryConfig config;
    repository::RepositoryKeys keys;
    object::LocalStore store;
    CopiedPacks packs;
    repository::WorkerPool workers;
    repository::ChunkReader reader;
};

Recovery::Recovery(FileSystem& file_system, Random& random, const std::filesystem::path& directory,
                   const std::optional<Secret>& key) {
    const repository::RepositoryPaths paths{directory};
    repository::RepositoryConfig config = repository::read_config(file_system, paths);
    const Secret root_key = repository::unlock_root_key(file_system, random, paths, config, key);
    parts_ = std::make_unique<Parts>(file_system, random, directory, std::move(config), root_key);
    find_points();
}

Recovery::~Recovery() = default;

void Recovery::find_points() {
    for (const std::string& id : parts_->store.list(object::Collection::manifests)) {
        FoundPoint point{.id = id, .summary = std::nullopt, .problem = {}};
        try {
            PointContent content = repository::read_manifest(parts_->store, parts_->keys, id);
            point.problem = problem_of(content);
            point.summary = std::move(content.summary);
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            point.problem = error.what();
        }
        points_.push_back(std::move(point));
    }
    std::ranges::sort(points_, {}, [](const FoundPoint& point) {
        constexpr auto kLast = std::numeric_limits<std::uint64_t>::max();
        return std::pair{point.summary ? point.summary->sequence : kLast, point.id};
    });
}

// Whether each disk's maps are there; whether each chunk is, only reading tells.
std::string Recovery::problem_of(const PointContent& content) const {
    for (std::size_t i = 0; i < content.maps.size(); ++i) {
        try {
            repository::MapView::open(parts_->store, parts_->keys, content.maps[i].restore);
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            return fmt::format("disk {}: {}", i, error.what());
        }
    }
    return {};
}

PointSummary Recovery::find_point(std::string_view text) const {
    const auto vm = repository::vm_of_latest(text);
    std::vector<PointSummary> candidates;
    for (const FoundPoint& point : points_) {
        if (!point.summary) continue;
        const repository::PointDraft& draft = point.summary->draft;
        if (!vm || draft.vm_id == *vm || draft.vm_name == *vm) {
            candidates.push_back(*point.summary);
        }
    }
    return vm ? repository::latest_point(candidates, *vm)
              : repository::point_by_id(candidates, text);
}

PointContent Recovery::content_of(const PointSummary& point) const {
    return repository::read_manifest(parts_->store, parts_->keys, point.id);
}

std::unique_ptr<repository::PointDisk> Recovery::open_disk(const PointSummary& point,
                                                           std::uint32_t index) {
    const PointContent content = content_of(point);
    if (index >= content.maps.size()) {
        throw Error{ErrorCode::not_found, fmt::format("point {} has no disk {}; it has {}",
                                                      point.id, index, content.maps.size())};
    }
    return repository::open_map_disk(
        {parts_->store, parts_->keys, parts_->reader, parts_->config.chunk_size_bytes},
        fmt::format("point {}, disk {}", point.id, index), content.summary.disks[index].draft,
        content.maps[index].restore);
}

std::vector<std::string> Recovery::file_names(const PointSummary& point) {
    std::vector<std::string> names;
    for (const repository::PointFile& file : content_of(point).files) {
        names.push_back(file.name);
    }
    return names;
}

Bytes Recovery::read_file(const PointSummary& point, const std::string& name) {
    const PointContent content = content_of(point);
    const auto file = std::ranges::find(content.files, name, &repository::PointFile::name);
    if (file == content.files.end()) {
        throw Error{ErrorCode::not_found, fmt::format("point {} has no file '{}'", point.id, name)};
    }
    return repository::read_point_file(parts_->reader, fmt::format("point {}", point.id), *file);
}

}  // namespace entrepot::recover

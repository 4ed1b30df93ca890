// A repository or a copy of one, read by its objects alone: nothing is locked, written or believed
// that does not verify. Follows the architecture, "Object store".
#pragma once

#include "storage/repository/point_json.h"
#include "storage/repository/repository.h"

#include "base/file_system.h"
#include "base/random.h"
#include "base/secret.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::recover {

/// A point whose manifest is there. Copies that were taken while a backup ran may lack more.
struct FoundPoint {
    std::string id;
    std::optional<repository::PointSummary> summary;  ///< nullopt if the manifest is damaged.
    std::string problem;  ///< Why it cannot be restored whole, as far as is known; else empty.
};

/// Not for several threads.
class Recovery {
public:
    /// `key` is a passphrase or the recovery key. Throws Error{not_found} if there is no
    /// repository, Error{locked} if a key is needed, Error{unauthenticated} if it opens no slot.
    Recovery(FileSystem& file_system, Random& random, const std::filesystem::path& directory,
             const std::optional<Secret>& key);
    ~Recovery();

    /// Oldest first; those with a damaged manifest at the end.
    const std::vector<FoundPoint>& points() const { return points_; }
    /// An id, a unique prefix of one, or VM@latest.
    repository::PointSummary find_point(std::string_view text) const;

    /// What people get back. Valid as long as this object. Throws Error{not_found}.
    std::unique_ptr<repository::PointDisk> open_disk(const repository::PointSummary& point,
                                                     std::uint32_t index);

    std::vector<std::string> file_names(const repository::PointSummary& point);
    Bytes read_file(const repository::PointSummary& point, const std::string& name);

private:
    struct Parts;
    void find_points();
    std::string problem_of(const repository::PointContent& content) const;
    repository::PointContent content_of(const repository::PointSummary& point) const;

    std::unique_ptr<Parts> parts_;
    std::vector<FoundPoint> points_;
};

}  // namespace entrepot::recover

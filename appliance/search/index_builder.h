// Makes the index of a point: the names of all files in all its disks.
#pragma once

#include "appliance/files/disk_files.h"
#include "appliance/search/index_store.h"
#include "storage/repository/repository.h"

#include "base/clock.h"
#include "base/progress.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace entrepot::search {

struct IndexLimits {
    std::uint64_t file_count_max = 20'000'000;
    /// Notes that are told one by one; more are counted.
    std::size_t note_count_max = 200;
};

class IndexBuilder {
public:
    using OpenDisk =
        std::function<std::unique_ptr<files::DiskFiles>(const repository::DiskSummary&)>;

    /// What is passed outlives it.
    IndexBuilder(IndexStore& store, Clock& clock, OpenDisk open_disk,
                 const IndexLimits& limits = {});

    /// Stored on return. What cannot be read is a note in it; throws Error{cancelled} on stop, and
    /// what is about more than one folder or disk.
    PointIndex build(const repository::PointSummary& point, const Work& work);

private:
    class Run;
    IndexStore& store_;
    Clock& clock_;
    OpenDisk open_disk_;
    IndexLimits limits_;
};

}  // namespace entrepot::search

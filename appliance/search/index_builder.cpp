// Disk by disk, partition by partition, in the order of a walk.
#include "appliance/search/index_builder.h"

#include "appliance/files/folder_walk.h"
#include "appliance/search/index_block.h"
#include "storage/guest_model/volume.h"

#include "base/error.h"

#include <fmt/format.h>

#include <utility>

namespace entrepot::search {
namespace {

constexpr std::size_t kNoteBytesMax = 1024;
constexpr std::size_t kFirstPathBytes = 256;
/// Files between two looks at whether to stop.
constexpr std::uint64_t kFilesPerReport = 256;

}  // namespace

class IndexBuilder::Run {
public:
    Run(IndexBuilder& builder, const repository::PointSummary& point, const Work& work)
        : builder_(builder), point_(point), work_(work), writer_(builder.store_) {
        index_.point = point.id;
    }

    PointIndex run() {
        for (const repository::DiskSummary& disk : point_.disks)
            add_disk(disk);
        if (untold_count_ > 0) {
            index_.notes.push_back(fmt::format("and {} more", untold_count_));
        }
        index_.made = builder_.clock_.wall_now();
        writer_.commit(index_);
        return std::move(index_);
    }

private:
    void note(std::string text) {
        if (index_.notes.size() >= builder_.limits_.note_count_max) {
            ++untold_count_;
            return;
        }
        text.resize(std::min(text.size(), kNoteBytesMax));
        index_.notes.push_back(std::move(text));
    }

    // What is wrong with one does not stop the others.
    template <typename Body>
    void try_part(const std::string& name, const Body& body) {
        try {
            body();
        } catch (const Error& error) {
            if (!files::is_of_one_file(error)) throw;
            note(fmt::format("{}: {}", name, error.what()));
        }
    }

    void add_disk(const repository::DiskSummary& disk) {
        const std::string name = fmt::format("disk {}", disk.draft.index);
        try_part(name, [&] {
            const auto files = builder_.open_disk_(disk);
            for (const guest::Volume& volume : files->volumes().volumes) {
                if (!guest::is_readable(volume.content)) continue;
                const std::string part = fmt::format("{}, partition {}", name, volume.number);
                try_part(part, [&] { add_volume(*files, disk, volume.number, part); });
            }
        });
    }

    void add_volume(files::DiskFiles& files, const repository::DiskSummary& disk,
                    std::uint32_t number, const std::string& name) {
        index_.volumes.push_back({disk.draft.id, disk.draft.index, number, {}});
        files::FolderWalk walk{files, number, "/"};
        BlockWriter block;
        while (const auto step = walk.next()) {
            if (index_.file_count % kFilesPerReport == 0) report();
            if (!step->failure.empty()) {
                note(fmt::format("{}, {}: {}", name, step->path, step->failure));
                continue;
            }
            if (index_.file_count == builder_.limits_.file_count_max) {
                note(fmt::format("{}: {} and what is behind it: there are more than {} files", name,
                                 step->path, index_.file_count));
                break;
            }
            ++index_.file_count;
            block.add({step->path, step->entry.kind, step->entry.size_bytes, step->entry.modified});
            if (block.is_complete()) put(block);
        }
        if (!block.empty()) put(block);
    }

    void put(BlockWriter& block) {
        BlockReference reference;
        reference.first_path = block.first_path().substr(0, kFirstPathBytes);
        reference.count = block.count();
        reference.id = writer_.put_block(block.take());
        index_.volumes.back().blocks.push_back(std::move(reference));
    }

    void report() {
        work_.throw_if_stopped();
        work_.progress.report(fmt::format("{} files", index_.file_count), 0, 0);
    }

    IndexBuilder& builder_;
    const repository::PointSummary& point_;
    const Work& work_;
    IndexStore::Writer writer_;
    PointIndex index_;
    std::uint64_t untold_count_ = 0;
};

IndexBuilder::IndexBuilder(IndexStore& store, Clock& clock, OpenDisk open_disk,
                           const IndexLimits& limits)
    : store_(store), clock_(clock), open_disk_(std::move(open_disk)), limits_(limits) {}

PointIndex IndexBuilder::build(const repository::PointSummary& point, const Work& work) {
    return Run{*this, point, work}.run();
}

}  // namespace entrepot::search

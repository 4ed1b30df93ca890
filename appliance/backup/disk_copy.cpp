// Windows of chunks from an image into a sink; see disk_copy.h.
#include "appliance/backup/disk_copy.h"

#include "appliance/backup/chunk_runs.h"
#include "appliance/backup/limits.h"

#include "base/check.h"

#include <algorithm>

namespace entrepot::backup {
namespace {

void copy_run(const disk::DiskSource& content, const ChunkRun& run, MutableByteView buffer,
              repository::DiskSink& sink, RateLimit* limit, CopyProgress& progress,
              const Work& work) {
    for (std::uint64_t done = 0; done < run.length;) {
        work.throw_if_stopped();
        const auto length =
            static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), run.length - done));
        const MutableByteView window = buffer.first(length);
        content.read(run.offset + done, window);
        sink.write(run.offset + done, window);
        done += length;
        if (limit != nullptr) limit->take(length, work.stop);
        progress.done_bytes += length;
        work.progress.report("ingest", progress.done_bytes, progress.total_bytes);
    }
}

}  // namespace

void copy_changes(const disk::DiskSource& changes, const disk::DiskSource& content,
                  repository::DiskSink& sink, const CopyOptions& options, CopyProgress& progress,
                  const Work& work) {
    ENTREPOT_CHECK(options.chunk_size_bytes > 0 &&
                   limits::kWindowBytes % options.chunk_size_bytes == 0);
    Bytes buffer(static_cast<std::size_t>(limits::kWindowBytes));
    ChunkRuns runs{changes, options.chunk_size_bytes};
    while (const auto run = runs.next()) {
        work.throw_if_stopped();
        if (!run->is_zero) {
            copy_run(content, *run, buffer, sink, options.limit, progress, work);
        } else if (options.zeros == Zeros::write) {
            sink.write_zeros(run->offset, run->length);
        }
    }
}

}  // namespace entrepot::backup

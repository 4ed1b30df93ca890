// A disk of a point as an image file, streamed: nothing of it is stored on the way.
#include "appliance/api/content_disposition.h"
#include "appliance/api/decode.h"
#include "appliance/api/piecewise.h"
#include "appliance/api/routes.h"

#include "storage/disk/image_stream.h"
#include "storage/repository/point_lookup.h"

#include "base/error.h"
#include "base/random.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>

namespace entrepot::api {
namespace {

// Each holds a session of the repository, which gc waits for, and some MiB.
constexpr int kImageDownloadsMax = 4;

using Running = std::shared_ptr<std::atomic<int>>;

/// One of the few that may run, as long as it lives.
class Slot {
public:
    explicit Slot(Running running) : running_(std::move(running)) {
        if (running_->fetch_add(1) < kImageDownloadsMax) return;
        running_->fetch_sub(1);
        throw Error{ErrorCode::busy,
                    fmt::format("{} images are being downloaded already", kImageDownloadsMax),
                    "Wait for one of them to end, or restore the disk into a file."};
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() { running_->fetch_sub(1); }

private:
    Running running_;  ///< Shared with the route, which may go before a download does.
};

/// All that a stream stands on, in the order in which it is made.
struct ImageDownload {
    explicit ImageDownload(const Running& running) : slot(running) {}
    Slot slot;
    SystemRandom random;
    std::unique_ptr<repository::PointReader> point;
    std::unique_ptr<repository::PointDisk> disk;
    std::unique_ptr<disk::ImageStream> stream;
};

std::string file_name_of(const repository::PointSummary& point, const repository::DiskSummary& disk,
                         const std::string& format) {
    return fmt::format("{}-{}-disk{}.{}", point.draft.vm_name,
                       format_time(point.time).substr(0, 10), disk.draft.index,
                       format == "raw" ? "img" : format);
}

// The first piece is read before the head is sent: what cannot be read is still a problem document
// then.
Response download_image(const Request& request, Services& services, const Running& running) {
    const std::string asked = request.query_value("format");
    const std::string format = asked.empty() ? "vhdx" : asked;
    const auto point = services.repository().find_point(request.parameter("id"));
    const auto& disk = repository::find_disk(point, request.parameter("disk"));
    disk::WriteOptions options;
    options.format = disk::parse_target_format(format);
    options.physical_sector_size = disk.draft.physical_sector_size;
    // Shared because the answer's stream is a function that is copied.
    const auto download = std::make_shared<ImageDownload>(running);
    download->point = services.repository().open_point(point.id);
    download->disk = download->point->open_disk(disk.draft.index, repository::View::restore);
    download->stream = disk::open_image_stream(*download->disk, options, download->random, {});
    const auto first = std::make_shared<Bytes>(download->stream->next());
    Response response;
    response.headers["content-type"] = "application/octet-stream";
    response.headers["content-length"] = std::to_string(download->stream->size_bytes());
    response.headers["content-disposition"] = attachment_named(file_name_of(point, disk, format));
    response.headers["content-security-policy"] = "default-src 'none'; sandbox";
    response.stream = [download, first](const StreamWriter& write, const std::stop_token& stop) {
        write_pieces(
            std::move(*first), [&] { return download->stream->next(); }, write, stop);
    };
    return response;
}

}  // namespace

void add_image_routes(Router& router, Services& services) {
    const auto running = std::make_shared<std::atomic<int>>(0);
    router.add("downloadDiskImage", [&services, running](const Request& request) {
        return download_image(request, services, running);
    });
}

}  // namespace entrepot::api

// Getting a disk back as a file on the appliance.
#include "appliance/api/decode.h"
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"

#include "storage/disk/disk_writer.h"

#include "base/error.h"

#include <fmt/format.h>

#include <filesystem>

namespace entrepot::api {
namespace {

namespace fs = std::filesystem;

/// What a guest wrote must not become a file of the system: over the network only one directory is
/// written to, and nothing below it, where somebody's link could lead elsewhere. Whoever is on the
/// appliance may write wherever the daemon can.
void require_place(const Services& services, const fs::path& target) {
    const fs::path& directory = services.config.restore_directory;
    if (target.parent_path() != directory || target.filename() == ".." ||
        target.filename() == "." || target.filename().empty()) {
        throw Error{
            ErrorCode::access_denied,
            fmt::format("over the network disks are restored into {} only, not to {}",
                        directory.string(), target.string()),
            fmt::format(
                "Name a new file in {}; restore.directory in the configuration sets another "
                "directory. On the appliance itself `entrepot restore disk` writes anywhere.",
                directory.string())};
    }
    if (!services.file_system.exists(directory)) services.file_system.make_directories(directory);
}

Response create_disk_restore(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string point_text = reader.text("point");
    const std::string disk = reader.text("disk");
    const std::string target = reader.text("to");
    const std::string format = reader.text_or("format", "vhdx");
    reader.finish();
    if (target.front() != '/') {
        throw Error{ErrorCode::invalid, fmt::format("\"{}\" is no absolute path", target)};
    }
    if (!request.user.is_local) require_place(services, target);
    disk::parse_target_format(format);  // Refused here rather than by the job.

    const auto point = services.repository().find_point(point_text);
    jobs::JobRequest job;
    job.kind = "restore_disk";
    job.subject = fmt::format("{} disk {}", point.draft.vm_name, disk);
    job.parameters = {{"point", point.id}, {"disk", disk}, {"to", target}, {"format", format}};
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace

void add_restore_routes(Router& router, Services& services) {
    router.add("startDiskRestore",
               [&](const Request& request) { return create_disk_restore(request, services); });
}

}  // namespace entrepot::api

// See restore_disk_job.h.
#include "appliance/backup/restore_disk_job.h"

#include "appliance/backup/repository_wait.h"

#include "storage/disk/disk_writer.h"
#include "storage/repository/point_lookup.h"

#include "base/error.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

namespace entrepot::backup {
namespace {

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

jobs::JobOutcome run_restore_disk(const Services& services, jobs::JobContext& job) {
    const SteadyTime begin = services.clock.steady_now();
    const Json& parameters = job.parameters();
    const auto point = services.repository.find_point(parameters.at("point").get<std::string>());
    const auto& disk = repository::find_disk(point, text_of(parameters.at("disk")));
    const std::filesystem::path target = parameters.at("to").get<std::string>();
    const std::string format = parameters.value("format", "vhdx");

    disk::WriteOptions options;
    options.format = disk::parse_target_format(format);
    options.physical_sector_size = disk.draft.physical_sector_size;
    options.created = services.clock.wall_now();
    job.enter_stage("restore");
    with_context(fmt::format("restoring disk {} of point {}", disk.draft.index, point.id), [&] {
        const auto reader = queue_until_repository_is_free(
            [&] { return services.repository.open_point(point.id); });
        const auto content = reader->open_disk(disk.draft.index, repository::View::restore);
        disk::write_disk(services.file_system, services.random, *content, target, options,
                         job.work());
    });
    const auto elapsed = services.clock.steady_now() - begin;
    jobs::JobOutcome outcome;
    outcome.result = {{"point", point.id},
                      {"disk", {{"id", disk.draft.id}, {"index", disk.draft.index}}},
                      {"to", target.string()},
                      {"format", format},
                      {"virtual_size_bytes", disk.draft.size_bytes},
                      {"seconds", std::chrono::duration<double>(elapsed).count()}};
    return outcome;
}

}  // namespace entrepot::backup

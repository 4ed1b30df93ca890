// See disk_restore.h.
#include "appliance/api/disk_restore.h"

#include "appliance/api/decode.h"

#include "storage/disk/target_size.h"
#include "storage/repository/point_lookup.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace entrepot::api {
namespace {

namespace fs = std::filesystem;

Json number_or_null(const std::optional<std::uint64_t>& number) {
    return number ? Json(*number) : Json(nullptr);
}

/// The questions in the order in which they matter to a person.
class DiskChecks {
public:
    DiskChecks(FileSystem& file_system, repository::Repository& repository,
               const config::Config& config, const DiskRestore& restore)
        : file_system_(file_system),
          repository_(repository),
          config_(config),
          restore_(restore),
          disk_(repository::find_disk(restore.point, restore.disk)),
          directory_(restore.target.parent_path()) {}

    Json run() {
        check_point();
        check_format();
        if (check_place()) {
            check_file();
            check_space();
        }
        return {{"can_start", can_start_},
                {"checks", std::move(checks_)},
                {"point", restore_.point.id},
                {"disk", disk_.draft.index},
                {"to", restore_.target.string()},
                {"format", restore_.format},
                {"bytes_needed", number_or_null(needed_)},
                {"free_bytes", number_or_null(free_)}};
    }

private:
    void add(const char* id, const char* result, std::string text, std::string cure = {}) {
        checks_.push_back(
            {{"id", id}, {"result", result}, {"text", std::move(text)}, {"cure", std::move(cure)}});
    }

    void block(const char* id, std::string text, std::string cure) {
        can_start_ = false;
        add(id, "blocked", std::move(text), std::move(cure));
    }

    void check_point() {
        const auto& point = restore_.point;
        const std::string name = fmt::format("disk {} of {}, as of {}", disk_.draft.index,
                                             point.draft.vm_name, format_time(point.time));
        if (point.has_known_damage) {
            add("point", "warning", name + ": the point has known damage",
                "The restore stops where it cannot read. Take another point if you can.");
        } else {
            add("point", "good", name);
        }
    }

    void check_format() {
        disk::WriteOptions options;
        options.format = disk::parse_target_format(restore_.format);
        options.physical_sector_size = disk_.draft.physical_sector_size;
        const auto reader = repository_.open_point(restore_.point.id);
        const auto content = reader->open_disk(disk_.draft.index, repository::View::restore);
        try {
            needed_ = disk::target_bytes_max(*content, options);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::unsupported) throw;
            block("format", error.message(), error.hint());
        }
    }

    /// Whether there is more to be asked about it.
    bool check_place() {
        try {
            require_place(config_, restore_);
        } catch (const Error& error) {
            block("place", error.message(), error.hint());
            return false;
        }
        if (!file_system_.exists(directory_)) return check_missing_place();
        try {
            try_to_write();
        } catch (const Error& error) {
            block("place",
                  fmt::format("nothing can be written in {}: {}", directory_.string(),
                              error.message()),
                  "Name another folder, or give the appliance's account the right to write there.");
            return false;
        }
        add("place", "good", fmt::format("{} can be written to", directory_.string()));
        return true;
    }

    // The one folder of the configuration is made by the restore itself.
    bool check_missing_place() {
        if (restore_.is_local) {
            block("place", fmt::format("there is no folder {}", directory_.string()),
                  "Make it first, or name another.");
            return false;
        }
        add("place", "note",
            fmt::format("{} is not there yet, and will be made", directory_.string()));
        return true;
    }

    void try_to_write() {
        SystemRandom random;
        const fs::path probe = directory_ / fmt::format(".entrepot-probe.{:016x}", random.u64());
        file_system_.create(probe);
        file_system_.remove(probe);
    }

    void check_file() {
        if (file_system_.exists(restore_.target)) {
            block("file", fmt::format("{} exists already", restore_.target.string()),
                  "Nothing is overwritten: name another file, or remove this one.");
        } else {
            add("file", "good", fmt::format("{} is new", restore_.target.string()));
        }
    }

    void check_space() {
        if (!needed_) return;
        fs::path there = directory_;
        while (!file_system_.exists(there) && there != there.parent_path())
            there = there.parent_path();
        free_ = file_system_.free_bytes(there);
        const std::string text =
            fmt::format("{} are free, at most {} are needed as {}{}", format_size(*free_),
                        format_size(*needed_), restore_.format,
                        restore_.format == "qcow2" ? ", which is converted from a raw image" : "");
        if (*free_ < *needed_) {
            block("space", text, "Make room there, or take another folder or format.");
        } else {
            add("space", "good", text);
        }
    }

    FileSystem& file_system_;
    repository::Repository& repository_;
    const config::Config& config_;
    const DiskRestore& restore_;
    const repository::DiskSummary& disk_;
    fs::path directory_;
    Json checks_ = Json::array();
    bool can_start_ = true;
    std::optional<std::uint64_t> needed_;
    std::optional<std::uint64_t> free_;
};

}  // namespace

DiskRestore decode_disk_restore(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string point = reader.text("point");
    DiskRestore restore;
    restore.disk = reader.text("disk");
    restore.target = reader.text("to");
    restore.format = reader.text_or("format", "vhdx");
    restore.is_local = request.user.is_local;
    reader.finish();
    if (!restore.target.is_absolute()) {
        throw Error{ErrorCode::invalid,
                    fmt::format("\"{}\" is no absolute path", restore.target.string())};
    }
    disk::parse_target_format(restore.format);  // Refused here rather than by the job.
    restore.point = services.repository().find_point(point);
    return restore;
}

void require_place(const config::Config& config, const DiskRestore& restore) {
    if (restore.is_local) return;
    const fs::path& directory = config.restore_directory;
    const fs::path name = restore.target.filename();
    if (restore.target.parent_path() == directory && name != ".." && name != "." && !name.empty()) {
        return;
    }
    throw Error{
        ErrorCode::access_denied,
        fmt::format("over the network disks are restored into {} only, not to {}",
                    directory.string(), restore.target.string()),
        fmt::format("Name a new file in {}; restore.directory in the configuration sets another "
                    "directory. On the appliance itself `entrepot restore disk` writes anywhere.",
                    directory.string())};
}

Json check_disk_restore(FileSystem& file_system, repository::Repository& repository,
                        const config::Config& config, const DiskRestore& restore) {
    return DiskChecks{file_system, repository, config, restore}.run();
}

}  // namespace entrepot::api

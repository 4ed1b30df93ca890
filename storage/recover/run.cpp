// Few commands, each a few calls to Recovery.
#include "storage/recover/run.h"

#include "storage/disk/disk_writer.h"
#include "storage/recover/recovery.h"
#include "storage/recover/report.h"
#include "storage/recover/tolerant_disk.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/secret_file.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>

namespace entrepot::recover {
namespace {

using repository::PointSummary;

constexpr const char* kDescription =
    "Lists the recovery points of an Entrepot repository, or of any copy of one, and writes their "
    "disks out. Needs no daemon, no catalog and no configuration, and changes nothing in the "
    "repository.\n\n"
    "POINT is an id, a unique prefix of one, or VM@latest. DISK is a number from 0, or a disk id.\n"
    "Exit status: 0 done, 1 failed, 2 usage, 4 something is damaged.";

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kDamaged = 4;

struct Values {
    std::filesystem::path repository;
    std::filesystem::path key_file;
    std::string point;
    std::string disk = "0";
    std::filesystem::path target;
    std::string format = "raw";
    bool keeps_going = false;
    bool is_json = false;
};

Recovery open(const Surroundings& surroundings, const Values& values) {
    std::optional<Secret> key;
    if (!values.key_file.empty()) {
        key = read_secret_file(surroundings.file_system, values.key_file);
    }
    try {
        return {surroundings.file_system, surroundings.random, values.repository, key};
    } catch (Error& error) {
        if (error.code() == ErrorCode::locked) {
            error.set_hint(
                "write the passphrase or the recovery key into a file and give it with "
                "--key-file");
        }
        if (error.code() == ErrorCode::unauthenticated) {
            error.set_hint("another passphrase, or the recovery key, may open it");
        }
        throw;
    }
}

int list(const Surroundings& surroundings, const Values& values) {
    const Recovery recovery = open(surroundings, values);
    if (values.is_json) {
        surroundings.out << dump_json(points_json(recovery.points()), 2) << "\n";
    } else {
        print_points(surroundings.out, recovery.points());
    }
    const bool is_sound = std::ranges::all_of(
        recovery.points(), [](const FoundPoint& point) { return point.problem.empty(); });
    return is_sound ? kDone : kDamaged;
}

std::uint32_t disk_number(const PointSummary& point, const std::string& text) {
    std::uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (result.ec == std::errc{} && result.ptr == end) return number;
    for (const repository::DiskSummary& disk : point.disks) {
        if (disk.draft.id == text) return disk.draft.index;
    }
    throw Error{ErrorCode::not_found, fmt::format("point {} has no disk '{}'", point.id, text),
                "entrepot-recover REPOSITORY list --json shows the disks"};
}

Guid disk_id_of(const PointSummary& point, std::uint32_t index) {
    if (index >= point.disks.size()) return {};
    return Guid::parse(point.disks[index].draft.id).value_or(Guid{});
}

int restore(const Surroundings& surroundings, const Values& values) {
    disk::WriteOptions options;
    options.format = disk::parse_target_format(values.format);
    Recovery recovery = open(surroundings, values);
    const PointSummary point = recovery.find_point(values.point);
    const std::uint32_t index = disk_number(point, values.disk);
    const auto content = recovery.open_disk(point, index);
    const TolerantDisk tolerant{*content, content->chunk_size_bytes()};
    options.virtual_disk_id = disk_id_of(point, index);
    options.physical_sector_size = point.disks[index].draft.physical_sector_size;

    ProgressLine progress{surroundings.clock, surroundings.err,
                          surroundings.shows_progress && !values.is_json};
    const Work work{progress, surroundings.stop};
    const disk::DiskSource& source =
        values.keeps_going ? static_cast<const disk::DiskSource&>(tolerant) : *content;
    try {
        disk::write_disk(surroundings.file_system, surroundings.random, source, values.target,
                         options, work);
    } catch (Error& error) {
        if (error.code() == ErrorCode::corrupt) {
            error.set_hint("--keep-going writes zeros where content is lost, and lists the ranges");
        }
        throw;
    }
    progress.clear();
    const RestoredDisk restored{point, index, values.target, tolerant.lost()};
    if (values.is_json) {
        surroundings.out << dump_json(restored_json(restored), 2) << "\n";
    } else {
        print_restored(surroundings.out, restored);
    }
    return tolerant.lost().empty() ? kDone : kDamaged;
}

// Names come from a host: only the last component counts, and it must be one.
std::filesystem::path safe_name(const std::string& name) {
    const std::size_t slash = name.find_last_of("/\\");
    const std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
    if (last.empty() || last == "." || last == ".." || last.find('\0') != std::string::npos) {
        throw Error{ErrorCode::corrupt, "a file of the point has a name that is no file name"};
    }
    return last;
}

int write_files(const Surroundings& surroundings, const Values& values) {
    Recovery recovery = open(surroundings, values);
    const PointSummary point = recovery.find_point(values.point);
    surroundings.file_system.make_directories(values.target);
    Json written = Json::array();
    for (const std::string& name : recovery.file_names(point)) {
        const std::filesystem::path target = values.target / safe_name(name);
        if (surroundings.file_system.exists(target)) {
            throw Error{ErrorCode::already_exists,
                        fmt::format("{} is there already", target.string())};
        }
        write_file_atomically(surroundings.file_system, target, recovery.read_file(point, name));
        written.push_back(target.string());
    }
    if (values.is_json) {
        surroundings.out << dump_json({{"point", point.id}, {"files", written}}, 2) << "\n";
    } else {
        for (const Json& file : written)
            surroundings.out << printable(file.get<std::string>()) << "\n";
    }
    return kDone;
}

void declare(CLI::App& app, Values& values) {
    app.add_option("REPOSITORY", values.repository, "The directory with repository.json in it")
        ->required();
    app.add_option("--key-file", values.key_file,
                   "A file with a passphrase or the recovery key; not needed without encryption");
    app.add_flag("--json", values.is_json, "Print one JSON document on standard output");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_subcommand("list", "The recovery points whose manifests are there");
    CLI::App* restore = app.add_subcommand("restore", "Write a disk out");
    restore->add_option("POINT", values.point)->required();
    restore->add_option("DISK", values.disk)->required();
    restore->add_option("--to", values.target, "The file; it must not exist")->required();
    restore->add_option("--format", values.format, "As entrepot image convert takes it")
        ->capture_default_str();
    restore->add_flag("--keep-going", values.keeps_going,
                      "Write zeros where content is lost, and list what was lost");
    CLI::App* files = app.add_subcommand("files", "Write the VM's configuration files out");
    files->add_option("POINT", values.point)->required();
    files->add_option("--to", values.target, "A directory")->required();
}

void print_error(const Surroundings& surroundings, const Values& values, const Error& error) {
    if (values.is_json) {
        const Json body{
            {"code", to_string(error.code())}, {"message", error.what()}, {"hint", error.hint()}};
        surroundings.out << dump_json({{"error", body}}, 2) << "\n";
        return;
    }
    surroundings.err << "entrepot-recover: " << printable(error.what()) << "\n";
    if (!error.hint().empty()) surroundings.err << "hint: " << error.hint() << "\n";
}

int run_command(const CLI::App& app, const Surroundings& surroundings, const Values& values) {
    if (app.got_subcommand("list")) return list(surroundings, values);
    if (app.got_subcommand("restore")) return restore(surroundings, values);
    return write_files(surroundings, values);
}

}  // namespace

int run(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
    CLI::App app{kDescription, "entrepot-recover"};
    Values values;
    declare(app, values);
    // CLI11 takes them from the back.
    std::vector<std::string> reversed{arguments.rbegin(), arguments.rend()};
    try {
        app.parse(reversed);
    } catch (const CLI::ParseError& error) {
        const bool is_help = error.get_exit_code() == 0;
        app.exit(error, surroundings.out, surroundings.err);
        return is_help ? kDone : kUsage;
    }
    try {
        return run_command(app, surroundings, values);
    } catch (const Error& error) {
        print_error(surroundings, values, error);
        return exit_status(error.code());
    } catch (const std::exception& error) {
        print_error(surroundings, values, Error{ErrorCode::internal, error.what()});
        return kFailed;
    }
}

}  // namespace entrepot::recover

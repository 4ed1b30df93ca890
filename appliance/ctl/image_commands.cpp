// image info, check, map, read, compare, convert: on files, without a data directory.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/image_chain_files.h"
#include "appliance/ctl/image_check_command.h"
#include "appliance/ctl/image_map_command.h"
#include "appliance/ctl/image_options.h"
#include "appliance/ctl/image_read_command.h"
#include "appliance/ctl/shown_progress.h"

#include "storage/disk/disk_writer.h"
#include "storage/disk/image_report.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::ctl {
namespace {

struct CompareValues {
    std::filesystem::path first;
    std::filesystem::path second;
    std::vector<std::filesystem::path> parents;
};

struct ConvertValues {
    std::filesystem::path source;
    std::filesystem::path target;
    std::vector<std::filesystem::path> parents;
    std::filesystem::path base;
    std::string format;
};

std::string readable(const Json& value) {
    if (value.is_string()) return printable(value.get<std::string>());
    return dump_json(value);
}

/// Names and values, what belongs to a name below it and further in. The depth is that of our own
/// documents.
void print_facts(std::ostream& out, const std::string& name, const Json& value, int indent) {
    if (value.is_null() || (value.is_structured() && value.empty())) return;
    const std::string shown = printable(name);
    if (!value.is_structured()) {
        out << fmt::format("{:{}}{:26}{}\n", "", indent, shown, readable(value));
        return;
    }
    if (value.is_array()) {
        int number = 0;
        for (const Json& item : value)
            print_facts(out, fmt::format("{} {}", name, ++number), item, indent);
        return;
    }
    out << fmt::format("{:{}}{}:\n", "", indent, shown);
    for (const auto& [key, item] : value.items())
        print_facts(out, key, item, indent + 2);
}

ExitStatus show_info(Context& context, const NamedImage& image) {
    const auto chain = open_chain(context.world().file_system, image.path, image.parents);
    ShownProgress progress{context, "info"};
    const Json info = disk::image_info_json(chain, progress.work());
    progress.clear();
    context.show(info, [&](std::ostream& out) {
        for (const auto& [name, value] : info.items())
            print_facts(out, name, value, 0);
    });
    return ExitStatus::done;
}

/// A disk that somebody will rely on is not made of blocks that lie in one place.
disk::ImageChain open_sound_chain(FileSystem& file_system, const std::filesystem::path& image,
                                  const std::vector<std::filesystem::path>& parents) {
    auto chain = open_complete_chain(file_system, image, parents);
    for (const auto& layer : chain.layers())
        disk::check_block_aliasing(*layer);
    return chain;
}

ExitStatus compare(Context& context, const CompareValues& values) {
    auto& file_system = context.world().file_system;
    const auto first = open_sound_chain(file_system, values.first, values.parents);
    const auto second = open_sound_chain(file_system, values.second, values.parents);
    ShownProgress progress{context, "compare"};
    const auto comparison = disk::compare_disks(first, second, progress.work());
    first.check_unchanged();
    second.check_unchanged();
    Json ranges = Json::array();
    for (const auto& range : comparison.ranges)
        ranges.push_back({{"offset", range.offset}, {"length", range.length}});
    const Json document{{"equal", comparison.is_equal()},
                        {"first_size_bytes", comparison.first_size_bytes},
                        {"second_size_bytes", comparison.second_size_bytes},
                        {"differing_bytes", comparison.differing_bytes},
                        {"ranges", ranges},
                        {"truncated", comparison.is_truncated}};
    context.show(document, [&](std::ostream& out) {
        if (comparison.is_equal()) {
            out << "The disks are equal\n";
            return;
        }
        out << format_size(comparison.differing_bytes) << " differ; the disks have "
            << comparison.first_size_bytes << " and " << comparison.second_size_bytes << " bytes\n";
        for (const auto& range : comparison.ranges)
            out << range.offset << " + " << range.length << "\n";
    });
    return comparison.is_equal() ? ExitStatus::done : ExitStatus::failed;
}

ExitStatus convert(Context& context, const ConvertValues& values) {
    auto& file_system = context.world().file_system;
    disk::WriteOptions options;
    options.format = disk::parse_target_format(values.format);
    const bool is_diff = options.format == disk::TargetFormat::vhdx_diff;
    if (is_diff != !values.base.empty()) {
        throw Error{ErrorCode::usage, "--base belongs to --format vhdx-diff, and only to it"};
    }
    const auto source = open_sound_chain(file_system, values.source, values.parents);
    options.virtual_disk_id = source.leaf().info().virtual_disk_id;
    if (source.leaf().info().format == disk::ImageFormat::vhdx) {
        options.physical_sector_size = source.leaf().info().physical_sector_size;
    }
    options.created = context.world().clock.wall_now();
    std::optional<disk::ImageChain> base;
    if (is_diff) {
        base.emplace(open_sound_chain(file_system, values.base, values.parents));
        options.base = &*base;
        options.base_info = &base->leaf().info();
        options.base_file_name = values.base.filename().string();
        options.virtual_disk_id = base->leaf().info().virtual_disk_id;
    }
    ShownProgress progress{context, "convert"};
    disk::write_disk(file_system, context.world().random, source, values.target, options,
                     progress.work());
    const auto status = file_system.find_status(values.target);
    context.show_done(fmt::format("Wrote {}", values.target.string()),
                      {{"path", values.target.string()},
                       {"size_bytes", source.size_bytes()},
                       {"file_size_bytes", status ? status->size_bytes : 0}});
    return ExitStatus::done;
}

void declare_compare(CLI::App& command, CompareValues& values) {
    command.add_option("A", values.first, "An image")->required();
    command.add_option("B", values.second, "Another one")->required();
    declare_parents(command, values.parents);
}

void declare_convert(CLI::App& command, ConvertValues& values) {
    command.add_option("SRC", values.source, "VHDX, AVHDX, VHD, AVHD or raw")->required();
    command.add_option("DST", values.target, "A file that does not exist yet")->required();
    declare_parents(command, values.parents);
    command
        .add_option("--base", values.base,
                    "For vhdx-diff: the parent of DST, which holds what differs from it. DST names "
                    "it as a file beside itself")
        ->type_name("FILE");
    command.add_option("--format", values.format, "The format of DST")
        ->required()
        ->check(
            CLI::IsMember({"raw", "vhdx", "vhdx-fixed", "vhdx-diff", "vhd", "vhd-fixed", "qcow2"}));
}

}  // namespace

void add_image_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "image", "Disk image files; no data directory is needed");
    add_command<NamedImage>(*group, set.chosen, "info", "Show what stands in the headers",
                            declare_image, show_info);
    add_image_check_command(*group, set.chosen);
    add_image_map_command(*group, set.chosen);
    add_image_read_command(*group, set.chosen);
    add_command<CompareValues>(*group, set.chosen, "compare",
                               "Compare two disks; exit status 1: they differ", declare_compare,
                               compare);
    add_command<ConvertValues>(*group, set.chosen, "convert",
                               "Write a disk's content in another format", declare_convert,
                               convert);
}

}  // namespace entrepot::ctl

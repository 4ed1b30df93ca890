// image info, check, map, read, compare, convert: on files, without a data directory.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/image_chain_files.h"
#include "appliance/ctl/image_check_command.h"
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

constexpr std::size_t kMapExtentsMax = 1'000'000;
constexpr std::uint64_t kReadBytesMax = kGiB;
constexpr std::size_t kReadStepBytes = kMiB;

struct ImageValues {
    std::filesystem::path image;
    std::filesystem::path other;
    std::vector<std::filesystem::path> parents;
    std::filesystem::path base;
    std::string format;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
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

ExitStatus show_info(Context& context, const ImageValues& values) {
    const auto chain = open_chain(context.world().file_system, values.image, values.parents);
    const Json info = disk::image_info_json(chain);
    context.show(info, [&](std::ostream& out) {
        for (const auto& [name, value] : info.items())
            print_facts(out, name, value, 0);
    });
    return ExitStatus::done;
}

ExitStatus show_map(Context& context, const ImageValues& values) {
    const auto chain = open_chain(context.world().file_system, values.image, values.parents);
    const auto extents = disk::map_extents(chain, kMapExtentsMax);
    Json list = Json::array();
    for (const auto& extent : extents)
        list.push_back(disk::extent_json(extent));
    const Json document{{"size_bytes", chain.size_bytes()},
                        {"extents", list},
                        {"truncated", extents.size() == kMapExtentsMax}};
    context.show(document, [&](std::ostream& out) {
        Table table{{{"OFFSET", Align::right}, {"LENGTH", Align::right}, {"KIND"}}};
        for (const auto& extent : extents) {
            table.add_row({std::to_string(extent.offset), std::to_string(extent.length),
                           std::string{disk::to_string(extent.kind)}});
        }
        table.print(out);
    });
    return ExitStatus::done;
}

// Reads whole sectors around what was asked for, and gives only that.
Bytes read_range(const disk::DiskSource& source, std::uint64_t offset, std::size_t length) {
    const std::uint64_t sector = source.logical_sector_size();
    const std::uint64_t begin = offset / sector * sector;
    const std::uint64_t end =
        std::min(source.size_bytes(), (offset + length + sector - 1) / sector * sector);
    Bytes sectors(static_cast<std::size_t>(end - begin));
    source.read(begin, sectors);
    const auto first = sectors.begin() + static_cast<std::ptrdiff_t>(offset - begin);
    return {first, first + static_cast<std::ptrdiff_t>(length)};
}

ExitStatus read(Context& context, const ImageValues& values) {
    const auto chain =
        open_complete_chain(context.world().file_system, values.image, values.parents);
    const std::uint64_t size = chain.size_bytes();
    if (values.offset > size || values.length > size - values.offset) {
        throw Error{ErrorCode::usage,
                    fmt::format("bytes {} and the {} after it are not in a disk of {}",
                                values.offset, values.length, size),
                    "entrepot image info shows the size of the disk"};
    }
    if (context.options().is_json) {
        if (values.length > kReadBytesMax) {
            throw Error{ErrorCode::limit, "too much for one document", "leave --json away"};
        }
        const Bytes bytes =
            read_range(chain, values.offset, static_cast<std::size_t>(values.length));
        context.show({{"offset", values.offset}, {"data_base64", to_base64(bytes)}},
                     [](std::ostream&) {});
        return ExitStatus::done;
    }
    for (std::uint64_t done = 0; done < values.length;) {
        const auto step =
            static_cast<std::size_t>(std::min<std::uint64_t>(kReadStepBytes, values.length - done));
        const Bytes bytes = read_range(chain, values.offset + done, step);
        context.out() << as_text(bytes);
        done += step;
    }
    context.out() << std::flush;
    return ExitStatus::done;
}

ExitStatus compare(Context& context, const ImageValues& values) {
    auto& file_system = context.world().file_system;
    const auto first = open_complete_chain(file_system, values.image, {});
    const auto second = open_complete_chain(file_system, values.other, {});
    ShownProgress progress{context, "compare"};
    const auto comparison = disk::compare_disks(first, second, progress.work());
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

ExitStatus convert(Context& context, const ImageValues& values) {
    auto& file_system = context.world().file_system;
    disk::WriteOptions options;
    options.format = disk::parse_target_format(values.format);
    const bool is_diff = options.format == disk::TargetFormat::vhdx_diff;
    if (is_diff != !values.base.empty()) {
        throw Error{ErrorCode::usage, "--base belongs to --format vhdx-diff, and only to it"};
    }
    const auto source = open_complete_chain(file_system, values.image, values.parents);
    options.virtual_disk_id = source.leaf().info().virtual_disk_id;
    options.created = context.world().clock.wall_now();
    std::optional<disk::ImageChain> base;
    if (is_diff) {
        base.emplace(open_complete_chain(file_system, values.base, {}));
        options.base = &*base;
        options.base_info = &base->leaf().info();
        options.base_file_name = values.base.filename().string();
        options.virtual_disk_id = base->leaf().info().virtual_disk_id;
    }
    ShownProgress progress{context, "convert"};
    disk::write_disk(file_system, context.world().random, source, values.other, options,
                     progress.work());
    const auto status = file_system.find_status(values.other);
    context.show_done(fmt::format("Wrote {}", values.other.string()),
                      {{"path", values.other.string()},
                       {"size_bytes", source.size_bytes()},
                       {"file_size_bytes", status ? status->size_bytes : 0}});
    return ExitStatus::done;
}

void declare_image(CLI::App& command, ImageValues& values) {
    command.add_option("IMAGE", values.image, "VHDX, AVHDX, VHD, AVHD or raw")->required();
    command
        .add_option("--parent", values.parents,
                    "A parent, nearest first; else they are looked for beside the child, by "
                    "identity")
        ->type_name("FILE")
        ->allow_extra_args(false);
}

void declare_read(CLI::App& command, ImageValues& values) {
    declare_image(command, values);
    command.add_option("--offset", values.offset, "First byte")->required()->type_name("N");
    command.add_option("--length", values.length, "How many bytes")->required()->type_name("N");
}

void declare_convert(CLI::App& command, ImageValues& values) {
    command.add_option("SRC", values.image, "VHDX, AVHDX, VHD, AVHD or raw")->required();
    command.add_option("DST", values.other, "A file that does not exist yet")->required();
    command.add_option("--parent", values.parents, "A parent of SRC, nearest first")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command.add_option("--base", values.base, "The parent of DST, for vhdx-diff")
        ->type_name("FILE");
    command.add_option("--format", values.format, "The format of DST")
        ->required()
        ->check(
            CLI::IsMember({"raw", "vhdx", "vhdx-fixed", "vhdx-diff", "vhd", "vhd-fixed", "qcow2"}));
}

}  // namespace

void add_image_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "image", "Disk image files; no data directory is needed");
    add_command<ImageValues>(*group, set.chosen, "info", "Show what stands in the headers",
                             declare_image, show_info);
    add_image_check_command(*group, set.chosen);
    add_command<ImageValues>(*group, set.chosen, "map", "Show where there is data", declare_image,
                             show_map);
    add_command<ImageValues>(*group, set.chosen, "read", "Write bytes to standard output",
                             declare_read, read);
    add_command<ImageValues>(
        *group, set.chosen, "compare", "Compare two disks; exit status 1: they differ",
        [](CLI::App& command, ImageValues& values) {
            command.add_option("A", values.image, "An image")->required();
            command.add_option("B", values.other, "Another one")->required();
        },
        compare);
    add_command<ImageValues>(*group, set.chosen, "convert",
                             "Write a disk's content in another format", declare_convert, convert);
}

}  // namespace entrepot::ctl

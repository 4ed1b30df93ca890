// image map: where there is data. A disk may have as many extents as sectors, so that nothing here
// holds them all: they are written as they are found.
#include "appliance/ctl/image_map_command.h"

#include "appliance/ctl/image_chain_files.h"
#include "appliance/ctl/image_options.h"
#include "appliance/ctl/shown_progress.h"

#include "storage/disk/image_report.h"

#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>

namespace entrepot::ctl {
namespace {

/// A table that is damaged further on must not leave half a document, so that all is looked at
/// before the first word.
void look_through(const disk::DiskSource& source, const Work& work) {
    disk::walk_extents(source, [&](const disk::DiskExtent& extent) {
        work.progress.report("looking", extent.offset, source.size_bytes());
        work.throw_if_stopped();
        return true;
    });
}

void print_document(const disk::DiskSource& source, const Work& work, std::ostream& out) {
    out << "{\n  \"extents\": [";
    const char* separator = "\n";
    disk::walk_extents(source, [&](const disk::DiskExtent& extent) {
        work.throw_if_stopped();
        out << separator << "    " << dump_json(disk::extent_json(extent));
        separator = ",\n";
        return true;
    });
    out << fmt::format("\n  ],\n  \"size_bytes\": {}\n}}\n", source.size_bytes());
}

void print_table(const disk::DiskSource& source, const Work& work, std::ostream& out) {
    // As wide as the largest number can be: the size of the disk.
    const std::size_t width =
        std::max(std::string_view{"OFFSET"}.size(), std::to_string(source.size_bytes()).size());
    out << fmt::format("{:>{}}  {:>{}}  KIND\n", "OFFSET", width, "LENGTH", width);
    disk::walk_extents(source, [&](const disk::DiskExtent& extent) {
        work.throw_if_stopped();
        out << fmt::format("{:>{}}  {:>{}}  {}\n", extent.offset, width, extent.length, width,
                           disk::to_string(extent.kind));
        return true;
    });
}

ExitStatus show_map(Context& context, const NamedImage& image) {
    const auto chain = open_chain(context.world().file_system, image.path, image.parents);
    ShownProgress progress{context, "map"};
    const Work work = progress.work();
    look_through(chain, work);
    progress.clear();
    std::ostream& out = context.out();
    if (context.options().is_json) {
        print_document(chain, work, out);
    } else {
        print_table(chain, work, out);
    }
    out << std::flush;
    return ExitStatus::done;
}

}  // namespace

void add_image_map_command(CLI::App& group, Action& chosen) {
    add_command<NamedImage>(group, chosen, "map", "Show where there is data", declare_image,
                            show_map);
}

}  // namespace entrepot::ctl

// image read: bytes of a disk on standard output, as they are.
#include "appliance/ctl/image_read_command.h"

#include "appliance/ctl/image_chain_files.h"
#include "appliance/ctl/image_options.h"
#include "appliance/ctl/shown_progress.h"

#include "base/bytes.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kReadStepBytes = kMiB;
/// A document is in memory as a whole, several times over.
constexpr std::uint64_t kReadBytesInJsonMax = 4 * kMiB;

struct ReadValues {
    NamedImage image;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

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

void check_range(const disk::DiskSource& source, const ReadValues& values) {
    const std::uint64_t size = source.size_bytes();
    if (values.offset <= size && values.length <= size - values.offset) return;
    throw Error{ErrorCode::usage,
                fmt::format("bytes {} and the {} after it are not in a disk of {}", values.offset,
                            values.length, size),
                "entrepot image info shows the size of the disk"};
}

void show_document(Context& context, const disk::DiskSource& source, const ReadValues& values) {
    if (values.length > kReadBytesInJsonMax) {
        throw Error{ErrorCode::limit,
                    fmt::format("one document holds at most {} bytes, and {} were asked for",
                                kReadBytesInJsonMax, values.length),
                    "leave --json away, or read piece by piece"};
    }
    const Bytes bytes = read_range(source, values.offset, static_cast<std::size_t>(values.length));
    context.show({{"offset", values.offset}, {"data_base64", to_base64(bytes)}},
                 [](std::ostream&) {});
}

ExitStatus read(Context& context, const ReadValues& values) {
    const auto chain =
        open_complete_chain(context.world().file_system, values.image.path, values.image.parents);
    check_range(chain, values);
    if (context.options().is_json) {
        show_document(context, chain, values);
        return ExitStatus::done;
    }
    ShownProgress progress{context, "read"};
    const Work work = progress.work();
    std::ostream& out = context.out();
    for (std::uint64_t done = 0; done < values.length && out;) {
        work.progress.report("reading", done, values.length);
        work.throw_if_stopped();
        const auto step =
            static_cast<std::size_t>(std::min<std::uint64_t>(kReadStepBytes, values.length - done));
        const Bytes bytes = read_range(chain, values.offset + done, step);
        out << as_text(bytes);
        done += step;
    }
    progress.clear();
    out << std::flush;
    return ExitStatus::done;
}

}  // namespace

void add_image_read_command(CLI::App& group, Action& chosen) {
    add_command<ReadValues>(
        group, chosen, "read", "Write bytes to standard output",
        [](CLI::App& command, ReadValues& values) {
            declare_image(command, values.image);
            command.add_option("--offset", values.offset, "First byte")->required()->type_name("N");
            command.add_option("--length", values.length, "How many bytes")
                ->required()
                ->type_name("N");
        },
        read);
}

}  // namespace entrepot::ctl

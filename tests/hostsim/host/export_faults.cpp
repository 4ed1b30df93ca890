// Strange files, one kind per fault.
#include "tests/hostsim/host/export_faults.h"

#include "base/guid.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

namespace entrepot::hostsim {
namespace {

constexpr std::uint64_t kHugeBytes = std::uint64_t{8} << 40;
constexpr std::size_t kNoiseOffset = 4096;
constexpr std::size_t kNoiseBytes = 16384;
constexpr unsigned long kFileCountMax = 100'000;

/// A server may refuse a name; then there is no such file.
void write_where_possible(const ExportPlace& place, const std::string& name) {
    try {
        write_opaque(place.target, place.path + "/Virtual Hard Disks/" + name, 8192, "?",
                     place.random);
    } catch (const TargetFailure&) {
        return;
    }
}

void write_odd_names(const ExportPlace& place) {
    // A name in both forms of Unicode, names that differ in case, names that Windows reserves.
    for (const char* name : {"WEB01.VHDX", "Web01.Vhdx", "caf\xC3\xA9.vhdx", "cafe\xCC\x81.vhdx",
                             "trailing.vhdx.", "CON", "a:b.vhdx"}) {
        write_where_possible(place, name);
    }
    write_where_possible(place, std::string(250, 'x') + ".vhd");
}

void write_many(const ExportPlace& place, const std::string& count_text) {
    const unsigned long count =
        std::min(std::strtoul(count_text.c_str(), nullptr, 10), kFileCountMax);
    for (unsigned long i = 0; i < count; ++i) {
        const auto file = place.target.create(fmt::format("{}/many-{}.tmp", place.path, i));
        file->close();
    }
}

void write_huge(const ExportPlace& place) {
    const auto file = place.target.create(place.path + "/Virtual Hard Disks/pagefile.vhdx");
    try {
        file->truncate(kHugeBytes);
    } catch (const TargetFailure&) {
        // The file system has a limit of its own; the file is there.
    }
    file->close();
}

/// The first image there is, on this machine.
std::filesystem::path find_image(const std::filesystem::path& folder) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{folder, ignored}) {
        if (entry.is_regular_file(ignored)) return entry.path();
    }
    return {};
}

void put_link(const ExportPlace& place) {
    const auto image = find_image(place.local / "Virtual Hard Disks");
    if (image.empty()) return;
    auto moved = image;
    moved += ".moved";
    std::filesystem::rename(image, moved);
    std::filesystem::create_symlink(moved, image);
}

}  // namespace

void write_opaque(ShareTarget& target, const std::string& path, std::size_t size,
                  std::string_view signature, Random& random) {
    Bytes bytes(size);
    const ByteView start = as_bytes(signature);
    std::copy(start.begin(), start.end(), bytes.begin());
    random.fill(
        MutableByteView{bytes}.subspan(kNoiseOffset, std::min(size - kNoiseOffset, kNoiseBytes)));
    const auto file = target.create(path);
    file->write(0, bytes);
    file->close();
}

void add_export_faults(const ExportPlace& place) {
    constexpr const char* kExport = "ExportSystemDefinition";
    const auto take = [&](const char* name) { return place.faults.take(name, kExport); };
    if (take("extra-files")) {
        for (const char* name :
             {"/Virtual Hard Disks/setup.exe", "/readme.txt", "/Snapshots.xml"}) {
            write_opaque(place.target, place.path + name, 8192, "MZ", place.random);
        }
    }
    if (take("second-configuration")) {
        const std::string id = Guid::make_random(place.random).to_upper_string();
        write_opaque(place.target, place.path + "/Virtual Machines/" + id + ".vmcx", 40994, "\x01",
                     place.random);
    }
    if (const auto count = take("many-files")) write_many(place, *count);
    if (take("huge-file")) write_huge(place);
    if (take("odd-names")) write_odd_names(place);
    if (place.local.empty()) return;
    if (take("link-for-image")) put_link(place);
    if (take("fifo-beside")) {
        ::mkfifo((place.local / "Virtual Hard Disks" / "web01.fifo.vhdx").c_str(), 0600);
    }
}

}  // namespace entrepot::hostsim

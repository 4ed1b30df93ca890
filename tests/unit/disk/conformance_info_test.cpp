// What we say of real images against what libvhdi's vhdiinfo says: type, size, identities, parent.
// Where it is wrong is listed in the README beside this file.
#include "storage/disk/image_chain.h"
#include "storage/disk/image_report.h"

#include "tests/support/temporary_directory.h"
#include "tests/unit/disk/other_readers.h"
#include "tests/unit/disk/real_images.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

namespace entrepot::disk {
namespace {

constexpr const char* kImages[] = {
    "dfvfs-ext2.vhd.gz",
    "dfvfs-ext2.vhdx.gz",
    "dfvfs-fat-differential.vhdx.gz",
    "dfvfs-fat-parent.vhdx.gz",
    "dfvfs-ntfs-differential.vhd.gz",
    "dfvfs-ntfs-dynamic.vhd.gz",
    "dfvfs-ntfs-dynamic.vhdx.gz",
    "dfvfs-ntfs-fixed.vhd.gz",
    "dfvfs-ntfs-fixed.vhdx.gz",
    "dfvfs-ntfs-parent.vhd.gz",
    "discutils-btrfs.vhdx.gz",
    "discutils-swap.vhdx.gz",
    "dissect-differencing.avhdx.gz",
    "dissect-dynamic.vhd.gz",
    "dissect-dynamic.vhdx.gz",
    "dissect-fixed.vhd.gz",
    "dissect-fixed.vhdx.gz",
    "qemu-hyperv2012r2-dynamic.vhd.bz2",
    "qemu-iotest-dirtylog-10G-4M.vhdx.bz2",
    "qemu-iotest-dynamic-1G.vhdx.bz2",
    "qemu-virtualpc-dynamic.vhd.bz2",
};
/// Unpacking them takes longer than all the others.
constexpr const char* kLargeImages[] = {
    "discutils-xfs.vhdx.gz",
    "discutils-xfs5.vhdx.gz",
};

/// The lines "	Disk type		: Dynamic" by their names.
std::map<std::string, std::string> parse(const std::string& output) {
    std::map<std::string, std::string> values;
    for (std::size_t begin = 0; begin < output.size();) {
        const std::size_t end = std::min(output.find('\n', begin), output.size());
        const std::string line = output.substr(begin, end - begin);
        const std::size_t colon = line.find("\t: ");
        if (line.starts_with('\t') && colon != std::string::npos) {
            const std::string name = line.substr(1, line.find('\t', 1) - 1);
            values[name] = line.substr(colon + 3);
        }
        begin = end + 1;
    }
    return values;
}

std::uint64_t bytes_of(const std::string& size) {
    const std::size_t open = size.find('(');
    return open == std::string::npos ? 0 : std::stoull(size.substr(open + 1));
}

/// vhdiinfo's word for a type.
std::string word_for(const std::string& type) {
    if (type == "differencing") return "Differential";
    return type == "fixed" ? "Fixed" : "Dynamic";
}

/// False where vhdiinfo is not installed.
bool check_facts(const std::filesystem::path& images, const std::string& name) {
    INFO(name);
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / std::filesystem::path{name}.stem();
    test::unpack(images / name, path);
    std::string output;
    if (!test::run_program({"vhdiinfo", path.string()}, &output)) {
        WARN("skipped: vhdiinfo is not installed");
        return false;
    }
    PosixFileSystem files;
    NullProgress progress;
    const auto theirs = parse(output);
    const ImageChain chain{{open_any(files.open_read(path))}};
    const Json layer = image_info_json(chain, Work{progress}).at("layers").at(0);
    const bool is_vhdx = layer.at("format") == "vhdx";
    CHECK(theirs.at("Format") == (is_vhdx ? "VHDX (version 2)" : "VHD (version 1)"));
    CHECK(theirs.at("Disk type") == word_for(layer.at("type")));
    CHECK(bytes_of(theirs.at("Media size")) == layer.at("virtual_size_bytes"));
    const Json& vhd = layer.at("vhd");
    CHECK(theirs.at("Identifier") ==
          (is_vhdx ? layer.at("data_write_guid") : vhd.at("unique_id_in_file_order")));

    const Json& parent = layer.at("parent");
    REQUIRE(theirs.contains("Parent identifier") == !parent.is_null());
    if (parent.is_null()) return true;
    CHECK(theirs.at("Parent identifier") ==
          (is_vhdx ? parent.at("linkage") : vhd.at("parent_unique_id_in_file_order")));
    CHECK(theirs.at("Parent filename") == parent.at("absolute_path"));
    return true;
}

/// By the names of the files, packed as they are.
bool is_image(const std::filesystem::path& packed) {
    const std::string extension = packed.stem().extension().string();
    return extension == ".vhdx" || extension == ".avhdx" || extension == ".vhd";
}

}  // namespace

TEST_CASE("conformance: facts of real images are what vhdiinfo says", "[disk][conformance]") {
    const auto images = test::find_images();
    if (!images) return;
    for (const char* name : kImages)
        if (!check_facts(*images, name)) return;
}

TEST_CASE("conformance: facts of large real images", "[.][large]") {
    const auto images = test::find_images();
    if (!images) return;
    for (const char* name : kLargeImages)
        if (!check_facts(*images, name)) return;
}

TEST_CASE("conformance: no real image is left out", "[disk][conformance]") {
    const auto images = test::find_images();
    if (!images) return;
    std::set<std::string> known{std::begin(kImages), std::end(kImages)};
    known.insert(std::begin(kLargeImages), std::end(kLargeImages));
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator{*images})
        if (is_image(entry.path())) found.insert(entry.path().filename().string());
    CHECK(found == known);
}

}  // namespace entrepot::disk

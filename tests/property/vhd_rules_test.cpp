// The checker of VHD files: sound files keep all rules, each lie breaks the one it should.
#include "tests/property/vhd_rules.h"

#include "tests/property/vhd_layout.h"
#include "tests/property/writers.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>
#include <functional>

namespace entrepot::property {
namespace {

constexpr std::uint64_t kDiskBytes = 5 * kMiB + 512;

std::filesystem::path write_image(Writer writer, const std::filesystem::path& directory) {
    Sequence sequence;
    sequence.size_bytes = kDiskBytes;
    sequence.layers = {{writer, 2 * kMiB, {{OperationKind::write, {kMiB, 2 * kMiB}, 1}}}};
    Subject subject;
    Chance chance{1};
    add_image(subject, sequence, 0, directory, chance);
    return subject.leaf().path;
}

/// The footer at the end and its copy get the same number, and a right checksum.
void poke_footers(File& file, std::size_t offset, std::size_t length, std::uint64_t value) {
    Bytes footer = file.read_exactly(0, kVhdFooterBytes);
    store_big(footer, offset, length, value);
    store_big(footer, VhdLayout::kFooterChecksum, 4,
              vhd_checksum(footer, VhdLayout::kFooterChecksum));
    file.write(0, footer);
    file.write(file.size() - kVhdFooterBytes, footer);
}

void poke_header(File& file, std::size_t offset, std::size_t length, std::uint64_t value) {
    Bytes header = file.read_exactly(512, kVhdHeaderBytes);
    store_big(header, offset, length, value);
    store_big(header, VhdLayout::kHeaderChecksum, 4,
              vhd_checksum(header, VhdLayout::kHeaderChecksum));
    file.write(512, header);
}

void poke_table(File& file, std::uint64_t block, std::uint64_t sector) {
    const Bytes header = file.read_exactly(512, kVhdHeaderBytes);
    Bytes entry(4);
    store_big(entry, 0, 4, sector);
    file.write(load_big(header, VhdLayout::kTableOffset, 8) + block * 4, entry);
}

struct Lie {
    const char* expected;
    std::function<void(File&)> tell;
};

const Lie kLies[] = {
    {"footer: features", [](File& f) { poke_footers(f, 8, 4, 0); }},
    {"footer: current size", [](File& f) { poke_footers(f, 48, 8, kDiskBytes + 512); }},
    {"footer: geometry", [](File& f) { poke_footers(f, 56, 2, 9); }},
    {"footer: reserved bytes", [](File& f) { poke_footers(f, 500, 1, 1); }},
    {"footer: checksum", [](File& f) { f.write(f.size() - 512 + 30, Bytes(1, std::byte{1})); }},
    {"copy differs", [](File& f) { f.write(100, Bytes(1, std::byte{1})); }},
    {"dynamic header: blocks of", [](File& f) { poke_header(f, 32, 4, 3 * kMiB); }},
    {"dynamic header: 9 entries", [](File& f) { poke_header(f, 28, 4, 9); }},
    {"dynamic header: a parent", [](File& f) { poke_header(f, 40, 4, 1); }},
    {"overlaps", [](File& f) { poke_table(f, 2, 3); }},
    {"belongs to no block", [](File& f) { poke_table(f, 3, 4096); }},
    {"the bit of sector",
     [](File& f) {
         const Bytes entry = f.read_exactly(1536, std::size_t{4});
         f.write(load_big(entry, 0, 4) * 512 + 7, Bytes(1));
     }},
};

}  // namespace

TEST_CASE("vhd rules: what our writers and the tests' own write keeps them", "[property]") {
    for (const Writer writer : {Writer::ours_vhd, Writer::ours_vhd_fixed, Writer::maker_vhd}) {
        const test::TemporaryDirectory directory;
        const auto path = write_image(writer, directory.path());
        CHECK(find_broken_vhd_rules(path, kDiskBytes) == std::vector<std::string>{});
    }
}

TEST_CASE("vhd rules: each lie breaks a rule", "[property]") {
    for (const Lie& lie : kLies) {
        INFO(lie.expected);
        const test::TemporaryDirectory directory;
        const auto path = write_image(Writer::ours_vhd, directory.path());
        PosixFileSystem files;
        lie.tell(*files.open_write(path));
        std::string all;
        for (const std::string& words : find_broken_vhd_rules(path, kDiskBytes))
            all += words + "\n";
        INFO(all);
        CHECK(all.find(lie.expected) != std::string::npos);
    }
}

}  // namespace entrepot::property

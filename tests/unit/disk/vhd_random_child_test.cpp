// Children with random bitmaps over a parent, read by us, by 7-Zip and by a model: qemu-img cannot
// read them, and libvhdi misreads such bitmaps (README.md).
#include "storage/disk/image_chain.h"

#include "base/file_system.h"
#include "base/random.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/vhd_image_builder.h"
#include "tests/unit/disk/other_readers.h"

#include <catch2/catch.hpp>

namespace entrepot::disk {
namespace {

using test::VhdImageBuilder;

constexpr std::uint64_t kSize = 6 * kMiB + 512;
constexpr std::uint64_t kBlock = 2 * kMiB;
constexpr std::uint64_t kSectorsPerBlock = kBlock / 512;
constexpr std::uint64_t kStrideSectors = 4104;

void store(const VhdImageBuilder& builder, const std::string& path) {
    PosixFileSystem files;
    const auto image = builder.build();
    Bytes content(image->size());
    image->read_exactly(0, content);
    files.create(path)->write(0, content);
}

/// Runs of equal bits of random lengths, so that bytes of bits are mixed, empty and full.
void set_bits(SeededRandom& random, Bytes& bitmap) {
    for (std::uint64_t sector = 0; sector < kSectorsPerBlock;) {
        const bool is_here = random.u64() % 2 == 0;
        const std::uint64_t longest = random.u64() % 3 == 0 ? 600 : 12;
        const std::uint64_t end = std::min(sector + 1 + random.u64() % longest, kSectorsPerBlock);
        for (; sector < end; ++sector) {
            if (is_here) bitmap[sector / 8] |= std::byte{0x80} >> (sector % 8);
        }
    }
}

/// A block of the child: its space in the file, random bits, and what the disk then holds.
void add_block(SeededRandom& random, VhdImageBuilder& child, std::uint64_t block, Bytes& model) {
    const std::uint64_t first = 4095 + block * kStrideSectors;
    Bytes bitmap(512);
    set_bits(random, bitmap);
    Bytes data(kBlock);  // Also where the bit is clear: those bytes belong to nobody.
    random.fill(data);
    for (std::uint64_t sector = 0; sector < kSectorsPerBlock; ++sector) {
        const std::uint64_t offset = block * kBlock + sector * 512;
        if (offset >= model.size()) break;
        if ((bitmap[sector / 8] & std::byte{0x80} >> (sector % 8)) == std::byte{0}) continue;
        std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(sector * 512), 512,
                    model.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    child.block(block, static_cast<std::uint32_t>(first));
    child.content(first * 512, std::move(bitmap)).content((first + 1) * 512, std::move(data));
}

}  // namespace

TEST_CASE("vhd: random children read as their bitmaps say", "[disk][vhd]") {
    const std::uint64_t seed = GENERATE(range(1, 9));
    INFO("seed " << seed);
    SeededRandom random{seed};
    const test::TemporaryDirectory directory;
    const auto path = [&](const char* name) { return (directory.path() / name).string(); };

    Bytes model(kSize);
    random.fill(model);
    VhdImageBuilder base;
    base.size_bytes = kSize;
    base.fixed().content(0, model);
    store(base, path("base.vhd"));

    VhdImageBuilder child;
    child.size_bytes = kSize;
    child.unique_id = Guid::make_random(random);
    child.child_of(base.unique_id, path("base.vhd")).locator("W2ru", 8192, ".\\base.vhd");
    child.file_size_bytes = (4095 + 4 * kStrideSectors) * 512;
    for (std::uint64_t block = 0; block < 4; ++block) {
        if (random.u64() % 4 != 0) add_block(random, child, block, model);
    }
    store(child, path("child.vhd"));

    PosixFileSystem files;
    const ImageChain chain{{open_vhd(files.open_read(path("child.vhd"))),
                            open_vhd(files.open_read(path("base.vhd")))}};
    Bytes ours(kSize);
    chain.read(0, ours);
    // In parentheses: printing millions of bytes would take minutes.
    CHECK((ours == model));

    REQUIRE(test::run_program(
        {"7z", "e", "-y", "-tvhd", "-bso0", "-bsp0", "-o" + path("out"), path("child.vhd")}));
    const auto extracted = std::filesystem::directory_iterator {
        path("out")
        } -> path();
    CHECK((files.read_file(extracted, kSize + 1) == model));
}

}  // namespace entrepot::disk

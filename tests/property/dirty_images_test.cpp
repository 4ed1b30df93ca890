// Real images whose host lost power: our replay in memory against qemu's repair of a copy.
#include "storage/disk/disk_image.h"
#include "storage/disk/disk_writer.h"

#include "base/little_endian.h"
#include "tests/property/program.h"
#include "tests/property/readers.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>
#include <cstdlib>

namespace entrepot::property {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeadBytes = 192 * kKiB;
constexpr std::size_t kHoleBytes = 64 * kKiB;

std::optional<fs::path> find_images() {
    const char* shared = std::getenv("ENTREPOT_SHARED");
    const fs::path root =
        shared != nullptr ? fs::path{shared} : fs::path{ENTREPOT_SOURCE_DIR} / ".." / "shared";
    const fs::path images = root / "data" / "vhdx";
    if (fs::is_directory(images)) return images;
    WARN("skipped: there is no " << images.string() << "; set ENTREPOT_SHARED");
    return std::nullopt;
}

struct Enough {};

std::vector<std::string> unpacker(const fs::path& packed) {
    return {packed.extension() == ".bz2" ? "bzip2" : "gzip", "-dc", packed.string()};
}

/// By the current header's LogGuid.
bool is_dirty(const fs::path& packed) {
    Bytes head;
    try {
        run_program(unpacker(packed), "/", [&](ByteView part) {
            head.insert(head.end(), part.begin(), part.end());
            if (head.size() >= kHeadBytes) throw Enough{};
        });
    } catch (const Enough&) {
        // The rest is not needed.
    }
    if (head.size() < kHeadBytes || as_text(ByteView{head}.first(8)) != "vhdxfile") return false;
    const bool is_first = load_u64(head, 64 * kKiB + 8) > load_u64(head, 128 * kKiB + 8);
    const std::size_t current = is_first ? 64 * kKiB : 128 * kKiB;
    return !is_zero(ByteView{head}.subspan(current + 48, Guid::kSizeBytes));
}

void unpack(const fs::path& packed, const fs::path& target) {
    PosixFileSystem files;
    const auto file = files.create(target);
    std::uint64_t offset = 0;
    const Finished finished = run_program(unpacker(packed), "/", [&](ByteView part) {
        while (!part.empty()) {
            const ByteView piece = part.first(std::min(part.size(), kHoleBytes));
            if (!is_zero(piece)) file->write(offset, piece);
            offset += piece.size();
            part = part.subspan(piece.size());
        }
    });
    REQUIRE(finished.status == 0);
    file->truncate(offset);
}

}  // namespace

TEST_CASE("dirty logs: real images read as qemu repairs them", "[property]") {
    const auto images = find_images();
    if (!images) return;
    if (!is_present(Reader::qemu)) {
        WARN("skipped: qemu-img is not here");
        return;
    }
    int count = 0;
    for (const auto& entry : fs::directory_iterator{*images}) {
        if (entry.path().filename().string().find("vhdx.") == std::string::npos) continue;
        if (!is_dirty(entry.path())) continue;
        INFO(entry.path().filename().string());
        const test::TemporaryDirectory directory;
        const fs::path image = directory.path() / "dirty.vhdx";
        const fs::path repaired = directory.path() / "repaired.vhdx";
        const fs::path raw = directory.path() / "ours.raw";
        unpack(entry.path(), image);
        unpack(entry.path(), repaired);

        PosixFileSystem files;
        NullProgress progress;
        SeededRandom random{1};
        const auto opened = disk::open_vhdx(files.open_read(image));
        CHECK(opened->info().is_log_dirty);
        disk::write_disk(files, random, *opened, raw, {}, Work{progress});
        const Answer repair =
            ask_program({"qemu-img", "check", "-q", "-f", "vhdx", "-r", "all", "repaired.vhdx"},
                        directory.path());
        CHECK(repair.status == 0);
        const Answer compared = ask_program(
            {"qemu-img", "compare", "-f", "vhdx", "-F", "raw", "repaired.vhdx", "ours.raw"},
            directory.path());
        CHECK(compared.out == "Images are identical.\n");
        CHECK(compared.status == 0);
        ++count;
    }
    CHECK(count >= 1);
}

}  // namespace entrepot::property

// A small XFS of which any byte may be another one, with the checksums made right afterwards, so
// that they keep nothing out. Input: version 4 (even) or 5 (odd), then pieces: place in units of
// four bytes (u16), length (u8), bytes.
#include "storage/guest/guest_file_system.h"
#include "storage/guest/volumes.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"
#include "storage/guest_model/protocol.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/xfs_forge.h"

namespace entrepot {
namespace {

constexpr std::size_t kDepthMax = 3;
constexpr std::size_t kPageEntries = 5;
constexpr std::size_t kFilesMax = 300;

/// Nothing is read beyond its end.
class StrictDisk final : public disk::DiskSource {
public:
    explicit StrictDisk(Bytes content) : content_(std::move(content)) {}
    std::uint64_t size_bytes() const override { return content_.size(); }
    std::uint32_t logical_sector_size() const override { return 512; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        fuzz::require(offset <= content_.size() && target.size() <= content_.size() - offset,
                      "a read is in the disk");
        std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), target.size(),
                    target.begin());
    }
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        return {offset, std::min(length_max, size_bytes() - offset), disk::ExtentKind::data};
    }

private:
    Bytes content_;
};

/// Looks at all files, and at what is said of them.
class Visitor {
public:
    explicit Visitor(guest::GuestFileSystem& files) : files_(files) {}

    void visit_folder(const std::string& path, std::size_t depth) {
        std::string after;
        for (bool has_more = true; has_more && count_ < kFilesMax;) {
            guest::FolderPage page;
            if (fuzz::allow_refusal([&] { page = files_.list(path, {after, kPageEntries}); }))
                return;
            // What the worker says must be what its parent takes.
            page = guest::decode_page(guest::encode(page));
            fuzz::require(!page.has_more || !page.entries.empty(), "a page goes on");
            for (const guest::FileEntry& entry : page.entries) {
                fuzz::require(after < entry.name, "names are in order, each once");
                fuzz::require(guest::is_shown_name(entry.name), "a name is harmless");
                after = entry.name;
                ++count_;
                visit(path + (path == "/" ? "" : "/") + entry.name, entry, depth);
            }
            has_more = page.has_more;
        }
    }

private:
    void visit(const std::string& path, const guest::FileEntry& entry, std::size_t depth) {
        fuzz::allow_refusal([&] { guest::decode_status(guest::encode(files_.status(path))); });
        if (entry.kind == guest::FileKind::folder && depth < kDepthMax) {
            visit_folder(path, depth + 1);
        }
        if (entry.kind != guest::FileKind::file) return;
        fuzz::allow_refusal([&] {
            Bytes begin(static_cast<std::size_t>(std::min<std::uint64_t>(entry.size_bytes, 9000)));
            files_.read(path, {}, 0, begin);
            files_.read(path, {}, entry.size_bytes - begin.size(), begin);
        });
    }

    guest::GuestFileSystem& files_;
    std::size_t count_ = 0;
};

Bytes make_disk(fuzz::Input& input) {
    static const test::XfsForge kForges[]{test::forge_xfs(4), test::forge_xfs(5)};
    const test::XfsForge& forge = kForges[input.u8() & 1U];
    test::XfsForge copy = forge;
    fuzz::fill_with_pieces(input, 4, copy.bytes());
    copy.seal();
    return copy.bytes();
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const StrictDisk disk{make_disk(input)};
    const guest::VolumeTable table = guest::read_volumes(disk);
    guest::decode_volumes(guest::encode(table));
    fuzz::allow_refusal([&] {
        const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
        Visitor{*files}.visit_folder("/", 0);
    });
    return 0;
}

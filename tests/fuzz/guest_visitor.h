// What a fuzz target does with a guest's volume: all that a user could, and what is promised of it.
#pragma once

#include "storage/guest/guest_file_system.h"
#include "storage/guest/volumes.h"
#include "storage/guest_model/name.h"
#include "storage/guest_model/protocol.h"

#include "tests/fuzz/fuzz_input.h"

#include <algorithm>
#include <string>
#include <utility>

namespace entrepot::fuzz {

inline constexpr std::size_t kGuestDepthMax = 3;
inline constexpr std::size_t kGuestPageEntries = 5;
inline constexpr std::size_t kGuestFilesMax = 300;

/// Nothing is read beyond its end.
class StrictGuestDisk final : public disk::DiskSource {
public:
    explicit StrictGuestDisk(Bytes content) : content_(std::move(content)) {}
    std::uint64_t size_bytes() const override { return content_.size(); }
    std::uint32_t logical_sector_size() const override { return 512; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        require(offset <= content_.size() && target.size() <= content_.size() - offset,
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
class GuestVisitor {
public:
    explicit GuestVisitor(guest::GuestFileSystem& files) : files_(files) {}

    void visit_folder(const std::string& path, std::size_t depth) {
        std::string after;
        for (bool has_more = true; has_more && count_ < kGuestFilesMax;) {
            guest::FolderPage page;
            if (allow_refusal([&] { page = files_.list(path, {after, kGuestPageEntries}); }))
                return;
            // What the worker says must be what its parent takes.
            page = guest::decode_page(guest::encode(page));
            require(!page.has_more || !page.entries.empty(), "a page goes on");
            for (const guest::FileEntry& entry : page.entries) {
                require(after < entry.name, "names are in order, each once");
                require(guest::is_shown_name(entry.name), "a name is harmless");
                after = entry.name;
                ++count_;
                visit(path + (path == "/" ? "" : "/") + entry.name, entry, depth);
            }
            has_more = page.has_more;
        }
    }

private:
    void visit(const std::string& path, const guest::FileEntry& entry, std::size_t depth) {
        allow_refusal([&] { guest::decode_status(guest::encode(files_.status(path))); });
        if (entry.kind == guest::FileKind::folder && depth < kGuestDepthMax) {
            visit_folder(path, depth + 1);
        }
        if (entry.kind != guest::FileKind::file) return;
        allow_refusal([&] {
            Bytes begin(static_cast<std::size_t>(std::min<std::uint64_t>(entry.size_bytes, 9000)));
            files_.read(path, {}, 0, begin);
            files_.read(path, {}, entry.size_bytes - begin.size(), begin);
        });
    }

    guest::GuestFileSystem& files_;
    std::size_t count_ = 0;
};

inline void visit_guest(Bytes content, guest::VolumeContent kind) {
    const StrictGuestDisk disk{std::move(content)};
    guest::decode_volumes(guest::encode(guest::read_volumes(disk)));
    allow_refusal([&] {
        const auto files = guest::open_file_system(disk, kind);
        GuestVisitor{*files}.visit_folder("/", 0);
    });
}

}  // namespace entrepot::fuzz

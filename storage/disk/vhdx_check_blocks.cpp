// Every entry of the allocation table, and who owns which MiB of the file (MS-VHDX 2.5; vhdx.md
// section 2). Parts of the table that are holes in the file say "not present" and are not read.
#include "storage/disk/block_table.h"
#include "storage/disk/hole_map.h"
#include "storage/disk/limits.h"
#include "storage/disk/space_map.h"
#include "storage/disk/structure_findings.h"
#include "storage/disk/vhdx_check.h"

#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <map>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::uint64_t kEntryBytes = 8;
/// Of runs of space that nobody owns; the rest is one more finding.
constexpr std::size_t kLeaksListedMax = 20;

/// An entry that is not zero.
struct Entry {
    std::uint64_t index = 0;
    std::uint64_t raw = 0;
    std::uint64_t state() const { return raw & kStateMask; }
    std::uint64_t file_offset() const { return raw & kOffsetMask; }
};

class BlocksCheck {
public:
    BlocksCheck(const ImageView& view, const Regions& regions, const Metadata& metadata,
                const Work& work, ImageCheck& check)
        : view_(view),
          regions_(regions),
          geometry_(metadata),
          work_(work),
          check_(check),
          found_(check, "BAT"),
          holes_(view.file()),
          space_(view.size_bytes()),
          chunk_ends_(geometry_.chunk_ratio + 1) {}

    BlockCounts run() {
        entry_count_ = geometry_.entry_count;
        const std::uint64_t room = regions_.bat.length / kEntryBytes;
        if (entry_count_ > room) {
            found_.damage(FindingKind::structure, "Length", regions_.bat.offset,
                          fmt::format("the region of {} bytes is too small for {} entries",
                                      regions_.bat.length, entry_count_));
            entry_count_ = room;
        }
        space_.take(0, kHeaderSectionBytes);
        for (const FileRange& range : regions_.occupied)
            space_.take(range.offset, range.length);
        walk([this](const Entry& entry) { check_entry(entry); });
        check_partial_chunk(geometry_.chunk_count);
        counts_.not_present = geometry_.block_count - payload_seen_;
        // Only when all content has its place: where an anchor and content meet, content is right.
        if (counts_.soft_anchors > 0) {
            found_.note(FindingKind::soft_anchor, "", std::nullopt,
                        fmt::format("{} blocks without content keep their file space",
                                    counts_.soft_anchors));
            walk([this](const Entry& entry) { check_anchor(entry); });
        }
        tell_collisions();
        find_leaks();
        return counts_;
    }

private:
    struct Collision {
        Entry entry;
        std::string owner;  ///< Of the place; found in a walk of its own.
    };

    std::uint64_t offset_of(std::uint64_t index) const {
        return regions_.bat.offset + index * kEntryBytes;
    }
    bool is_bitmap(std::uint64_t index) const { return index % chunk_ends_ == chunk_ends_ - 1; }
    std::uint64_t block_of(std::uint64_t index) const { return index - index / chunk_ends_; }
    std::uint64_t length_of(std::uint64_t index) const {
        return is_bitmap(index) ? kBitmapBlockBytes : geometry_.block_size_bytes;
    }
    std::string name_of(const Entry& entry) const {
        if (is_bitmap(entry.index)) {
            return fmt::format("entry {} of the bitmap of chunk {} ({:#018x})", entry.index,
                               entry.index / chunk_ends_, entry.raw);
        }
        return fmt::format("entry {} of block {} ({:#018x})", entry.index, block_of(entry.index),
                           entry.raw);
    }

    void walk(const std::function<void(const Entry&)>& visit) const {
        Bytes page;
        const std::uint64_t end = offset_of(entry_count_);
        for (std::uint64_t offset = regions_.bat.offset; offset < end;) {
            work_.throw_if_stopped();
            work_.progress.report("checking", offset - regions_.bat.offset,
                                  end - regions_.bat.offset);
            if (view_.is_plain(offset, end - offset)) {
                const auto run = holes_.run_at(offset, end - offset, kEntryBytes);
                if (run.is_hole) {
                    offset += run.length;
                    continue;
                }
            }
            const std::uint64_t length =
                std::min<std::uint64_t>(limits::kTablePageBytes, end - offset);
            page.resize(length);
            view_.read(offset, page);
            visit_page(offset, page, visit);
            offset += length;
        }
    }

    void visit_page(std::uint64_t offset, ByteView page,
                    const std::function<void(const Entry&)>& visit) const {
        if (is_zero(page)) return;
        const std::uint64_t first = (offset - regions_.bat.offset) / kEntryBytes;
        for (std::uint64_t i = 0; i < page.size() / kEntryBytes; ++i) {
            const std::uint64_t raw = load_u64(page, i * kEntryBytes);
            if (raw != 0) visit({first + i, raw});
        }
    }

    void damage(FindingKind kind, const Entry& entry, std::string_view field,
                const std::string& why) {
        found_.damage(kind, std::string{field}, offset_of(entry.index),
                      fmt::format("{} {}", name_of(entry), why));
    }

    void check_entry(const Entry& entry) {
        check_partial_chunk(entry.index / chunk_ends_);
        if ((entry.raw & kReservedMask) != 0) {
            damage(FindingKind::structure, entry, "Reserved", "has reserved bits set");
        }
        if (is_bitmap(entry.index)) {
            check_bitmap(entry);
        } else if (block_of(entry.index) >= geometry_.block_count) {
            found_.warn(FindingKind::structure, "State", offset_of(entry.index),
                        name_of(entry) + " is not zero, and the disk has no such block");
        } else {
            check_payload(entry);
        }
    }

    void check_payload(const Entry& entry) {
        const std::uint64_t block = block_of(entry.index);
        switch (entry.state()) {
            case kNotPresent:
                return;  // The offset means nothing here.
            case kUndefined:
            case kUnmapped:
                ++(entry.state() == kUndefined ? counts_.zero : counts_.unmapped);
                if (entry.file_offset() != 0) ++counts_.soft_anchors;
                break;
            case kZero:
                ++counts_.zero;
                break;
            case kPartiallyPresent:
                ++counts_.partial;
                if (!geometry_.has_parent) {
                    damage(FindingKind::structure, entry, "State",
                           "is partially present in an image without a parent");
                } else if (!first_partial_) {
                    first_partial_ = entry;
                }
                check_place(entry, geometry_.bytes_in_block(block));
                break;
            case kFullyPresent:
                ++counts_.present;
                check_place(entry, geometry_.bytes_in_block(block));
                break;
            default:
                damage(FindingKind::structure, entry, "State",
                       fmt::format("has the reserved state {}", entry.state()));
        }
        ++payload_seen_;
    }

    void check_bitmap(const Entry& entry) {
        const std::uint64_t state = entry.state();
        if (state == kNotPresent) return;
        ++counts_.bitmaps;
        if (state != kFullyPresent) {
            return damage(FindingKind::structure, entry, "State",
                          fmt::format("has the reserved state {}", state));
        }
        if (!geometry_.has_parent) {
            damage(FindingKind::structure, entry, "State",
                   "is present in an image without a parent");
        }
        const std::uint64_t chunk = entry.index / chunk_ends_;
        if (first_partial_ && first_partial_->index / chunk_ends_ == chunk) first_partial_.reset();
        if (check_place(entry, kBitmapBlockBytes) && chunk + 1 == geometry_.chunk_count) {
            check_stray_bits(entry);
        }
    }

    /// When the walk has left a chunk: its partial blocks need a bitmap.
    void check_partial_chunk(std::uint64_t chunk) {
        if (!first_partial_ || first_partial_->index / chunk_ends_ == chunk) return;
        damage(FindingKind::structure, *first_partial_, "State",
               fmt::format("is partially present, but chunk {} has no bitmap",
                           first_partial_->index / chunk_ends_));
        first_partial_.reset();
    }

    /// True if the bytes that are needed are there.
    bool check_place(const Entry& entry, std::uint64_t length_needed) {
        const std::uint64_t offset = entry.file_offset();
        const std::uint64_t file_size = view_.size_bytes();
        const std::uint64_t length = length_of(entry.index);
        if (offset < kHeaderSectionBytes) {
            damage(FindingKind::overlap, entry, "FileOffsetMB", "points into the header section");
            return false;
        }
        if (offset > file_size || length_needed > file_size - offset) {
            damage(FindingKind::structure, entry, "FileOffsetMB",
                   fmt::format("points to {} bytes at offset {} in a file of {} bytes",
                               length_needed, offset, file_size));
            return false;
        }
        if (length > file_size - offset) {
            found_.warn(FindingKind::short_block, "FileOffsetMB", offset_of(entry.index),
                        fmt::format("{}: the last block has {} bytes of file space instead of {}",
                                    name_of(entry), file_size - offset, length));
        }
        if (is_in_structure(entry, length)) return true;
        if (const auto place = space_.take(offset, length)) add_collision(*place, entry);
        return true;
    }

    bool is_in_structure(const Entry& entry, std::uint64_t length) {
        for (const FileRange& range : regions_.occupied) {
            if (!range.overlaps(entry.file_offset(), length)) continue;
            damage(FindingKind::overlap, entry, "FileOffsetMB",
                   fmt::format("points to offset {}, into the log or region at offset {} with "
                               "length {}",
                               entry.file_offset(), range.offset, range.length));
            return true;
        }
        return false;
    }

    bool is_anchor(const Entry& entry) const {
        if (is_bitmap(entry.index) || block_of(entry.index) >= geometry_.block_count) return false;
        const bool may_keep = entry.state() == kUndefined || entry.state() == kUnmapped;
        return may_keep && entry.file_offset() != 0;
    }

    /// Old content that may be kept. A reader never looks at it.
    void check_anchor(const Entry& entry) {
        if (!is_anchor(entry)) return;
        const std::uint64_t offset = entry.file_offset();
        const std::uint64_t file_size = view_.size_bytes();
        if (offset < kHeaderSectionBytes || offset >= file_size) {
            found_.warn(FindingKind::soft_anchor, "FileOffsetMB", offset_of(entry.index),
                        fmt::format("{} keeps offset {} in a file of {} bytes", name_of(entry),
                                    offset, file_size));
            return;
        }
        const auto place = space_.take(offset, geometry_.block_size_bytes);
        if (place) add_collision(*place, entry);
    }

    void add_collision(std::uint64_t place, const Entry& entry) {
        ++collision_count_;
        if (collisions_.size() < kFindingsMax) {
            collisions_.emplace(place, Collision{entry, {}});
        } else if (!is_anchor(entry)) {
            unlisted_severity_ = Severity::damage;
        }
    }

    void tell_collisions() {
        if (collision_count_ == 0) return;
        std::multimap<std::uint64_t, Collision*> unnamed;
        for (auto& [place, collision] : collisions_)
            unnamed.emplace(place, &collision);
        walk([&](const Entry& entry) { name_owner(entry, unnamed); });
        for (const auto& [place, collision] : collisions_) {
            const Entry& entry = collision.entry;
            found_.add(is_anchor(entry) ? Severity::warning : Severity::damage,
                       FindingKind::overlap, "FileOffsetMB", offset_of(entry.index),
                       fmt::format("{} points to offset {}, whose space from {} on belongs to {}",
                                   name_of(entry), entry.file_offset(), place,
                                   collision.owner.empty() ? "a structure" : collision.owner));
        }
        if (collision_count_ > collisions_.size()) {
            found_.add(unlisted_severity_, FindingKind::overlap, "FileOffsetMB", std::nullopt,
                       fmt::format("{} further entries point to space that is used already",
                                   collision_count_ - collisions_.size()));
        }
    }

    /// The first other entry that covers the place of a collision is named. Each entry that meets
    /// one takes it off the list, so that a walk costs no more than the entries and the list.
    void name_owner(const Entry& entry, std::multimap<std::uint64_t, Collision*>& unnamed) const {
        const bool is_content =
            entry.state() == kFullyPresent || entry.state() == kPartiallyPresent;
        if (!is_content && !is_anchor(entry)) return;
        const std::uint64_t begin = entry.file_offset();
        const std::uint64_t length = length_of(entry.index);
        auto at = unnamed.lower_bound(begin);
        while (at != unnamed.end() && at->first - begin < length) {
            Collision& collision = *at->second;
            const bool is_other = collision.entry.index != entry.index;
            if (is_other && (is_content || is_anchor(collision.entry))) {
                collision.owner = name_of(entry);
                at = unnamed.erase(at);
            } else {
                ++at;
            }
        }
    }

    void find_leaks() {
        StructureFindings found{check_, "file"};
        std::size_t listed = 0;
        std::uint64_t unlisted_bytes = 0;
        for (auto run = space_.find_free(0); run;
             run = space_.find_free(run->offset + run->length)) {
            const std::uint64_t length = std::min(run->length, view_.size_bytes() - run->offset);
            counts_.leaked_bytes += length;
            if (listed == kLeaksListedMax) {
                unlisted_bytes += length;
                continue;
            }
            ++listed;
            found.warn(FindingKind::leak, "", run->offset,
                       fmt::format("{} bytes at offset {} belong to nothing", length, run->offset));
        }
        if (unlisted_bytes == 0) return;
        found.warn(FindingKind::leak, "", std::nullopt,
                   fmt::format("{} bytes in further places belong to nothing", unlisted_bytes));
    }

    void check_stray_bits(const Entry& entry) {
        const std::uint64_t chunk_bytes = geometry_.chunk_ratio * geometry_.block_size_bytes;
        const std::uint64_t begin = (geometry_.chunk_count - 1) * chunk_bytes;
        const std::uint64_t sectors = (geometry_.size_bytes - begin) / geometry_.sector_size;
        const Bytes bitmap = view_.read(entry.file_offset(), kBitmapBlockBytes);
        std::uint64_t count = 0;
        for (std::uint64_t byte = sectors / 8; byte < bitmap.size(); ++byte) {
            unsigned bits = std::to_integer<unsigned>(bitmap[byte]);
            if (byte == sectors / 8) bits &= 0xFFU << (sectors % 8);
            count += static_cast<std::uint64_t>(std::popcount(bits & 0xFFU));
        }
        if (count == 0) return;
        // Windows sets the bits of whole blocks.
        found_.note(FindingKind::stray_bits, "bitmap", entry.file_offset() + sectors / 8,
                    fmt::format("the bitmap of chunk {} has {} bits set behind sector {}, where "
                                "the disk ends",
                                geometry_.chunk_count - 1, count, sectors));
    }

    const ImageView& view_;
    const Regions& regions_;
    Geometry geometry_;
    const Work& work_;
    ImageCheck& check_;
    StructureFindings found_;
    HoleMap holes_;
    SpaceMap space_;
    std::uint64_t chunk_ends_;  ///< Entries of a chunk, with that of its bitmap.
    std::uint64_t entry_count_ = 0;
    std::uint64_t payload_seen_ = 0;  ///< Blocks that say something.
    BlockCounts counts_;
    std::optional<Entry> first_partial_;  ///< Of the chunk at hand, while no bitmap was seen.
    std::multimap<std::uint64_t, Collision> collisions_;  ///< By the place.
    std::uint64_t collision_count_ = 0;
    Severity unlisted_severity_ = Severity::warning;  ///< Of those that are only counted.
};

}  // namespace

void check_blocks(const ImageView& view, const Regions& regions, const Metadata& metadata,
                  const Work& work, ImageCheck& check) {
    check.blocks = BlocksCheck{view, regions, metadata, work, check}.run();
}

}  // namespace entrepot::disk::vhdx

// The small structures are judged by the reader, whose oddities become warnings; the table is
// walked here, so that one bad entry hides no other.
#include "storage/disk/vhd_check.h"

#include "storage/disk/big_endian.h"
#include "storage/disk/limits.h"
#include "storage/disk/structure_findings.h"
#include "storage/disk/vhd_dynamic_header.h"
#include "storage/disk/vhd_footer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace entrepot::disk::vhd {
namespace {

/// Starts of blocks that are kept and sorted: 32 MiB.
constexpr std::size_t kStartsMax = limits::kVhdAliasBucketsMax;
constexpr std::size_t kLeaksListedMax = 20;

std::uint64_t divide_up(std::uint64_t value, std::uint64_t divisor) {
    return value / divisor + (value % divisor != 0 ? 1 : 0);
}

/// The table of a dynamic or differencing image, and the space of its blocks.
class TableCheck {
public:
    TableCheck(const File& file, const FoundFooter& footer, const DynamicHeader& header,
               const Work& work, ImageCheck& check)
        : file_(file),
          header_(header),
          work_(work),
          check_(check),
          found_(check, "table"),
          disk_size_(footer.footer.current_size),
          data_end_(footer.data_end),
          block_count_(header.block_count(disk_size_)),
          bitmap_bytes_(divide_up(header.block_size / kSectorBytes, kBitsPerSector) * kSectorBytes),
          stride_(bitmap_bytes_ + header.block_size) {}

    BlockCounts run(bool is_differencing) {
        // At once: growing would need the room twice.
        starts_.reserve(std::min<std::uint64_t>(block_count_, kStartsMax));
        walk([this](std::uint64_t block, std::uint32_t raw) { check_entry(block, raw); });
        (is_differencing ? counts_.partial : counts_.present) = present_count_;
        counts_.not_present = block_count_ - present_count_;
        if (has_more_starts_) {
            found_.note(FindingKind::overlap, "", std::nullopt,
                        fmt::format("with more than {} blocks, overlaps and leaks are not looked "
                                    "for",
                                    kStartsMax));
            return counts_;
        }
        std::sort(starts_.begin(), starts_.end());
        find_overlaps();
        find_leaks();
        return counts_;
    }

private:
    using Visit = std::function<void(std::uint64_t block, std::uint32_t raw)>;

    std::uint64_t offset_of(std::uint64_t block) const {
        return header_.table_offset + block * kTableEntryBytes;
    }
    static std::string name_of(std::uint64_t block, std::uint32_t raw) {
        return fmt::format("entry {} ({:#010x})", block, raw);
    }

    /// Every entry that names a place.
    void walk(const Visit& visit) const {
        constexpr std::uint64_t kEntriesAtOnce = limits::kTablePageBytes / kTableEntryBytes;
        for (std::uint64_t first = 0; first < block_count_; first += kEntriesAtOnce) {
            work_.throw_if_stopped();
            work_.progress.report("checking", first, block_count_);
            const std::uint64_t count = std::min(kEntriesAtOnce, block_count_ - first);
            const Bytes page = file_.read_exactly(
                offset_of(first), static_cast<std::size_t>(count * kTableEntryBytes));
            BigEndianReader in{page};
            for (std::uint64_t i = 0; i < count; ++i) {
                const std::uint32_t raw = in.u32();
                if (raw != kAbsent) visit(first + i, raw);
            }
        }
    }

    void check_entry(std::uint64_t block, std::uint32_t raw) {
        ++present_count_;
        const std::uint64_t offset = raw * kSectorBytes;
        const std::uint64_t bytes =
            std::min<std::uint64_t>(header_.block_size, disk_size_ - block * header_.block_size);
        const std::uint64_t needed = bitmap_bytes_ + bytes;
        if (offset > data_end_ || needed > data_end_ - offset) {
            found_.damage(FindingKind::structure, "entry", offset_of(block),
                          fmt::format("{} points to {} bytes at offset {}, beyond the end of "
                                      "blocks at offset {}",
                                      name_of(block, raw), needed, offset, data_end_));
            return;
        }
        if (stride_ > data_end_ - offset) {
            found_.warn(FindingKind::short_block, "entry", offset_of(block),
                        fmt::format("{}: the last block has {} bytes of file space instead of {}",
                                    name_of(block, raw), data_end_ - offset, stride_));
        }
        for (const Structure& structure : header_.occupied) {
            if (!structure.overlaps(offset, stride_)) continue;
            found_.damage(FindingKind::overlap, "entry", offset_of(block),
                          fmt::format("{} points to offset {}, into {} at offset {} with length {}",
                                      name_of(block, raw), offset, structure.name, structure.offset,
                                      structure.length));
            return;
        }
        if (starts_.size() < kStartsMax) {
            starts_.push_back(raw);
        } else {
            has_more_starts_ = true;
        }
    }

    void find_overlaps() {
        std::map<std::uint32_t, std::vector<std::uint64_t>> blocks;  // By the entry.
        std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
        std::uint64_t count = 0;
        for (std::size_t i = 1; i < starts_.size(); ++i) {
            const std::uint32_t before = starts_[i - 1];
            const std::uint32_t raw = starts_[i];
            if ((raw - before) * kSectorBytes >= stride_) continue;
            if (++count > kFindingsMax) continue;
            pairs.emplace_back(before, raw);
            blocks[before];
            blocks[raw];
        }
        if (pairs.empty()) return;
        walk([&](std::uint64_t block, std::uint32_t raw) {
            const auto wanted = blocks.find(raw);
            if (wanted != blocks.end()) wanted->second.push_back(block);
        });
        for (const auto& [before, raw] : pairs) {
            const std::uint64_t first = blocks[before].front();
            const std::uint64_t second = blocks[raw].back();
            found_.damage(
                FindingKind::overlap, "entry", offset_of(second),
                fmt::format("{} points to offset {}, whose space belongs to {}",
                            name_of(second, raw), raw * kSectorBytes, name_of(first, before)));
        }
        if (count > pairs.size()) {
            found_.damage(FindingKind::overlap, "entry", std::nullopt,
                          fmt::format("{} further entries overlap others", count - pairs.size()));
        }
    }

    void find_leaks() {
        std::vector<Structure> structures = header_.occupied;
        std::sort(structures.begin(), structures.end(),
                  [](const Structure& a, const Structure& b) { return a.offset < b.offset; });
        auto structure = structures.begin();
        auto start = starts_.begin();
        std::uint64_t position = 0;
        while (structure != structures.end() || start != starts_.end()) {
            const std::uint64_t of_block =
                start == starts_.end() ? data_end_ : *start * kSectorBytes;
            const bool is_structure =
                structure != structures.end() && structure->offset <= of_block;
            const std::uint64_t begin = is_structure ? structure->offset : of_block;
            const std::uint64_t length =
                is_structure ? divide_up(structure->length, kSectorBytes) * kSectorBytes : stride_;
            add_leak(position, begin);
            position = std::max(position, begin + length);
            if (is_structure) {
                ++structure;
            } else {
                ++start;
            }
        }
        add_leak(position, data_end_);
        if (unlisted_bytes_ > 0) {
            StructureFindings{check_, "file"}.warn(
                FindingKind::leak, "", std::nullopt,
                fmt::format("{} bytes in further places belong to nothing", unlisted_bytes_));
        }
    }

    /// Windows and others align what they write: a few sectors between two blocks are no leak.
    void add_leak(std::uint64_t begin, std::uint64_t end) {
        if (end <= begin || end - begin < stride_) return;
        counts_.leaked_bytes += end - begin;
        if (leaks_listed_++ >= kLeaksListedMax) {
            unlisted_bytes_ += end - begin;
            return;
        }
        StructureFindings{check_, "file"}.warn(
            FindingKind::leak, "", begin,
            fmt::format("{} bytes at offset {} belong to nothing", end - begin, begin));
    }

    const File& file_;
    const DynamicHeader& header_;
    const Work& work_;
    ImageCheck& check_;
    StructureFindings found_;
    std::uint64_t disk_size_;
    std::uint64_t data_end_;
    std::uint64_t block_count_;
    std::uint64_t bitmap_bytes_;
    std::uint64_t stride_;  ///< Of a block with its bitmap.
    std::vector<std::uint32_t> starts_;
    bool has_more_starts_ = false;
    std::uint64_t present_count_ = 0;
    std::size_t leaks_listed_ = 0;
    std::uint64_t unlisted_bytes_ = 0;
    BlockCounts counts_;
};

void add_warnings(const std::vector<std::string>& warnings, StructureFindings& found) {
    for (const std::string& warning : warnings)
        found.warn(FindingKind::structure, "", std::nullopt, warning);
}

/// Of the two footers; the reader's warning says what follows from it.
void check_copy(const File& file, const FoundFooter& footer, ImageCheck& check) {
    StructureFindings found{check, "footer"};
    if (footer.is_copy) {
        found.warn(FindingKind::checksum, "Checksum", file.size() - kFooterBytes,
                   "the footer at the end is damaged");
        return;
    }
    std::string problem;
    const auto copy = decode_footer(file.read_exactly(0, kFooterBytes), problem);
    if (!copy) {
        found.warn(FindingKind::checksum, "Checksum", 0, "the copy at the start " + problem);
    } else if (*copy != footer.footer) {
        found.warn(FindingKind::copies_differ, "", 0, "the copy at the start differs");
    }
}

void check_fixed(const FoundFooter& footer, ImageCheck& check) {
    StructureFindings found{check, "footer"};
    const std::uint64_t size = footer.footer.current_size;
    if (size > footer.data_end) {
        found.damage(FindingKind::structure, "Current Size", footer.data_end,
                     fmt::format("Current Size {} in a fixed image that holds {} bytes in front of "
                                 "its footer",
                                 size, footer.data_end));
    } else if (size < footer.data_end) {
        found.warn(FindingKind::leak, "Current Size", size,
                   fmt::format("{} bytes between the end of the disk and the footer",
                               footer.data_end - size));
    }
}

}  // namespace

void check_vhd(const File& file, const Work& work, ImageCheck& check) {
    StructureFindings found{check, "footer"};
    std::vector<std::string> warnings;
    const auto footer = found.ask_reader(std::nullopt, [&] { return read_footer(file, warnings); });
    add_warnings(warnings, found);
    if (!footer) return;
    if (footer->footer.type == kTypeFixed) return check_fixed(*footer, check);
    check_copy(file, *footer, check);

    StructureFindings in_header{check, "dynamic header"};
    warnings.clear();
    const auto header = in_header.ask_reader(
        footer->footer.data_offset, [&] { return read_dynamic_header(file, *footer, warnings); });
    add_warnings(warnings, in_header);
    if (!header) return;
    check.blocks = TableCheck{file, *footer, *header, work, check}.run(footer->footer.type ==
                                                                       kTypeDifferencing);
}

}  // namespace entrepot::disk::vhd

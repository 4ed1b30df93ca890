// lib/format_text/layout.h and lib/label/label.h of LVM2: a label in one of the first four sectors,
// from it to an area of metadata, in it the text. Checksums decide whether it is whole.
#include "storage/guest/lvm.h"

#include "storage/guest/lvm_text.h"
#include "storage/guest/volume_source.h"
#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace entrepot::guest {
namespace {

constexpr std::size_t kSectorBytes = 512;
constexpr std::size_t kLabelSectors = 4;
constexpr std::size_t kIdBytes = 32;
constexpr std::size_t kAreasMax = 64;
constexpr std::uint64_t kTextBytesMax = 16 * kMiB;
constexpr std::string_view kAreaMagic = " LVM2 x[5A%r0N*>";
constexpr std::uint32_t kChecksumBegin = 0xf597a6cf;
constexpr std::uint32_t kCrcPolynomial = 0xedb88320;
/// 4 GiB in sectors: LVM itself has no bound that low or high.
constexpr std::uint64_t kExtentSectorsMax = 1ULL << 33U;

[[noreturn]] void refuse(std::string_view what) {
    throw Error{ErrorCode::corrupt, fmt::format("LVM's metadata is damaged: {}", what)};
}

// CRC-32 as everywhere, but with a beginning of its own and without inverting.
std::uint32_t checksum_of(ByteView bytes) {
    std::uint32_t sum = kChecksumBegin;
    for (const std::byte byte : bytes) {
        sum ^= static_cast<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit)
            sum = (sum & 1U) != 0 ? sum >> 1U ^ kCrcPolynomial : sum >> 1U;
    }
    return sum;
}

struct Area {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

struct Label {
    std::string id;  ///< Without dashes.
    std::vector<Area> metadata;
};

std::vector<Area> read_areas(LittleEndianReader& in) {
    std::vector<Area> areas;
    for (std::size_t i = 0; i < kAreasMax; ++i) {
        const Area area{in.u64(), in.u64()};
        if (area.offset == 0) return areas;
        areas.push_back(area);
    }
    refuse("too many areas");
}

// label_header: "LABELONE", its sector, a checksum of what follows, the header's offset, the type.
std::optional<Label> decode_label(ByteView sector) {
    if (as_text(sector.first(8)) != "LABELONE" || as_text(sector.subspan(24, 8)) != "LVM2 001") {
        return std::nullopt;
    }
    if (load_u32(sector, 16) != checksum_of(sector.subspan(20))) return std::nullopt;
    const std::uint32_t offset = load_u32(sector, 20);
    if (offset > sector.size()) return std::nullopt;
    LittleEndianReader in{sector.subspan(offset)};
    Label label;
    label.id = as_text(in.bytes(kIdBytes));
    in.skip(8);                         // The device's size.
    static_cast<void>(read_areas(in));  // Of data: extents say it better.
    label.metadata = read_areas(in);
    return label;
}

Label read_label(const disk::DiskSource& volume) {
    const Bytes head = read_up_to(volume, 0, kLabelSectors * kSectorBytes);
    for (std::size_t i = 0; i + kSectorBytes <= head.size(); i += kSectorBytes) {
        if (auto label = decode_label(ByteView{head}.subspan(i, kSectorBytes))) return *label;
    }
    refuse("no label is whole");
}

// mda_header: a checksum of the rest of its sector, magic, version, where it lies itself, and where
// the text is in the ring behind it.
std::optional<std::string> read_text(const disk::DiskSource& volume, const Area& area) {
    const Bytes head = read_up_to(volume, area.offset, kSectorBytes);
    if (head.size() < kSectorBytes || load_u32(head, 0) != checksum_of(ByteView{head}.subspan(4)) ||
        as_text(ByteView{head}.subspan(4, kAreaMagic.size())) != kAreaMagic) {
        return std::nullopt;
    }
    const std::uint64_t area_size = std::min(area.size, load_u64(head, 32));
    const std::uint64_t offset = load_u64(head, 40);
    const std::uint64_t size = load_u64(head, 48);
    const bool fits = area_size > kSectorBytes && offset >= kSectorBytes && offset < area_size &&
                      size > 0 && size <= kTextBytesMax && size <= area_size - kSectorBytes;
    if (!fits) return std::nullopt;
    const auto first = static_cast<std::size_t>(std::min(size, area_size - offset));
    Bytes text = read_up_to(volume, area.offset + offset, first);
    if (text.size() < size) {  // The ring begins again behind the header.
        const Bytes rest =
            read_up_to(volume, area.offset + kSectorBytes, static_cast<std::size_t>(size) - first);
        text.insert(text.end(), rest.begin(), rest.end());
    }
    if (text.size() != size || checksum_of(text) != load_u32(head, 56)) return std::nullopt;
    std::string result{as_text(text)};
    while (!result.empty() && result.back() == '\0')
        result.pop_back();
    return result;
}

std::string read_description(const disk::DiskSource& volume, const Label& label) {
    if (label.metadata.empty()) {
        throw Error{ErrorCode::unsupported,
                    "LVM keeps the description of this group on another disk"};
    }
    for (const Area& area : label.metadata) {
        if (auto text = read_text(volume, area)) return *text;
    }
    refuse("no description of the group is whole");
}

// The group and its name: the one section at the top.
const LvmNamedSection& group_of(const LvmSection& root) {
    for (const LvmNamedSection& named : root.sections) {
        if (named.section.find("physical_volumes") != nullptr) return named;
    }
    refuse("there is no group in its description");
}

bool has_status(const LvmSection& volume, std::string_view word) {
    return std::ranges::any_of(volume.list("status"), [&](const LvmValue& value) {
        const auto* text = std::get_if<std::string>(&value.content);
        return text != nullptr && *text == word;
    });
}

/// The physical volume that we have.
struct Place {
    std::string name;  ///< As the description calls it.
    std::uint64_t begin = 0;
    std::uint64_t extent_bytes = 0;
    std::uint64_t size = 0;
};

Place find_place(const LvmSection& group, const std::string& id, std::uint64_t size) {
    const std::uint64_t extent = group.number("extent_size");
    if (extent == 0 || extent > kExtentSectorsMax) refuse("its extents have no size");
    for (const auto& [name, volume] : group.section("physical_volumes").sections) {
        std::string known = volume.text("id");
        std::erase(known, '-');
        if (known != id) continue;
        const std::uint64_t begin = volume.number("pe_start");
        if (begin > size / kSectorBytes) refuse("its extents begin behind its end");
        return {name, begin * kSectorBytes, extent * kSectorBytes, size};
    }
    refuse("its description has other disks");
}

class VolumeReader {
public:
    VolumeReader(const Place& place, const LvmSection& volume) : place_(place), volume_(volume) {}

    void read(LogicalVolume& result) {
        const std::uint64_t count = volume_.number("segment_count");
        if (count > limits::kLvmPiecesMax) refuse("a volume has too many pieces");
        for (std::uint64_t i = 1; i <= count; ++i) {
            result.refusal = add(volume_.section(fmt::format("segment{}", i)), result.pieces);
            if (!result.refusal.empty()) return;
        }
    }

private:
    /// Why not; empty if it was added.
    std::string add(const LvmSection& segment, std::vector<VolumePiece>& pieces) {
        const std::string& type = segment.text("type");
        if (type != "striped") {
            return fmt::format("it is no simple volume of LVM but \"{}\"", escape_name(type));
        }
        if (segment.number("stripe_count") != 1) return "it is striped over several disks";
        const auto& stripe = segment.list("stripes");
        const auto* name =
            stripe.size() == 2 ? std::get_if<std::string>(&stripe[0].content) : nullptr;
        const auto* extent =
            stripe.size() == 2 ? std::get_if<std::int64_t>(&stripe[1].content) : nullptr;
        if (name == nullptr || extent == nullptr || *extent < 0) refuse("a piece has no place");
        if (*name != place_.name) return "it lies on another disk, or on several";
        const std::uint64_t begin = segment.number("start_extent");
        const std::uint64_t count = segment.number("extent_count");
        const std::uint64_t fit_count = (place_.size - place_.begin) / place_.extent_bytes;
        const auto first = static_cast<std::uint64_t>(*extent);
        if (begin != extents_done_) refuse("a volume has a gap");
        if (first > fit_count || count > fit_count - first) {
            return "it goes on beyond the end of its partition";
        }
        if (count > fit_count - extents_done_) refuse("a volume's pieces overlap");
        extents_done_ += count;
        pieces.push_back({place_.begin + first * place_.extent_bytes, count * place_.extent_bytes});
        return {};
    }

    const Place& place_;
    const LvmSection& volume_;
    std::uint64_t extents_done_ = 0;
};

}  // namespace

std::vector<LogicalVolume> read_logical_volumes(const disk::DiskSource& physical_volume) {
    const Label label = read_label(physical_volume);
    const LvmSection root = parse_lvm_text(read_description(physical_volume, label));
    const auto& [group_name, group] = group_of(root);
    const Place place = find_place(group, label.id, physical_volume.size_bytes());
    std::vector<LogicalVolume> volumes;
    const LvmSection* const listed = group.find("logical_volumes");
    if (listed == nullptr) return volumes;  // An empty group has none.
    for (const auto& [name, volume] : listed->sections) {
        if (!has_status(volume, "VISIBLE")) continue;
        if (volumes.size() == limits::kLogicalVolumesMax) {
            throw Error{ErrorCode::limit, "LVM has too many volumes on this disk"};
        }
        LogicalVolume result;
        result.name = escape_name(group_name) + "/" + escape_name(name);
        VolumeReader{place, volume}.read(result);
        volumes.push_back(std::move(result));
    }
    return volumes;
}

}  // namespace entrepot::guest

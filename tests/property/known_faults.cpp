// The tables. Versions: qemu 7.2.22, libvhdi 20210425, 7-Zip 26.02, as in Debian 12.
#include "tests/property/known_faults.h"

namespace entrepot::property {
namespace {

bool is_raw(const Subject& subject) {
    return subject.format() == Format::raw;
}
bool is_qcow2(const Subject& subject) {
    return subject.format() == Format::qcow2;
}
bool is_vhdx_chain(const Subject& subject) {
    return subject.format() == Format::vhdx && subject.is_chain();
}
bool is_vhd_chain(const Subject& subject) {
    return subject.format() == Format::vhd && subject.is_chain();
}
bool is_log_dirty(const Subject& subject) {
    return subject.leaf().is_log_dirty;
}
bool needs_log_tail(const Subject& subject) {
    return subject.leaf().needs_log_tail;
}
bool is_vhdx_of_4096(const Subject& subject) {
    return subject.format() == Format::vhdx && subject.model().sector_size() == 4096;
}
bool is_vhdx_of_odd_sectors(const Subject& subject) {
    const DiskModel& model = subject.model();
    return subject.format() == Format::vhdx && model.size_bytes() / model.sector_size() % 2 == 1;
}

constexpr KnownRefusal kRefusals[] = {
    {Reader::ours, "qcow2", "our engine writes it through qemu-img and does not read it", is_qcow2},
    {Reader::libvhdi, "raw", "reads VHD and VHDX only", is_raw},
    {Reader::libvhdi, "qcow2", "reads VHD and VHDX only", is_qcow2},
    {Reader::seven_zip, "raw", "there is nothing to unpack in a raw disk", is_raw},
    {Reader::qemu, "differencing VHDX", "refuses it: Operation not supported", is_vhdx_chain},
    {Reader::qemu, "differencing VHD", "opens it as dynamic and shows zeros for the parent",
     is_vhd_chain},
    {Reader::qemu, "VHDX with sectors of 4096", "refuses it: Operation not supported",
     is_vhdx_of_4096},
    {Reader::qemu, "dirty log whose sequence is found by the Tail field",
     "takes no notice of Tail: it replays what was checkpointed before it, and of a sequence that "
     "wraps only the entries behind the wrap",
     needs_log_tail},
    {Reader::libvhdi, "dirty log", "does not replay the log and does not say so", is_log_dirty},
    {Reader::seven_zip, "dirty log", "does not replay the log; it warns", is_log_dirty},
    {Reader::seven_zip, "VHDX of an odd number of sectors",
     "refuses it: tests the bit of the sector size instead of those below it",
     is_vhdx_of_odd_sectors},
};

constexpr const char* kFixedSecondChunk =
    "libvhdi: in a fixed VHDX it takes the bitmap entry of the table for a block, so that all "
    "behind "
    "the first chunk moves by one";
constexpr const char* kZeroShowsParent =
    "libvhdi: in a child a block of state undefined, zero or unmapped shows the parent";
constexpr const char* kMissingBitmap =
    "libvhdi: in a child whose chunk has no bitmap block it takes the first bytes of the file for "
    "the bitmap";

constexpr const char* kSetBitBefore =
    "libvhdi: in a VHD's bitmap it takes a clear bit behind a set one of the same byte for set";

}  // namespace

const KnownRefusal* find_known_refusal(Reader reader, const Subject& subject) {
    for (const KnownRefusal& refusal : kRefusals) {
        if (refusal.reader == reader && refusal.applies(subject)) return &refusal;
    }
    return nullptr;
}

LibvhdiFaults::LibvhdiFaults(const Subject& subject) {
    for (auto image = subject.images.rbegin(); image != subject.images.rend(); ++image) {
        if (subject.format() == Format::vhdx) vhdx_layers_.emplace_back(image->path);
        if (subject.format() == Format::vhd) vhd_layers_.emplace_back(image->path);
    }
}

const char* LibvhdiFaults::explain(std::uint64_t sector) const {
    return vhdx_layers_.empty() ? explain_vhd(sector) : explain_vhdx(sector);
}

const char* LibvhdiFaults::explain_vhdx(std::uint64_t sector) const {
    for (const VhdxLayout& layer : vhdx_layers_) {
        const std::uint64_t block = sector / (layer.block_size() / layer.sector_size());
        const std::uint64_t chunk = block / layer.chunk_ratio();
        if (layer.leaves_blocks_allocated() && chunk > 0) return kFixedSecondChunk;
        if (!layer.has_parent()) return nullptr;
        const std::uint64_t state = VhdxLayout::state_of(layer.block_entry(block));
        if (state == kStateFullyPresent) return nullptr;
        if (layer.bitmap_entry(chunk) == 0) return kMissingBitmap;
        if (state != kStateNotPresent && state != kStatePartiallyPresent) return kZeroShowsParent;
        if (state == kStatePartiallyPresent && layer.bit(sector)) return nullptr;
    }
    return nullptr;
}

const char* LibvhdiFaults::explain_vhd(std::uint64_t sector) const {
    for (const VhdLayout& layer : vhd_layers_) {
        if (layer.type() != kVhdDifferencing) return nullptr;
        if (layer.entry(sector / (layer.block_size() / kVhdSectorBytes)) == kVhdAbsent) continue;
        const auto bits = std::to_integer<unsigned>(layer.bitmap_byte(sector));
        const unsigned so_far = bits >> (7 - sector % 8);  // The sector's bit and those before it.
        if ((so_far & 1) != 0) return nullptr;
        if (so_far != 0) return kSetBitBefore;
    }
    return nullptr;
}

}  // namespace entrepot::property

// Our engine: extents, whole reads and reads at odd places must say the same, and what the model
// says.
#include "tests/property/ours.h"
#include "tests/property/readers.h"

#include "base/error.h"
#include "storage/disk/image_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::property {
namespace {

using disk::DiskExtent;
using disk::ExtentKind;

constexpr std::size_t kPieceBytes = kMiB + 3 * 512 + 77;  // Not a multiple of anything.
constexpr std::uint64_t kWindowCount = 40;
constexpr std::uint64_t kWindowBytesMax = 300 * kKiB;

std::shared_ptr<const disk::DiskImage> open_image(const Image& image) {
    PosixFileSystem files;
    auto file = files.open_read(image.path);
    if (format_of(image.writer) == Format::raw) {
        return disk::open_raw(std::move(file), image.model.sector_size());
    }
    return disk::open_any(std::move(file));
}

Finding compare_read(const disk::DiskSource& source, const DiskModel& model, Range range,
                     Bytes& buffer) {
    while (range.length > 0) {
        const std::size_t length = std::min<std::uint64_t>(range.length, buffer.size());
        const MutableByteView part = MutableByteView{buffer}.first(length);
        source.read(range.offset, part);
        if (auto finding = compare(model, range.offset, part)) return finding;
        range = {range.offset + length, range.length - length};
    }
    return std::nullopt;
}

std::string text_of(const DiskExtent& extent) {
    return fmt::format("extent {}+{} of kind {}", extent.offset, extent.length,
                       disk::to_string(extent.kind));
}

/// All extents of a disk: without gaps, on sectors, neighbours of different kinds.
std::vector<DiskExtent> all_extents(const disk::DiskSource& source, Finding& finding) {
    std::vector<DiskExtent> extents;
    const std::uint64_t size = source.size_bytes();
    for (std::uint64_t at = 0; at < size;) {
        const DiskExtent extent = source.extent_at(at, size - at);
        const bool is_sound = extent.offset == at && extent.length > 0 &&
                              extent.length <= size - at &&
                              extent.length % source.logical_sector_size() == 0;
        const bool is_merged = extents.empty() || extents.back().kind != extent.kind;
        if (!is_sound || !is_merged) {
            finding = fmt::format("at {} there is {}", at, text_of(extent));
            if (!is_merged) *finding += ", as before it";
            return {};
        }
        extents.push_back(extent);
        at += extent.length;
    }
    return extents;
}

Finding check_merged(const disk::DiskSource& source, const DiskModel& model,
                     const std::vector<DiskExtent>& extents, Bytes& buffer) {
    for (const DiskExtent& extent : extents) {
        const Range range{extent.offset, extent.length};
        Finding finding;
        switch (extent.kind) {
            case ExtentKind::parent:
                return text_of(extent) + " in a complete chain";
            case ExtentKind::zero:
            case ExtentKind::unmapped:
                if (!model.is_zero_in(range)) {
                    const std::uint64_t at = model.find_data(extent.offset)->offset;
                    return fmt::format("first differing sector {}: {}, and there is data",
                                       at / model.sector_size(), text_of(extent));
                }
                break;
            case ExtentKind::data:
                finding = compare_read(source, model, range, buffer);
                if (finding) return text_of(extent) + ": " + *finding;
                break;
        }
    }
    return std::nullopt;
}

/// What a layer leaves to its parent must be the same there.
Finding check_layer(const disk::DiskSource& layer, const DiskModel& model, const DiskModel* parent,
                    Bytes& buffer) {
    Finding finding;
    for (const DiskExtent& extent : all_extents(layer, finding)) {
        const Range range{extent.offset, extent.length};
        if (extent.kind == ExtentKind::data) {
            finding = compare_read(layer, model, range, buffer);
        } else if (extent.kind != ExtentKind::parent) {
            if (!model.is_zero_in(range)) finding = "data in it";
        } else if (parent == nullptr) {
            finding = "no parent";
        } else if (const auto at = model.find_difference(*parent, range)) {
            finding = fmt::format("first differing sector {}: changed since the parent",
                                  *at / model.sector_size());
        }
        if (finding) return fmt::format("layer: {}: {}", text_of(extent), *finding);
    }
    if (finding) return "layer: " + *finding;
    return std::nullopt;
}

/// Places that are no sector, and limits that end inside of an extent.
Finding check_windows(const disk::DiskSource& source, const DiskModel& model,
                      const std::vector<DiskExtent>& extents, Chance& chance, Bytes& buffer) {
    const std::uint64_t size = source.size_bytes();
    const std::uint64_t sector = source.logical_sector_size();
    for (std::uint64_t i = 0; i < kWindowCount; ++i) {
        const DiskExtent& near = extents[static_cast<std::size_t>(chance.below(extents.size()))];
        std::uint64_t at = chance.below(size);
        if (chance.percent(70)) at = near.offset - std::min(near.offset, chance.below(2 * sector));
        const Range range{at, std::min(size - at, chance.between(1, kWindowBytesMax))};
        if (auto finding = compare_read(source, model, range, buffer)) {
            return fmt::format("reading {}+{}: {}", range.offset, range.length, *finding);
        }
        const std::uint64_t first = at / sector * sector;
        const std::uint64_t length_max = chance.between(1, (size - first) / sector) * sector;
        const DiskExtent got = source.extent_at(first, length_max);
        const auto known = std::prev(
            std::upper_bound(extents.begin(), extents.end(), first,
                             [](std::uint64_t o, const DiskExtent& e) { return o < e.offset; }));
        const std::uint64_t rest = known->offset + known->length - first;
        const DiskExtent expected{first, std::min(rest, length_max), known->kind};
        if (got != expected) {
            return fmt::format("extent_at({}, {}) is {}, but the walk said {}", first, length_max,
                               text_of(got), text_of(*known));
        }
    }
    return std::nullopt;
}

}  // namespace

disk::ImageChain open_chain(const Subject& subject) {
    std::vector<std::shared_ptr<const disk::DiskImage>> candidates;
    for (const Image& image : subject.images)
        candidates.push_back(open_image(image));
    const auto leaf = candidates.back();
    candidates.pop_back();
    return disk::build_chain_of(leaf, std::move(candidates));
}

Finding read_with_ours(const Subject& subject, Chance& chance) {
    const DiskModel& model = subject.model();
    const disk::ImageChain chain = open_chain(subject);
    if (chain.layers().size() != subject.images.size() || !chain.is_complete()) {
        return fmt::format("the chain has {} layers", chain.layers().size());
    }
    if (chain.size_bytes() != model.size_bytes() ||
        chain.logical_sector_size() != model.sector_size()) {
        return fmt::format("{} bytes in sectors of {}", chain.size_bytes(),
                           chain.logical_sector_size());
    }
    for (const auto& layer : chain.layers())
        disk::check_block_aliasing(*layer);

    Bytes buffer(kPieceBytes);
    Finding finding;
    const std::vector<DiskExtent> extents = all_extents(chain, finding);
    if (finding) return finding;
    if ((finding = check_merged(chain, model, extents, buffer))) return finding;
    const DiskModel* parent =
        subject.is_chain() ? &subject.images[subject.images.size() - 2].model : nullptr;
    if ((finding = check_layer(chain.leaf(), model, parent, buffer))) return finding;
    if ((finding = check_windows(chain, model, extents, chance, buffer))) return finding;
    if (model.size_bytes() <= kWholeReadBytesMax) {
        finding = compare_read(chain, model, {0, model.size_bytes()}, buffer);
        if (finding) return "reading all: " + *finding;
    }
    for (const auto& layer : chain.layers())
        layer->check_unchanged();
    return std::nullopt;
}

}  // namespace entrepot::property

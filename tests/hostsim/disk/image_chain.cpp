// A differencing image with its parents, found and checked as Windows does (vhdx.md section 4).
#include "tests/hostsim/disk/vhdx_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kFileNotFound = 0x80070002;
constexpr std::uint32_t kPathNotFound = 0x80070003;
constexpr std::uint32_t kAccessDenied = 0x80070005;
constexpr std::uint32_t kParentNotFound = 0xC03A000D;
constexpr std::uint32_t kParentIdDiffers = 0xC03A000E;
constexpr std::uint32_t kParentAccessDenied = 0xC03A0016;
constexpr std::uint32_t kParentSizeDiffers = 0xC03A0017;
constexpr std::uint32_t kChainCycle = 0xC03A0018;
constexpr std::uint32_t kErrorInParent = 0xC03A0019;
constexpr std::size_t kDepthMax = 64;

std::string folder_of(const std::string& path) {
    return path.substr(0, path.rfind('\\'));
}

/// The places where a parent may be, in the order in which Windows looks. A volume path names
/// volumes that the host cannot have.
std::vector<std::string> parent_paths(const std::string& child, const ImageFacts& facts) {
    std::vector<std::string> paths;
    if (const auto relative = facts.locator.find("relative_path");
        relative != facts.locator.end()) {
        std::string folder = folder_of(child);
        std::string rest = relative->second;
        if (rest.starts_with(".\\")) rest = rest.substr(2);
        for (; rest.starts_with("..\\"); rest = rest.substr(3))
            folder = folder_of(folder);
        paths.push_back(folder + "\\" + rest);
    }
    const auto absolute = facts.locator.find("absolute_win32_path");
    if (absolute != facts.locator.end()) paths.push_back(absolute->second);
    return paths;
}

std::unique_ptr<SourceFile> open_parent(const std::string& path, const ImageChain::Opener& open) {
    try {
        return open(path);
    } catch (const TargetFailure& failure) {
        if (failure.hresult == kFileNotFound || failure.hresult == kPathNotFound) return nullptr;
        if (failure.hresult == kAccessDenied)
            throw TargetFailure{kParentAccessDenied, failure.text};
        throw TargetFailure{kErrorInParent, failure.text};
    }
}

bool is_linkage(const ImageFacts& child, const Guid& parent) {
    for (const char* key : {"parent_linkage", "parent_linkage2"}) {
        const auto found = child.locator.find(key);
        if (found == child.locator.end()) continue;
        const auto linkage = Guid::parse(found->second);
        if (linkage && *linkage == parent) return true;
    }
    return false;
}

}  // namespace

ImageChain::ImageChain(const std::string& path, const Opener& open) {
    images_.push_back(std::make_unique<VhdxReader>(open(path)));
    paths_.push_back(path);
    add_parents(open);
}

void ImageChain::add_parents(const Opener& open) {
    while (images_.back()->facts().has_parent) {
        const ImageFacts child = images_.back()->facts();
        if (images_.size() >= kDepthMax) throw TargetFailure{kChainCycle, "the chain is too long"};
        std::unique_ptr<SourceFile> file;
        std::string found;
        for (const std::string& path : parent_paths(paths_.back(), child)) {
            found = path;
            file = open_parent(path, open);
            if (file) break;
        }
        if (!file) throw TargetFailure{kParentNotFound, "the parent of " + paths_.back()};
        auto parent = std::make_unique<VhdxReader>(std::move(file));
        if (!is_linkage(child, parent->facts().data_write_guid)) {
            throw TargetFailure{kParentIdDiffers, found + " is not the parent"};
        }
        const bool is_same_size = child.size_bytes == parent->facts().size_bytes &&
                                  child.logical_sector_size == parent->facts().logical_sector_size;
        if (!is_same_size) throw TargetFailure{kParentSizeDiffers, found + " has another size"};
        images_.push_back(std::move(parent));
        paths_.push_back(found);
    }
}

ImageChain::Found ImageChain::find(std::uint64_t offset) const {
    std::uint64_t length = size() - offset;
    for (const auto& image : images_) {
        const VhdxReader::Run run = image->find_run(offset);
        length = std::min(length, run.length);
        if (run.kind == VhdxReader::Run::Kind::zeros) return {nullptr, length, 0};
        if (run.kind == VhdxReader::Run::Kind::data) return {image.get(), length, run.file_offset};
    }
    return {nullptr, length, 0};
}

void ImageChain::read(std::uint64_t offset, MutableByteView target) const {
    while (!target.empty()) {
        const Found found = find(offset);
        const auto length =
            static_cast<std::size_t>(std::min<std::uint64_t>(found.length, target.size()));
        if (found.image == nullptr) {
            std::memset(target.data(), 0, length);
        } else {
            found.image->read_file(found.file_offset, target.first(length));
        }
        target = target.subspan(length);
        offset += length;
    }
}

std::optional<ByteRange> ImageChain::find_data(std::uint64_t offset) const {
    while (offset < size()) {
        const Found found = find(offset);
        if (found.image != nullptr) return ByteRange{offset, found.length};
        offset += found.length;
    }
    return std::nullopt;
}

}  // namespace entrepot::hostsim

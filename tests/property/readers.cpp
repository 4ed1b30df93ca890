// What the readers have in common, and which of them are on this machine.
#include "tests/property/readers.h"

#include "tests/property/program.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::property {
namespace {

constexpr std::uint64_t kMarginBytes = 64 * kKiB;
constexpr std::uint64_t kPlaceCount = 16;
constexpr std::uint64_t kPlaceBytesMax = 256 * kKiB;

/// Older 7-Zips know VHD only.
bool seven_zip_knows_vhdx() {
    if (!is_installed("7z")) return false;
    const Answer formats = ask_program({"7z", "i"}, std::filesystem::temp_directory_path());
    return formats.status == 0 && formats.out.find(" VHDX ") != std::string::npos;
}

}  // namespace

std::string_view to_string(Reader reader) {
    switch (reader) {
        case Reader::ours:
            return "ours";
        case Reader::qemu:
            return "qemu-img";
        case Reader::libvhdi:
            return "libvhdi";
        case Reader::seven_zip:
            return "7-Zip";
    }
    return "";
}

bool is_present(Reader reader) {
    switch (reader) {
        case Reader::ours:
            return true;
        case Reader::qemu:
            return is_installed("qemu-img") && is_installed("qemu-io");
        case Reader::libvhdi:
#ifdef ENTREPOT_HAVE_LIBVHDI
            return true;
#else
            return false;
#endif
        case Reader::seven_zip:
            return seven_zip_knows_vhdx();
    }
    return false;
}

Finding compare(const DiskModel& model, std::uint64_t offset, ByteView content) {
    const auto difference = model.find_difference(offset, content);
    if (!difference) return std::nullopt;
    const std::uint64_t sector = *difference / model.sector_size();
    return fmt::format("first differing sector {} (offset {}); it should be {}", sector,
                       *difference,
                       model.is_zero_in({*difference, model.sector_size()}) ? "zeros" : "data");
}

std::vector<Range> places_of_interest(const DiskModel& model, Chance& chance) {
    const std::uint64_t size = model.size_bytes();
    std::vector<Range> places;
    const auto add = [&](std::uint64_t begin, std::uint64_t end) {
        places.push_back({begin, std::min(end, size) - begin});
    };
    for (auto data = model.find_data(0); data; data = model.find_data(data->end())) {
        add(data->offset - std::min(data->offset, kMarginBytes), data->end() + kMarginBytes);
        if (data->end() >= size) break;
    }
    for (std::uint64_t i = 0; i < kPlaceCount; ++i) {
        const std::uint64_t begin = chance.below(size / model.sector_size()) * model.sector_size();
        add(begin, begin + kPlaceBytesMax);
    }
    add(size - std::min(size, kMarginBytes), size);
    return joined(std::move(places));
}

}  // namespace entrepot::property

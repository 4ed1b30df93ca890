// 7-Zip streams the disk to its output; it finds parents beside the child by their names.
#include "tests/property/program.h"
#include "tests/property/readers.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::property {

Finding read_with_seven_zip(const Subject& subject) {
    const DiskModel& model = subject.model();
    const std::filesystem::path& path = subject.leaf().path;
    std::uint64_t offset = 0;
    Finding finding;
    const Finished finished = run_program(
        {"7z", "x", "-so", "-bd", path.filename().string()}, path.parent_path(),
        [&](ByteView part) {
            const std::uint64_t rest = model.size_bytes() - std::min(offset, model.size_bytes());
            const ByteView inside = part.first(std::min<std::uint64_t>(rest, part.size()));
            if (!finding && !inside.empty()) finding = compare(model, offset, inside);
            offset += part.size();
        });
    // A warning (status 1) is no success: 7-Zip writes something even of what it cannot read.
    if (finished.status != 0) {
        return fmt::format("7z x: status {}: {}", finished.status, finished.words);
    }
    if (finding) return finding;
    if (offset != model.size_bytes()) return fmt::format("{} bytes", offset);
    return std::nullopt;
}

}  // namespace entrepot::property

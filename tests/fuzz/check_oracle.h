// `image check` held against the reader: what the reader refuses, the check calls damaged.
#pragma once

#include "storage/disk/image_check.h"

#include "tests/fuzz/fuzz_input.h"

#include <exception>
#include <optional>

namespace entrepot::fuzz {

inline disk::ImageCheck checked_image(const File& file) {
    NullProgress progress;
    try {
        return disk::check_image(file, Work{progress});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        require(false, "a check never throws for what a file holds");
        throw;
    }
}

/// `refusal` is what the reader said when it opened the file and used all of it.
inline void compare_with_reader(const File& file, std::optional<ErrorCode> refusal) {
    const disk::ImageCheck check = checked_image(file);
    disk::to_json(check).dump();
    for (const disk::Finding& finding : check.findings) {
        require(!finding.message.empty() && finding.message.size() <= kMessageBytesMax,
                "a finding says what it is, within a bound");
    }
    require(refusal != ErrorCode::corrupt || check.is_damaged(),
            "what the reader refuses as corrupt, the check finds");
}

}  // namespace entrepot::fuzz

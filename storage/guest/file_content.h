// The bytes of one file, however its file system keeps them.
#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace entrepot::guest {

class FileContent {
public:
    FileContent() = default;
    FileContent(const FileContent&) = delete;
    FileContent& operator=(const FileContent&) = delete;
    virtual ~FileContent() = default;

    virtual std::uint64_t size_bytes() const = 0;
    /// Requires that the range lies in the content. Error{corrupt} for what is damaged.
    virtual void read(std::uint64_t offset, MutableByteView target) const = 0;
};

}  // namespace entrepot::guest

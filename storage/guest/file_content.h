// The bytes of one file, however its file system keeps them.
#pragma once

#include "storage/guest_model/content_place.h"

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <vector>

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

    /// Where the content lies in the volume from `offset` on: pieces one behind another, at most
    /// so many, none empty, none beyond the end. What they lead to is what read() gives. Nothing
    /// where that is not how it lies there: compressed, in a record, or at the end of the content.
    virtual std::vector<ContentPlace> locate(std::uint64_t /*offset*/,
                                             std::size_t /*count_max*/) const {
        return {};
    }
};

}  // namespace entrepot::guest

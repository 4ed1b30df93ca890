// A file's bytes, or those of a stream of it: by the library, or by extents that we read ourselves.
#pragma once

#include "storage/guest/ext_fast_replay.h"
#include "storage/guest/file_content.h"
#include "storage/guest/file_extents.h"
#include "storage/guest/tsk_handles.h"

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace entrepot::guest {

class TskFileContent final : public FileContent {
public:
    /// `stream` is a shown name; empty: the content. The image outlives it. `fast`: what the
    /// journal of ext has of single files. Error{not_found} if there is no such stream,
    /// Error{unsupported} or Error{corrupt} if what would be read is not what the guest sees.
    TskFileContent(TskImage& image, TskFileHandle file, const std::string& stream,
                   const ExtFastChanges* fast = nullptr);

    std::uint64_t size_bytes() const override { return size_; }
    void read(std::uint64_t offset, MutableByteView target) const override;
    std::vector<ContentPlace> locate(std::uint64_t offset, std::size_t count_max) const override;

private:
    void open_extents(const ExtFastChanges* fast);
    void open_attribute(const std::string& stream);

    TskImage& image_;
    TskFileHandle file_;
    std::uint64_t size_ = 0;
    const TSK_FS_ATTR* attribute_ = nullptr;  ///< Of file_; nullptr: extents.
    std::vector<FileExtent> extents_;
};

}  // namespace entrepot::guest

// Files that Windows keeps compressed by CompactOS (Windows Overlay Filter): the content stands in
// chunks in a stream, "WofCompressedData", and a reparse point says how. Follows MS-FSCC 2.1.2
// and the resources of Microsoft's "Windows Imaging File Format", which chunks are as.
#pragma once

#include "storage/guest/file_content.h"

#include "base/bytes.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace entrepot::guest {

inline constexpr std::string_view kWofStream = "WofCompressedData";

/// As the reparse point numbers them.
enum class WofMethod : std::uint32_t { xpress_4k = 0, lzx = 1, xpress_8k = 2, xpress_16k = 3 };

/// From the data of a reparse point, behind its head of 8 bytes; nullopt for what is not known.
std::optional<WofMethod> decode_wof_method(ByteView data);

class WofContent final : public FileContent {
public:
    /// `size_bytes` is that of the content, not of the stream. Error{corrupt}.
    WofContent(std::unique_ptr<FileContent> stream, std::uint64_t size_bytes, WofMethod method);

    std::uint64_t size_bytes() const override { return size_; }
    void read(std::uint64_t offset, MutableByteView target) const override;

private:
    struct Range {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };
    Range find_chunk(std::uint64_t number) const;
    std::uint64_t read_table(std::uint64_t index) const;
    void load_chunk(std::uint64_t number) const;

    std::unique_ptr<FileContent> stream_;
    std::uint64_t size_ = 0;
    WofMethod method_;
    std::uint64_t chunk_bytes_ = 0;
    std::uint64_t chunk_count_ = 0;
    std::uint64_t entry_bytes_ = 0;
    std::uint64_t table_bytes_ = 0;
    /// What was read last is mostly what is read next. Not for several threads.
    mutable std::uint64_t loaded_number_ = 0;
    mutable Bytes loaded_;
};

}  // namespace entrepot::guest

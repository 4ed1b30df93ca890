// Content on a volume of which a journal has parts: those lie elsewhere than their blocks do.
#pragma once

#include "storage/guest/ext_replay.h"
#include "storage/guest/file_content.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace entrepot::guest {

/// Reads as the content that it wraps, and locates nothing that the journal has.
class JournaledContent final : public FileContent {
public:
    /// What was replayed outlives it, and is what `content` reads.
    JournaledContent(std::unique_ptr<FileContent> content, const ExtReplayed& replayed)
        : content_(std::move(content)), replayed_(replayed) {}

    std::uint64_t size_bytes() const override { return content_->size_bytes(); }
    void read(std::uint64_t offset, MutableByteView target) const override {
        content_->read(offset, target);
    }
    std::vector<ContentPlace> locate(std::uint64_t offset, std::size_t count_max) const override;

private:
    std::unique_ptr<FileContent> content_;
    const ExtReplayed& replayed_;
};

}  // namespace entrepot::guest

// A file in memory that costs only what was written to it, however large it is.
#pragma once

#include "base/error.h"
#include "base/file_system.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

namespace entrepot::test {

class MemoryFile final : public File {
public:
    explicit MemoryFile(std::filesystem::path path = "memory.vhdx") : path_(std::move(path)) {}
    MemoryFile(ByteView content, std::filesystem::path path) : MemoryFile(std::move(path)) {
        write(0, content);
    }

    std::size_t read_some(std::uint64_t offset, MutableByteView target) const override {
        if (offset >= size_) return 0;
        const std::size_t count = std::min<std::uint64_t>(target.size(), size_ - offset);
        for (std::size_t done = 0; done < count;) {
            const std::uint64_t at = offset + done;
            const std::size_t in_page = at % kPageBytes;
            const std::size_t length = std::min(kPageBytes - in_page, count - done);
            const auto page = pages_.find(at / kPageBytes);
            if (page == pages_.end()) {
                std::memset(target.data() + done, 0, length);
            } else {
                std::memcpy(target.data() + done, page->second.data() + in_page, length);
            }
            done += length;
        }
        return count;
    }
    std::uint64_t size() const override { return size_; }
    FileIdentity identity() const override { return {0, reinterpret_cast<std::uintptr_t>(this)}; }
    std::optional<FileExtent> find_data(std::uint64_t offset) const override {
        auto page = pages_.lower_bound(offset / kPageBytes);
        if (page == pages_.end() || page->first * kPageBytes >= size_) return std::nullopt;
        const std::uint64_t begin = std::max<std::uint64_t>(offset, page->first * kPageBytes);
        std::uint64_t end = (page->first + 1) * kPageBytes;
        for (++page; page != pages_.end() && page->first * kPageBytes == end; ++page) {
            end += kPageBytes;
        }
        end = std::min(end, size_);
        if (begin >= end) return std::nullopt;
        return FileExtent{begin, end - begin};
    }
    void write(std::uint64_t offset, ByteView data) override {
        for (std::size_t done = 0; done < data.size();) {
            const std::uint64_t at = offset + done;
            const std::size_t in_page = at % kPageBytes;
            const std::size_t length = std::min(kPageBytes - in_page, data.size() - done);
            Bytes& page = pages_[at / kPageBytes];
            page.resize(kPageBytes);
            std::memcpy(page.data() + in_page, data.data() + done, length);
            done += length;
        }
        size_ = std::max(size_, offset + data.size());
    }
    void truncate(std::uint64_t size_bytes) override {
        pages_.erase(pages_.lower_bound((size_bytes + kPageBytes - 1) / kPageBytes), pages_.end());
        const auto last = pages_.find(size_bytes / kPageBytes);
        if (last != pages_.end()) {
            const auto cut = static_cast<std::ptrdiff_t>(size_bytes % kPageBytes);
            std::fill(last->second.begin() + cut, last->second.end(), std::byte{0});
        }
        size_ = size_bytes;
    }
    void sync() override {}
    const std::filesystem::path& path() const override { return path_; }

private:
    static constexpr std::size_t kPageBytes = 4096;
    std::map<std::uint64_t, Bytes> pages_;
    std::uint64_t size_ = 0;
    std::filesystem::path path_;
};

}  // namespace entrepot::test

// Builders for the repository's tests.
#include "repository_fixture.h"

#include <algorithm>
#include <fstream>

namespace entrepot::repository::test {

namespace fs = std::filesystem;

Bytes make_content(std::uint64_t seed, std::size_t size_bytes) {
    SeededRandom random{seed};
    Bytes content(size_bytes);
    random.fill(content);
    for (std::size_t i = 0; i < size_bytes; ++i) {
        if ((i / 512) % 2 == 1) content[i] = static_cast<std::byte>(i % 7);
    }
    return content;
}

DiskContent make_disk(std::uint64_t seed, std::size_t size_bytes) {
    SeededRandom random{seed};
    DiskContent disk(size_bytes);
    for (std::size_t start = 0; start < size_bytes; start += kChunk) {
        const std::size_t length = std::min<std::size_t>(kChunk, size_bytes - start);
        const std::uint64_t kind = random.u64() % 4;
        if (kind == 0) continue;
        const std::uint64_t content_seed = kind == 1 ? random.u64() % 3 : random.u64();
        const Bytes content = make_content(content_seed, length);
        std::ranges::copy(content, disk.begin() + static_cast<std::ptrdiff_t>(start));
    }
    return disk;
}

std::vector<std::uint64_t> change_disk(DiskContent& disk, std::uint64_t seed, std::size_t count) {
    SeededRandom random{seed};
    const std::uint64_t chunk_count = (disk.size() + kChunk - 1) / kChunk;
    std::vector<std::uint64_t> chunks;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t chunk = random.u64() % chunk_count;
        const std::size_t start = chunk * kChunk;
        const std::size_t length = std::min<std::size_t>(kChunk, disk.size() - start);
        Bytes content(length);
        if (random.u64() % 4 != 0) content = make_content(random.u64(), length);
        std::ranges::copy(content, disk.begin() + static_cast<std::ptrdiff_t>(start));
        chunks.push_back(chunk);
    }
    std::ranges::sort(chunks);
    const auto rest = std::ranges::unique(chunks);
    chunks.erase(rest.begin(), rest.end());
    return chunks;
}

DiskDraft draft_of(const DiskContent& disk, std::uint32_t index) {
    DiskDraft draft;
    draft.id = "disk-" + std::to_string(index);
    draft.index = index;
    draft.name = "disk.vhdx";
    draft.size_bytes = disk.size();
    return draft;
}

PointDraft point_draft(const std::string& vm) {
    PointDraft draft;
    draft.vm_id = vm;
    draft.vm_name = "name of " + vm;
    draft.reason = "first";
    return draft;
}

void write_all(DiskSink& sink, const DiskContent& disk) {
    std::vector<std::uint64_t> chunks((disk.size() + kChunk - 1) / kChunk);
    for (std::size_t i = 0; i < chunks.size(); ++i)
        chunks[i] = i;
    write_chunks(sink, disk, chunks);
}

void write_chunks(DiskSink& sink, const DiskContent& disk,
                  const std::vector<std::uint64_t>& chunks) {
    for (const std::uint64_t chunk : chunks) {
        const std::size_t start = chunk * kChunk;
        const ByteView content =
            ByteView{disk}.subspan(start, std::min<std::size_t>(kChunk, disk.size() - start));
        if (is_zero(content)) {
            sink.write_zeros(start, content.size());
        } else {
            sink.write(start, content);
        }
    }
    sink.finish();
}

DiskContent read_all(PointReader& point, std::uint32_t index, View view) {
    const auto disk = point.open_disk(index, view);
    DiskContent content(disk->size_bytes());
    disk->read(0, content);
    return content;
}

void flip_byte(const fs::path& path, std::uint64_t offset) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(static_cast<std::streamoff>(offset));
    const char value = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(~value));
}

Fixture::Fixture(std::optional<std::string> passphrase, CreateOptions options) {
    options.key_cost = kCheapKey;
    if (passphrase) {
        key_ = Secret{std::string_view{*passphrase}};
        options.passphrase = key_;
    }
    created_ = Repository::create(environment(), directory(), options);
    open_with(key_);
}

Fixture::Fixture(const fs::path& original, const std::optional<Secret>& key) : key_(key) {
    fs::copy(original, directory(), fs::copy_options::recursive);
}

Repository& Fixture::reopen() {
    open_with(key_);
    return *repository_;
}

void Fixture::open_with(std::optional<Secret> key) {
    repository_.reset();
    repository_ = Repository::open(environment(), directory(),
                                   {.key = std::move(key),
                                    .expected_id = {},
                                    .reserve_bytes = reserve_bytes_,
                                    .compression_level = compression_level_});
}

std::string Fixture::add_full(const std::string& vm, const DiskContent& disk) {
    const auto writer = repository_->begin_point(point_draft(vm));
    writer->add_disk(draft_of(disk), std::nullopt);
    write_all(*writer->open_sink(0, View::restore), disk);
    return writer->commit().id;
}

std::string Fixture::add_incremental(const std::string& vm, const std::string& base,
                                     const DiskContent& disk,
                                     const std::vector<std::uint64_t>& chunks) {
    PointDraft draft = point_draft(vm);
    draft.kind = PointKind::incremental;
    draft.base_point = base;
    const auto writer = repository_->begin_point(draft);
    writer->add_disk(draft_of(disk), 0);
    write_chunks(*writer->open_sink(0, View::restore), disk, chunks);
    return writer->commit().id;
}

DiskContent Fixture::read_disk(const std::string& point, View view) {
    return read_all(*repository_->open_point(point), 0, view);
}

std::vector<fs::path> Fixture::objects(const std::string& collection) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator{directory() / collection}) {
        if (entry.is_regular_file()) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
}

}  // namespace entrepot::repository::test

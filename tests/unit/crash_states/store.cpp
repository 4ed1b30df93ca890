// See store.h.
#include "store.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::repository::test {

using entrepot::test::DiskImage;
using entrepot::test::SimulatedDisk;
using entrepot::test::SimulatedVfs;

Bytes make_chunk(std::uint64_t seed) {
    SeededRandom random{seed};
    Bytes content(kChunkBytes);
    const std::size_t random_bytes = seed % 2 == 0 ? 512 : content.size();
    random.fill(MutableByteView{content}.first(random_bytes));
    return content;
}

Expectation::Point make_point(const std::string& vm, const std::vector<std::uint64_t>& chunks) {
    auto disk = std::make_shared<Bytes>();
    for (const std::uint64_t chunk : chunks) {
        const Bytes content = make_chunk(chunk);
        disk->insert(disk->end(), content.begin(), content.end());
    }
    return {.disk = std::move(disk), .vm = vm, .file = "configuration of " + vm, .hold = {}};
}

Store::Store(DiskImage image, std::uint64_t seed, WallTime now)
    : disk(std::move(image)), clock(now), random_(seed), vfs_("/volume", disk) {}

DiskImage Store::create(const std::string& passphrase, std::uint64_t seed, WallTime now,
                        Secret& recovery_key) {
    Store store{DiskImage{}, seed, now};
    store.disk.make_directories("/volume");
    recovery_key = store.create(passphrase).recovery_key;
    return store.disk.image();
}

Created Store::create(const std::string& passphrase) {
    return Repository::create({disk, clock, random_, log_}, kDirectory,
                              {.passphrase = Secret{std::string_view{passphrase}},
                               .chunk_size_bytes = kChunkBytes,
                               .key_cost = kCheapKey});
}

void Store::open(const std::string& passphrase, std::optional<IndexEntries> index) {
    const IndexOpener in_memory = [&](const std::filesystem::path&) {
        auto opened = std::make_unique<MemoryIndex>(index, &index_entries);
        index_ = opened.get();
        return opened;
    };
    repository_ = Repository::open(
        {disk, clock, random_, log_, open_index ? open_index : in_memory, &listener_}, kDirectory,
        {.key = Secret{std::string_view{passphrase}}, .expected_id = {}, .reserve_bytes = 0});
}

IndexEntries Store::current_index() const {
    return repository_ && index_ != nullptr ? index_->entries() : index_entries;
}

namespace {

DiskDraft draft_of(const Bytes& disk) {
    DiskDraft draft;
    draft.id = "disk-0";
    draft.name = "disk.vhdx";
    draft.size_bytes = disk.size();
    return draft;
}

PointDraft draft_of(const Expectation::Point& point) {
    PointDraft draft;
    draft.vm_id = point.vm;
    draft.vm_name = point.vm;
    draft.reason = "first";
    return draft;
}

void write(PointWriter& writer, const Expectation::Point& point,
           const std::vector<std::uint64_t>& chunks) {
    const auto sink = writer.open_sink(0, View::restore);
    for (const std::uint64_t chunk : chunks) {
        const std::uint64_t offset = chunk * kChunkBytes;
        const ByteView content = ByteView{*point.disk}.subspan(offset, kChunkBytes);
        if (is_zero(content)) {
            sink->write_zeros(offset, content.size());
        } else {
            sink->write(offset, content);
        }
    }
    sink->finish();
}

}  // namespace

std::unique_ptr<PointWriter> Store::begin_full(const Expectation::Point& point) {
    auto writer = repository_->begin_point(draft_of(point));
    writer->add_disk(draft_of(*point.disk), std::nullopt);
    std::vector<std::uint64_t> all(point.disk->size() / kChunkBytes);
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = i;
    write(*writer, point, all);
    return writer;
}

std::unique_ptr<PointWriter> Store::begin_incremental(const Expectation::Point& point,
                                                      const std::string& base,
                                                      const std::vector<std::uint64_t>& chunks) {
    PointDraft draft = draft_of(point);
    draft.kind = PointKind::incremental;
    draft.base_point = base;
    auto writer = repository_->begin_point(draft);
    writer->add_disk(draft_of(*point.disk), 0);
    write(*writer, point, chunks);
    return writer;
}

std::string Store::commit(PointWriter& writer, const Expectation::Point& point) {
    // Last, since it is on its way when this call returns, and settled by the commit.
    writer.add_file("config.vmcx", as_bytes(point.file));
    return writer.commit().id;
}

std::string Store::add_full(const Expectation::Point& point) {
    return commit(*begin_full(point), point);
}

std::string Store::add_incremental(const Expectation::Point& point, const std::string& base,
                                   const std::vector<std::uint64_t>& chunks) {
    return commit(*begin_incremental(point, base, chunks), point);
}

Bytes Store::read_disk(const std::string& point) {
    const auto reader = repository_->open_point(point);
    const auto opened = reader->open_disk(0, View::restore);
    Bytes content(static_cast<std::size_t>(opened->size_bytes()));
    opened->read(0, content);
    return content;
}

std::string Store::read_file(const std::string& point) {
    const Bytes content = repository_->open_point(point)->read_file("config.vmcx");
    return std::string{as_text(content)};
}

}  // namespace entrepot::repository::test

// MS-VHDX 2.3: a sequence of entries that may wrap, with older versions of pages in it, behind it
// what an earlier checkpoint left, and entries of another LogGuid.
#include "tests/property/log_maker.h"

#include "tests/property/vhdx_layout.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

#include <algorithm>
#include <set>
#include <vector>

namespace entrepot::property {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::uint64_t kPageCountMax = 10;
constexpr std::uint64_t kEntryCountMax = 4;
// MS-VHDX 2.3.1.
constexpr std::size_t kEntryHeaderBytes = 64;
constexpr std::size_t kDescriptorBytes = 32;
constexpr std::size_t kChecksumOffset = 4;
constexpr std::size_t kLeadingBytes = 8;
constexpr std::size_t kTrailingBytes = 4;

struct Page {
    std::uint64_t offset = 0;
    Bytes content;
};

struct Entry {
    std::uint64_t sequence = 0;
    Guid log_guid;
    std::vector<Page> pages;
};

Bytes noise_page(Chance& chance) {
    Bytes page(kPageBytes);
    fill_noise(static_cast<std::uint32_t>(chance.between(100, 1'000'000)), 0, page);
    return page;
}

/// The entry as it stands in the log; `tail` is where the sequence begins.
Bytes encode(const Entry& entry, std::uint32_t tail, std::uint64_t file_size,
             std::uint64_t file_size_after) {
    std::uint64_t data_count = 0;
    LittleEndianWriter descriptors;
    LittleEndianWriter data;
    for (const Page& page : entry.pages) {
        if (is_zero(page.content)) {
            descriptors.bytes(as_bytes("zero")).u32(0).u64(kPageBytes).u64(page.offset);
            descriptors.u64(entry.sequence);
            continue;
        }
        const ByteView content{page.content};
        descriptors.bytes(as_bytes("desc")).bytes(content.last(kTrailingBytes));
        descriptors.bytes(content.first(kLeadingBytes)).u64(page.offset).u64(entry.sequence);
        data.bytes(as_bytes("data")).u32(static_cast<std::uint32_t>(entry.sequence >> 32));
        data.bytes(content.subspan(kLeadingBytes, kPageBytes - kLeadingBytes - kTrailingBytes));
        data.u32(static_cast<std::uint32_t>(entry.sequence));
        ++data_count;
    }
    const std::size_t head = kEntryHeaderBytes + entry.pages.size() * kDescriptorBytes;
    const std::size_t head_bytes = (head + kPageBytes - 1) / kPageBytes * kPageBytes;
    const std::size_t length = head_bytes + data_count * kPageBytes;
    LittleEndianWriter out;
    out.bytes(as_bytes("loge")).u32(0).u32(static_cast<std::uint32_t>(length)).u32(tail);
    out.u64(entry.sequence).u32(static_cast<std::uint32_t>(entry.pages.size())).u32(0);
    out.guid(entry.log_guid).u64(file_size).u64(file_size_after);
    out.bytes(descriptors.data()).zeros(head_bytes - head).bytes(data.data());
    Bytes bytes = out.take();
    store_u32(bytes, kChecksumOffset, crc32c_with_zeroed_field(bytes, kChecksumOffset));
    return bytes;
}

/// Pages that decide what the disk is.
std::vector<std::uint64_t> choose_pages(const VhdxLayout& image, Chance& chance) {
    std::vector<std::uint64_t> all;
    const auto add = [&](std::uint64_t offset, std::uint64_t length) {
        for (std::uint64_t at = 0; at < length; at += kPageBytes)
            all.push_back(offset + at);
    };
    add(image.bat().offset, image.entry_count() * 8);
    for (std::uint64_t chunk = 0; image.has_parent() && chunk < image.chunk_count(); ++chunk) {
        const std::uint64_t bitmap = VhdxLayout::offset_of(image.bitmap_entry(chunk));
        const std::uint64_t sector_count = image.disk_size() / image.sector_size();
        const std::uint64_t rest = sector_count - chunk * VhdxLayout::kBitmapBytes * 8;
        if (bitmap != 0) add(bitmap, std::min(rest / 8 + 1, VhdxLayout::kBitmapBytes));
    }
    if (chance.percent(40)) add(image.metadata().offset, 1);  // The items stay; see make_log_dirty.
    if (chance.percent(30)) {
        add(VhdxLayout::kFirstRegionTableOffset, 1);
        add(VhdxLayout::kFirstRegionTableOffset + VhdxLayout::kRegionTableBytes, 1);
    }
    std::set<std::uint64_t> chosen{all.front(), all.back()};  // Of several kinds, mostly.
    for (std::uint64_t i = chance.between(0, kPageCountMax); i > 0; --i)
        chosen.insert(chance.one_of(all));
    return {chosen.begin(), chosen.end()};
}

/// Who writes a page last writes what counts; before it anything may have stood there.
std::vector<Entry> make_entries(const std::vector<Page>& pages, const Guid& log_guid,
                                Chance& chance) {
    std::vector<Entry> entries(static_cast<std::size_t>(chance.between(1, kEntryCountMax)));
    const std::uint64_t first = chance.between(2, std::uint64_t{1} << 40);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        entries[i].sequence = first + i;
        entries[i].log_guid = log_guid;
    }
    for (const Page& page : pages) {
        const auto last = static_cast<std::size_t>(chance.below(entries.size()));
        for (std::size_t i = 0; i < last; ++i) {
            if (chance.percent(30)) entries[i].pages.push_back({page.offset, noise_page(chance)});
        }
        entries[last].pages.push_back(page);
    }
    return entries;
}

/// The ring of a log; what is written to it may wrap.
class Ring {
public:
    Ring(File& file, std::uint64_t offset, std::uint64_t length, std::uint64_t position)
        : file_(file), offset_(offset), length_(length), position_(position) {}

    std::uint32_t position() const { return static_cast<std::uint32_t>(position_); }
    void append(ByteView bytes) {
        ENTREPOT_CHECK(bytes.size() % kPageBytes == 0 && bytes.size() < length_);
        while (!bytes.empty()) {
            file_.write(offset_ + position_, bytes.first(kPageBytes));
            bytes = bytes.subspan(kPageBytes);
            position_ = (position_ + kPageBytes) % length_;
        }
    }

private:
    File& file_;
    std::uint64_t offset_;
    std::uint64_t length_;
    std::uint64_t position_;
};

/// The older header becomes the current one, with the log's id in it.
void write_header(File& file, const VhdxLayout& image, const Guid& log_guid) {
    const auto offset_of_copy = [](std::size_t copy) {
        return VhdxLayout::kFirstHeaderOffset * (copy + 1);
    };
    Bytes header =
        file.read_exactly(offset_of_copy(image.current_header()), VhdxLayout::kHeaderBytes);
    store_u64(header, 8, image.header().sequence_number + 1);
    std::copy(log_guid.bytes.begin(), log_guid.bytes.end(), header.begin() + 48);
    store_u32(header, kChecksumOffset, crc32c_with_zeroed_field(header, kChecksumOffset));
    file.write(offset_of_copy(1 - image.current_header()), header);
}

}  // namespace

LogFacts make_log_dirty(const std::filesystem::path& path, Chance& chance) {
    const VhdxLayout image{path};
    PosixFileSystem files;
    const auto file = files.open_write(path);
    const std::uint64_t file_size = file->size() / kMiB * kMiB;
    const std::uint64_t size_after = file_size + (chance.percent(20) ? kMiB : 0);
    const Guid log_guid = Guid::make_random(chance.random());

    std::vector<Page> pages;
    for (const std::uint64_t offset : choose_pages(image, chance)) {
        pages.push_back({offset, file->read_exactly(offset, kPageBytes)});
        file->write(offset, chance.percent(30) ? Bytes(kPageBytes) : noise_page(chance));
    }
    const std::vector<Entry> entries = make_entries(pages, log_guid, chance);
    const std::uint64_t length = image.header().log_length;
    Ring ring{*file, image.header().log_offset, length,
              chance.below(length / kPageBytes) * kPageBytes};
    if (chance.percent(30)) {
        // Somebody else's sequence, with greater numbers.
        Entry other{entries.back().sequence + 100, Guid::make_random(chance.random()), {}};
        other.pages.push_back({image.bat().offset, noise_page(chance)});
        ring.append(encode(other, ring.position(), file_size, file_size));
    }
    LogFacts facts;
    if (chance.percent(50)) {
        // What was checkpointed: of this log, but before the tail, so that it must not come back.
        Entry old{entries.front().sequence - 1, log_guid, {}};
        old.pages.push_back({pages.front().offset, noise_page(chance)});
        if (chance.percent(50)) {
            const std::uint64_t items = image.metadata().offset + VhdxLayout::kMetadataTableBytes;
            old.pages.push_back({items, noise_page(chance)});
            facts.needs_tail = true;
        }
        ring.append(encode(old, ring.position(), file_size, file_size));
    }
    const std::uint32_t tail = ring.position();
    for (const Entry& entry : entries) {
        // Behind the wrap a second sequence seems to begin, with the same head.
        if (ring.position() < tail) facts.needs_tail = true;
        ring.append(encode(entry, tail, file_size, size_after));
    }
    write_header(*file, image, log_guid);
    return facts;
}

}  // namespace entrepot::property

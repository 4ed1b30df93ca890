// One writer and one reader for all bodies; every text has its bound.
#include "storage/guest_model/protocol.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/little_endian.h"

#include <fmt/format.h>

namespace entrepot::guest {
namespace {

constexpr std::size_t kErrorBytesMax = 64 * kKiB;
constexpr std::size_t kWordBytesMax = 64;

[[noreturn]] void refuse(const char* what) {
    throw Error{ErrorCode::protocol, fmt::format("a message has {}", what)};
}

void put_text(LittleEndianWriter& out, std::string_view text) {
    out.u32(static_cast<std::uint32_t>(text.size())).bytes(as_bytes(text));
}

class BodyReader {
public:
    explicit BodyReader(ByteView body) : in_(body) {}

    std::uint8_t u8() { return in_.u8(); }
    std::uint32_t u32() { return in_.u32(); }
    std::uint64_t u64() { return in_.u64(); }
    bool flag() { return in_.u8() != 0; }

    std::string raw_text(std::size_t size_max) {
        const std::uint32_t size = in_.u32();
        if (size > size_max || size > in_.remaining()) refuse("a text beyond its bound");
        return std::string{as_text(in_.bytes(size))};
    }

    std::string text(std::size_t size_max) {
        std::string text = raw_text(size_max);
        if (!is_shown_text(text)) refuse("a text that cannot be shown");
        return text;
    }

    std::string name() {
        std::string name = raw_text(limits::kNameBytesMax);
        if (!is_shown_name(name)) refuse("a name that no file may have");
        return name;
    }

    std::uint32_t count(std::size_t count_max) {
        const std::uint32_t count = in_.u32();
        if (count > count_max) refuse("too many entries");
        return count;
    }

    void finish() const {
        if (in_.remaining() != 0) refuse("more than it should");
    }

private:
    LittleEndianReader in_;
};

// A body that ends too early is no damage of a disk.
template <typename Decode>
auto decode_body(ByteView body, Decode decode) {
    try {
        BodyReader in{body};
        auto value = decode(in);
        in.finish();
        return value;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt) throw;
        refuse("less than it should");
    }
}

void put_entry(LittleEndianWriter& out, const FileEntry& entry) {
    put_text(out, entry.name);
    out.u8(static_cast<std::uint8_t>(entry.kind)).u64(entry.size_bytes);
    out.u8(entry.modified ? 1 : 0);
    out.u64(entry.modified ? static_cast<std::uint64_t>(entry.modified->time_since_epoch().count())
                           : 0);
    out.u64(entry.id);
    put_text(out, entry.link_target);
    put_text(out, entry.refusal);
}

/// The root of a volume is the one file whose name is a slash; no folder holds it.
enum class MayBeRoot { no, yes };

FileEntry take_entry(BodyReader& in, MayBeRoot may_be_root) {
    FileEntry entry;
    entry.name = in.raw_text(limits::kNameBytesMax);
    const bool is_root = may_be_root == MayBeRoot::yes && entry.name == "/";
    if (!is_root && !is_shown_name(entry.name)) refuse("a name that no file may have");
    const std::uint8_t kind = in.u8();
    if (kind > static_cast<std::uint8_t>(FileKind::other)) refuse("an unknown kind of file");
    entry.kind = static_cast<FileKind>(kind);
    entry.size_bytes = in.u64();
    const bool has_time = in.flag();
    const WallTime time{std::chrono::milliseconds{static_cast<std::int64_t>(in.u64())}};
    if (has_time) entry.modified = time;
    entry.id = in.u64();
    // Escaped, a byte takes four.
    entry.link_target = in.text(4 * limits::kLinkTargetBytesMax);
    entry.refusal = in.text(limits::kNoticeBytesMax + limits::kPathBytesMax);
    return entry;
}

void put_volume(LittleEndianWriter& out, const Volume& volume) {
    out.u32(volume.number).u64(volume.offset).u64(volume.length);
    put_text(out, volume.type);
    put_text(out, volume.name);
    put_text(out, to_string(volume.content));
    put_text(out, volume.label);
    put_text(out, volume.notice);
}

Volume take_volume(BodyReader& in) {
    Volume volume;
    volume.number = in.u32();
    volume.offset = in.u64();
    volume.length = in.u64();
    volume.type = in.text(kWordBytesMax);
    volume.name = in.text(limits::kLabelBytesMax);
    const auto content = volume_content_from(in.text(kWordBytesMax));
    if (!content) refuse("an unknown kind of volume");
    volume.content = *content;
    volume.label = in.text(4 * limits::kLabelBytesMax);
    volume.notice = in.text(limits::kNoticeBytesMax);
    return volume;
}

}  // namespace

Bytes encode(const DiskShape& shape) {
    return LittleEndianWriter{}.u64(shape.size_bytes).u32(shape.sector_size).take();
}

DiskShape decode_shape(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        const std::uint64_t size = in.u64();
        return DiskShape{size, in.u32()};
    });
}

Bytes encode(const DiskRange& range) {
    return LittleEndianWriter{}.u64(range.offset).u32(range.length).take();
}

DiskRange decode_range(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        const std::uint64_t offset = in.u64();
        return DiskRange{offset, in.u32()};
    });
}

Bytes encode(const ListQuestion& question) {
    LittleEndianWriter out;
    out.u32(question.volume);
    put_text(out, question.path);
    put_text(out, question.after);
    return out.u32(question.count_max).take();
}

ListQuestion decode_list(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        ListQuestion question;
        question.volume = in.u32();
        question.path = in.raw_text(limits::kPathBytesMax);
        question.after = in.raw_text(limits::kNameBytesMax);
        question.count_max = in.u32();
        return question;
    });
}

Bytes encode(const StatusQuestion& question) {
    LittleEndianWriter out;
    out.u32(question.volume);
    put_text(out, question.path);
    return out.take();
}

StatusQuestion decode_status_question(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        const std::uint32_t volume = in.u32();
        return StatusQuestion{volume, in.raw_text(limits::kPathBytesMax)};
    });
}

Bytes encode(const ReadQuestion& question) {
    LittleEndianWriter out;
    out.u32(question.volume);
    put_text(out, question.path);
    put_text(out, question.stream);
    return out.u64(question.range.offset).u32(question.range.length).take();
}

ReadQuestion decode_read(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        ReadQuestion question;
        question.volume = in.u32();
        question.path = in.raw_text(limits::kPathBytesMax);
        question.stream = in.raw_text(limits::kNameBytesMax);
        question.range.offset = in.u64();
        question.range.length = in.u32();
        return question;
    });
}

Bytes encode(const LocateQuestion& question) {
    LittleEndianWriter out;
    out.u32(question.volume);
    put_text(out, question.path);
    put_text(out, question.stream);
    return out.u64(question.offset).take();
}

LocateQuestion decode_locate(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        LocateQuestion question;
        question.volume = in.u32();
        question.path = in.raw_text(limits::kPathBytesMax);
        question.stream = in.raw_text(limits::kNameBytesMax);
        question.offset = in.u64();
        return question;
    });
}

Bytes encode(const VolumeTable& table) {
    LittleEndianWriter out;
    put_text(out, table.scheme);
    out.u32(static_cast<std::uint32_t>(table.volumes.size()));
    for (const Volume& volume : table.volumes)
        put_volume(out, volume);
    out.u32(static_cast<std::uint32_t>(table.notices.size()));
    for (const std::string& notice : table.notices)
        put_text(out, notice);
    return out.take();
}

VolumeTable decode_volumes(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        VolumeTable table;
        table.scheme = in.text(kWordBytesMax);
        for (std::uint32_t rest = in.count(limits::kVolumesMax); rest > 0; --rest)
            table.volumes.push_back(take_volume(in));
        for (std::uint32_t rest = in.count(limits::kNoticesMax); rest > 0; --rest)
            table.notices.push_back(in.text(limits::kNoticeBytesMax));
        return table;
    });
}

Bytes encode(const FolderPage& page) {
    LittleEndianWriter entries;
    std::uint32_t count = 0;
    for (const FileEntry& entry : page.entries) {
        if (entries.size() >= kPageBytesMax) break;
        put_entry(entries, entry);
        ++count;
    }
    const bool has_more = page.has_more || count < page.entries.size();
    return LittleEndianWriter{}.u8(has_more ? 1 : 0).u32(count).bytes(entries.data()).take();
}

FolderPage decode_page(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        FolderPage page;
        page.has_more = in.flag();
        const std::uint32_t count = in.count(limits::kPageEntriesMax);
        for (std::uint32_t i = 0; i < count; ++i)
            page.entries.push_back(take_entry(in, MayBeRoot::no));
        // A page without entries that promises more would be asked for for ever.
        if (page.entries.empty() && page.has_more) refuse("a page without entries");
        return page;
    });
}

Bytes encode(const FileStatus& status) {
    LittleEndianWriter out;
    put_entry(out, status.entry);
    out.u32(static_cast<std::uint32_t>(status.streams.size()));
    for (const FileStream& stream : status.streams) {
        put_text(out, stream.name);
        out.u64(stream.size_bytes);
    }
    return out.take();
}

FileStatus decode_status(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        FileStatus status;
        status.entry = take_entry(in, MayBeRoot::yes);
        for (std::uint32_t rest = in.count(limits::kStreamsMax); rest > 0; --rest) {
            std::string name = in.name();
            status.streams.push_back({std::move(name), in.u64()});
        }
        return status;
    });
}

Bytes encode(const std::vector<ContentPlace>& places) {
    LittleEndianWriter out;
    out.u32(static_cast<std::uint32_t>(places.size()));
    for (const ContentPlace& place : places)
        out.u64(place.length).u8(place.offset ? 1 : 0).u64(place.offset.value_or(0));
    return out.take();
}

std::vector<ContentPlace> decode_places(ByteView body, std::uint64_t disk_bytes) {
    return decode_body(body, [&](BodyReader& in) {
        std::vector<ContentPlace> places;
        for (std::uint32_t rest = in.count(limits::kPlacesMax); rest > 0; --rest) {
            ContentPlace place{in.u64()};
            const bool is_on_disk = in.flag();
            const std::uint64_t offset = in.u64();
            if (place.length == 0) refuse("a place for nothing");
            if (is_on_disk) {
                if (offset > disk_bytes || place.length > disk_bytes - offset)
                    refuse("a place beyond the disk");
                place.offset = offset;
            }
            places.push_back(place);
        }
        return places;
    });
}

Bytes encode(const Error& error) {
    LittleEndianWriter out;
    put_text(out, to_string(error.code()));
    put_text(out, std::string_view{error.what()}.substr(0, kErrorBytesMax));
    put_text(out, std::string_view{error.hint()}.substr(0, kErrorBytesMax));
    return out.take();
}

namespace {

// What reading a disk may fail with. Others mean something to those who ask us: a login, a key.
ErrorCode failure_code_from(const std::string& name) {
    const ErrorCode code = error_code_from(name);
    for (const ErrorCode known :
         {ErrorCode::invalid, ErrorCode::not_found, ErrorCode::unsupported, ErrorCode::conflict,
          ErrorCode::corrupt, ErrorCode::limit, ErrorCode::io, ErrorCode::internal}) {
        if (code == known) return code;
    }
    refuse("an error of another kind");
}

}  // namespace

Error decode_error(ByteView body) {
    return decode_body(body, [](BodyReader& in) {
        const std::string code = in.text(kWordBytesMax);
        const std::string message = in.text(kErrorBytesMax);
        return Error{failure_code_from(code), message, in.text(kErrorBytesMax)};
    });
}

}  // namespace entrepot::guest

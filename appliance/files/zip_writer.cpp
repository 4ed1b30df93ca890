// APPNOTE 6.3.10. Each file is deflated, since only then does a reader that cannot seek find its
// end; sizes and checksum follow the content. Names are UTF-8, large files and archives zip64.
#include "appliance/files/archive_writer.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

namespace entrepot::files {
namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kDescriptorSignature = 0x08074b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::uint16_t kVersionPlain = 20;
constexpr std::uint16_t kVersion64 = 45;
constexpr std::uint16_t kMadeByUnix = 3 << 8;
constexpr std::uint16_t kFlagDescriptor = 1 << 3;
constexpr std::uint16_t kFlagUtf8 = 1 << 11;
constexpr std::uint16_t kMethodStored = 0;
constexpr std::uint16_t kMethodDeflated = 8;
constexpr std::uint16_t kExtra64 = 0x0001;
constexpr std::uint16_t kExtraTime = 0x5455;  // Info-ZIP: seconds since 1970, signed 32 bits.
constexpr std::uint32_t kModeFile = 0100644U << 16;
constexpr std::uint32_t kModeFolder = (040755U << 16) | 0x10;
constexpr std::uint32_t kFull32 = 0xFFFFFFFF;
constexpr std::uint16_t kFull16 = 0xFFFF;
constexpr std::size_t kEnd64RestBytes = 44;
// What deflating may add to content that does not shrink stays below 4 GiB then.
constexpr std::uint64_t kPlainSizeMax = 0xF0000000;
constexpr std::size_t kDirectoryBytesMax = 64 * kMiB;
constexpr std::size_t kNameBytesMax = 0xFFFF;
constexpr std::size_t kBufferBytes = 128 * kKiB;
/// Of the first piece: content that does not shrink is not worth the time.
constexpr std::size_t kTasteBytes = 64 * kKiB;
constexpr int kLevelFast = 1;
constexpr int kLevelNone = 0;
constexpr int kWindowBitsRaw = -15;
constexpr int kMemoryLevel = 8;

struct DosTime {
    std::uint16_t time = 0;
    std::uint16_t date = 0;
};

// Years 1980 to 2107, two seconds, of no zone: UTC here.
DosTime dos_time(const std::optional<WallTime>& time) {
    constexpr DosTime kFirst{0, (1 << 5) | 1};
    if (!time) return kFirst;
    const auto day = std::chrono::floor<std::chrono::days>(*time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(*time - day)};
    const int year = static_cast<int>(date.year()) - 1980;
    if (year < 0 || year > 127) return kFirst;
    const auto hours = static_cast<unsigned>(clock.hours().count());
    const auto minutes = static_cast<unsigned>(clock.minutes().count());
    const auto seconds = static_cast<unsigned>(clock.seconds().count());
    return {static_cast<std::uint16_t>(hours << 11U | minutes << 5U | seconds / 2),
            static_cast<std::uint16_t>(static_cast<unsigned>(year) << 9U |
                                       static_cast<unsigned>(date.month()) << 5U |
                                       static_cast<unsigned>(date.day()))};
}

Bytes time_field(const std::optional<WallTime>& time) {
    if (!time) return {};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
    if (seconds < std::numeric_limits<std::int32_t>::min() ||
        seconds > std::numeric_limits<std::int32_t>::max()) {
        return {};
    }
    LittleEndianWriter out;
    out.u16(kExtraTime).u16(5).u8(1);
    return out.u32(static_cast<std::uint32_t>(static_cast<std::int32_t>(seconds))).take();
}

std::uint32_t clipped(std::uint64_t value) {
    return value >= kFull32 ? kFull32 : static_cast<std::uint32_t>(value);
}

struct Running {
    std::string name;
    std::optional<WallTime> modified;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t packed_size = 0;
    std::uint32_t checksum = 0;
    std::uint16_t method = kMethodStored;
    bool is_large = false;
    bool is_folder = false;
};

/// zlib's raw deflate, piece by piece.
class Deflater {
public:
    explicit Deflater(int level) {
        const int result = deflateInit2(&stream_, level, Z_DEFLATED, kWindowBitsRaw, kMemoryLevel,
                                        Z_DEFAULT_STRATEGY);
        if (result != Z_OK) throw Error{ErrorCode::internal, "deflate cannot begin"};
    }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
    ~Deflater() { deflateEnd(&stream_); }

    template <typename Take>
    void pack(ByteView content, int flush, const Take& take) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(content.data()));
        stream_.avail_in = static_cast<uInt>(content.size());
        do {
            stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
            stream_.avail_out = static_cast<uInt>(buffer_.size());
            const int result = deflate(&stream_, flush);
            ENTREPOT_CHECK(result != Z_STREAM_ERROR);
            take(ByteView{buffer_}.first(buffer_.size() - stream_.avail_out));
        } while (stream_.avail_out == 0);
    }

private:
    z_stream stream_{};
    Bytes buffer_ = Bytes(kBufferBytes);
};

int level_for(ByteView beginning) {
    const ByteView taste = beginning.first(std::min(beginning.size(), kTasteBytes));
    std::size_t packed = 0;
    Deflater{kLevelFast}.pack(taste, Z_FINISH, [&](ByteView piece) { packed += piece.size(); });
    return packed < taste.size() - taste.size() / 16 ? kLevelFast : kLevelNone;
}

class ZipWriter final : public ArchiveWriter {
public:
    explicit ZipWriter(ArchiveSink sink) : sink_(std::move(sink)) {}

    bool is_full() const override { return directory_.size() >= kDirectoryBytesMax; }

    void add_folder(const ArchiveEntry& entry) override {
        begin(entry);
        running_.name += '/';
        running_.is_folder = true;
        write_local_head();
        keep();
    }

    // Windows makes a file of the target's text out of one, or nothing at all.
    bool takes_links() const override { return false; }
    void add_link(const ArchiveEntry&) override {
        throw Error{ErrorCode::internal, "a zip takes no links"};
    }

    void begin_file(const ArchiveEntry& entry) override {
        begin(entry);
        running_.method = kMethodDeflated;
        running_.is_large = entry.size_bytes > kPlainSizeMax;
        rest_ = entry.size_bytes;
        deflater_.reset();
        write_local_head();
    }

    void append(ByteView content) override {
        ENTREPOT_CHECK(content.size() <= rest_ && content.size() <= kFull32);
        rest_ -= content.size();
        if (content.empty()) return;
        if (!deflater_) deflater_ = std::make_unique<Deflater>(level_for(content));
        pack(content, Z_NO_FLUSH);
        running_.size += content.size();
        running_.checksum = static_cast<std::uint32_t>(::crc32_z(
            running_.checksum, reinterpret_cast<const Bytef*>(content.data()), content.size()));
    }

    void end_file() override {
        ENTREPOT_CHECK(rest_ == 0);
        end_content();
    }

    // Whoever unpacks it is told that its checksum is wrong.
    void break_file() override {
        running_.checksum = ~running_.checksum;
        end_content();
    }

    void finish() override {
        const std::uint64_t offset = written_;
        write(directory_.data());
        const std::uint64_t size = written_ - offset;
        LittleEndianWriter out;
        if (count_ >= kFull16 || offset >= kFull32 || size >= kFull32) put_end64(out, offset, size);
        const auto count = static_cast<std::uint16_t>(std::min<std::uint64_t>(count_, kFull16));
        out.u32(kEndSignature).u16(0).u16(0).u16(count).u16(count);
        out.u32(clipped(size)).u32(clipped(offset)).u16(0);
        write(out.data());
    }

private:
    void write(ByteView bytes) {
        sink_(bytes);
        written_ += bytes.size();
    }

    void begin(const ArchiveEntry& entry) {
        ENTREPOT_CHECK(entry.name.size() < kNameBytesMax);
        running_ = {};
        running_.name = entry.name;
        running_.modified = entry.modified;
        running_.offset = written_;
        rest_ = 0;
    }

    std::uint16_t version() const { return running_.is_large ? kVersion64 : kVersionPlain; }
    std::uint16_t flags() const {
        return static_cast<std::uint16_t>(kFlagUtf8 | (running_.is_folder ? 0 : kFlagDescriptor));
    }

    void write_local_head() {
        const DosTime time = dos_time(running_.modified);
        LittleEndianWriter extra;
        if (running_.is_large) extra.u16(kExtra64).u16(16).u64(0).u64(0);
        extra.bytes(time_field(running_.modified));
        const std::uint32_t unknown = running_.is_large ? kFull32 : 0;
        LittleEndianWriter out;
        out.u32(kLocalSignature).u16(version()).u16(flags()).u16(running_.method);
        out.u16(time.time).u16(time.date).u32(0).u32(unknown).u32(unknown);
        out.u16(static_cast<std::uint16_t>(running_.name.size()));
        out.u16(static_cast<std::uint16_t>(extra.size()));
        out.bytes(as_bytes(running_.name)).bytes(extra.data());
        write(out.data());
    }

    void pack(ByteView content, int flush) {
        deflater_->pack(content, flush, [&](ByteView piece) {
            running_.packed_size += piece.size();
            if (!piece.empty()) write(piece);
        });
    }

    void end_content() {
        if (!deflater_) deflater_ = std::make_unique<Deflater>(kLevelNone);
        pack({}, Z_FINISH);
        deflater_.reset();
        LittleEndianWriter out;
        out.u32(kDescriptorSignature).u32(running_.checksum);
        if (running_.is_large) {
            out.u64(running_.packed_size).u64(running_.size);
        } else {
            out.u32(clipped(running_.packed_size)).u32(clipped(running_.size));
        }
        write(out.data());
        keep();
    }

    // Into the table of contents.
    void keep() {
        LittleEndianWriter large;
        for (const std::uint64_t value : {running_.size, running_.packed_size, running_.offset})
            if (value >= kFull32) large.u64(value);
        LittleEndianWriter extra;
        if (large.size() > 0) {
            extra.u16(kExtra64).u16(static_cast<std::uint16_t>(large.size())).bytes(large.data());
        }
        extra.bytes(time_field(running_.modified));
        const DosTime time = dos_time(running_.modified);
        const std::uint16_t needed = large.size() > 0 ? kVersion64 : version();
        directory_.u32(kCentralSignature).u16(kMadeByUnix | kVersion64).u16(needed);
        directory_.u16(flags()).u16(running_.method).u16(time.time).u16(time.date);
        directory_.u32(running_.checksum).u32(clipped(running_.packed_size));
        directory_.u32(clipped(running_.size));
        directory_.u16(static_cast<std::uint16_t>(running_.name.size()));
        directory_.u16(static_cast<std::uint16_t>(extra.size()));
        directory_.u16(0).u16(0).u16(0).u32(running_.is_folder ? kModeFolder : kModeFile);
        directory_.u32(clipped(running_.offset));
        directory_.bytes(as_bytes(running_.name)).bytes(extra.data());
        ++count_;
    }

    void put_end64(LittleEndianWriter& out, std::uint64_t offset, std::uint64_t size) const {
        const std::uint64_t end = written_;
        out.u32(kEnd64Signature).u64(kEnd64RestBytes).u16(kMadeByUnix | kVersion64).u16(kVersion64);
        out.u32(0).u32(0).u64(count_).u64(count_).u64(size).u64(offset);
        out.u32(kLocator64Signature).u32(0).u64(end).u32(1);
    }

    ArchiveSink sink_;
    std::uint64_t written_ = 0;
    std::uint64_t rest_ = 0;
    std::uint64_t count_ = 0;
    Running running_;
    std::unique_ptr<Deflater> deflater_;
    LittleEndianWriter directory_;
};

}  // namespace

std::unique_ptr<ArchiveWriter> make_zip_writer(ArchiveSink sink) {
    return std::make_unique<ZipWriter>(std::move(sink));
}

}  // namespace entrepot::files

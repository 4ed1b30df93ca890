// POSIX.1-2001 "pax": ustar headers, and before those that need it a header of records with the
// whole name, target, size and time. Names are always UTF-8.
#include "appliance/files/archive_writer.h"

#include "base/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace entrepot::files {
namespace {

constexpr std::size_t kBlockBytes = 512;
// GNU tar warns of an end that is no multiple of its record.
constexpr std::size_t kRecordBytes = 20 * kBlockBytes;
constexpr std::size_t kNameBytes = 100;
// Eleven octal digits.
constexpr std::int64_t kOctalMax = 077777777777;
constexpr std::string_view kFiller =
    "\nENTREPOT: from here on this file could not be read. See ENTREPOT-NOT-RESTORED.txt.\n";

using Block = std::array<char, kBlockBytes>;

// POSIX.1-2017, pax, "ustar Interchange Format".
constexpr std::size_t kModeAt = 100;
constexpr std::size_t kUserAt = 108;
constexpr std::size_t kGroupAt = 116;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kTimeAt = 136;
constexpr std::size_t kSumAt = 148;
constexpr std::size_t kTypeAt = 156;
constexpr std::size_t kLinkAt = 157;
constexpr std::size_t kMagicAt = 257;
constexpr std::string_view kMagic{"ustar\00000", 8};

void put(Block& block, std::size_t offset, std::string_view text) {
    std::memcpy(block.data() + offset, text.data(), text.size());
}

void put_octal(Block& block, std::size_t offset, int digits, std::uint64_t value) {
    put(block, offset, fmt::format("{:0{}o}", value, digits));
}

// What does not fit stands in the records before.
std::uint64_t clipped(std::int64_t value) {
    return value < 0 || value > kOctalMax ? 0 : static_cast<std::uint64_t>(value);
}

std::int64_t seconds_of(const std::optional<WallTime>& time) {
    if (!time) return 0;
    return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
}

unsigned mode_of(char type) {
    if (type == '2') return 0777;
    return type == '5' ? 0755 : 0644;
}

Block make_header(const ArchiveEntry& entry, char type, std::uint64_t size) {
    Block block{};
    put(block, 0, std::string_view{entry.name}.substr(0, kNameBytes));
    put_octal(block, kModeAt, 7, mode_of(type));
    put_octal(block, kUserAt, 7, 0);
    put_octal(block, kGroupAt, 7, 0);
    put_octal(block, kSizeAt, 11, clipped(static_cast<std::int64_t>(size)));
    put_octal(block, kTimeAt, 11, clipped(seconds_of(entry.modified)));
    block[kTypeAt] = type;
    put(block, kLinkAt, std::string_view{entry.link_target}.substr(0, kNameBytes));
    put(block, kMagicAt, kMagic);
    put(block, kSumAt, "        ");
    std::uint64_t sum = 0;
    for (const char c : block)
        sum += static_cast<unsigned char>(c);
    put(block, kSumAt, fmt::format("{:06o}", sum));
    block[kSumAt + 6] = '\0';
    return block;
}

// "27 path=folder/file\n": the number counts the whole record, itself included.
std::string make_record(std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest;
    while (length != rest + std::to_string(length).size())
        length = rest + std::to_string(length).size();
    return fmt::format("{} {}={}\n", length, key, value);
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string records_of(const ArchiveEntry& entry, std::uint64_t size) {
    std::string records;
    if (entry.name.size() > kNameBytes || !is_ascii(entry.name)) {
        records += make_record("path", entry.name);
    }
    if (entry.link_target.size() > kNameBytes || !is_ascii(entry.link_target)) {
        records += make_record("linkpath", entry.link_target);
    }
    if (static_cast<std::int64_t>(size) > kOctalMax) {
        records += make_record("size", std::to_string(size));
    }
    const std::int64_t seconds = seconds_of(entry.modified);
    if (seconds < 0 || seconds > kOctalMax) {
        records += make_record("mtime", std::to_string(seconds));
    }
    return records;
}

class TarWriter final : public ArchiveWriter {
public:
    explicit TarWriter(ArchiveSink sink) : sink_(std::move(sink)) {}

    bool is_full() const override { return false; }

    void add_folder(const ArchiveEntry& entry) override {
        ArchiveEntry folder = entry;
        folder.name += '/';
        write_head(folder, '5', 0);
    }

    bool takes_links() const override { return true; }
    void add_link(const ArchiveEntry& entry) override { write_head(entry, '2', 0); }

    void begin_file(const ArchiveEntry& entry) override {
        write_head(entry, '0', entry.size_bytes);
        rest_ = entry.size_bytes;
        padding_ = padding_of(rest_);
    }

    void append(ByteView content) override {
        ENTREPOT_CHECK(content.size() <= rest_);
        write(content);
        rest_ -= content.size();
    }

    void end_file() override {
        ENTREPOT_CHECK(rest_ == 0);
        write_zeros(padding_);
    }

    // The size is said already, so something has to stand there.
    void break_file() override {
        while (rest_ > 0) {
            const auto length = std::min<std::uint64_t>(rest_, kFiller.size());
            append(as_bytes(kFiller.substr(0, static_cast<std::size_t>(length))));
        }
        end_file();
    }

    void finish() override {
        write_zeros(2 * kBlockBytes);
        write_zeros((kRecordBytes - written_ % kRecordBytes) % kRecordBytes);
    }

private:
    static std::size_t padding_of(std::uint64_t size) {
        return static_cast<std::size_t>((kBlockBytes - size % kBlockBytes) % kBlockBytes);
    }

    void write(ByteView bytes) {
        sink_(bytes);
        written_ += bytes.size();
    }

    void write_zeros(std::size_t count) {
        const Bytes zeros(count);
        write(zeros);
    }

    void write_head(const ArchiveEntry& entry, char type, std::uint64_t size) {
        const std::string records = records_of(entry, size);
        if (!records.empty()) {
            const Block head = make_header({"PaxHeaders/entry", {}, 0}, 'x', records.size());
            write(as_bytes({head.data(), head.size()}));
            write(as_bytes(records));
            write_zeros(padding_of(records.size()));
        }
        const Block head = make_header(entry, type, size);
        write(as_bytes({head.data(), head.size()}));
    }

    ArchiveSink sink_;
    std::uint64_t written_ = 0;
    std::uint64_t rest_ = 0;
    std::size_t padding_ = 0;
};

}  // namespace

std::unique_ptr<ArchiveWriter> make_tar_writer(ArchiveSink sink) {
    return std::make_unique<TarWriter>(std::move(sink));
}

}  // namespace entrepot::files

// mkfs.ext4 -d, mkfs.xfs -p, mtools, ntfscp; what no tool writes is put into the bytes.
#include "tests/support/guest_images.h"

#include "base/little_endian.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

namespace entrepot::test {
namespace fs = std::filesystem;

void shell(const std::string& command) {
    const int status = std::system(("{ " + command + "; } >/dev/null 2>&1").c_str());
    if (status != 0) throw std::runtime_error{"failed: " + command};
}

std::string shell_quoted(const fs::path& path) {
    std::string text = "'";
    for (const char c : path.string())
        text += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return text + "'";
}

Bytes read_whole(const fs::path& path) {
    std::ifstream stream{path, std::ios::binary};
    if (!stream) throw std::runtime_error{"cannot read " + path.string()};
    const std::string text{std::istreambuf_iterator<char>{stream}, {}};
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

void write_whole(const fs::path& path, ByteView content) {
    std::ofstream stream{path, std::ios::binary};
    stream << as_text(content) << std::flush;
    if (!stream) throw std::runtime_error{"cannot write " + path.string()};
}

Bytes random_bytes(std::size_t count, std::uint32_t seed) {
    std::mt19937 engine{seed};
    Bytes bytes(count);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(engine()); });
    return bytes;
}

FileTree make_tree() {
    FileTree tree;
    tree["readme.txt"] = random_bytes(1234, 1);
    tree["empty"] = {};
    tree["large.bin"] = random_bytes(5'000'001, 2);
    tree["Документы/Отчёт за год.txt"] = random_bytes(70'000, 3);
    tree["文書/報告書.txt"] = random_bytes(4096, 4);
    tree["emoji 🗄️/päckchen – «ü».dat"] = random_bytes(65'536, 5);
    tree["a/b/c/d/deep"] = random_bytes(10, 6);
    tree["-leading dash"] = random_bytes(11, 7);
    tree["=cmd,with commas"] = random_bytes(12, 8);
    tree[std::string(200, 'x')] = random_bytes(13, 9);
    return tree;
}

void write_tree(const FileTree& tree, const fs::path& folder) {
    for (const auto& [path, content] : tree) {
        fs::create_directories((folder / path).parent_path());
        write_whole(folder / path, content);
    }
}

void make_ext(const fs::path& image, const fs::path& folder, std::uint64_t size_bytes,
              const std::string& options) {
    shell("truncate -s " + std::to_string(size_bytes) + " " + shell_quoted(image));
    shell("mke2fs -q -F -L GUEST -d " + shell_quoted(folder) + " " + options + " " +
          shell_quoted(image));
}

void make_fat(const fs::path& image, const fs::path& folder, std::uint64_t size_bytes, int bits) {
    shell("truncate -s " + std::to_string(size_bytes) + " " + shell_quoted(image));
    shell("mkfs.vfat -n GUEST -F " + std::to_string(bits) + " " + shell_quoted(image));
    for (const auto& entry : fs::directory_iterator{folder}) {
        // The "./" keeps a name that begins with a dash from being an option.
        shell("cd " + shell_quoted(folder) + " && LC_ALL=C.UTF-8 mcopy -s -i " +
              shell_quoted(image) + " " + shell_quoted("./" + entry.path().filename().string()) +
              " ::/");
    }
}

namespace {

// The language of mkfs.xfs -p for what lies below a folder.
std::string prototype_of(const FileTree& tree, const std::string& below, const fs::path& source) {
    std::string text;
    std::string last;
    for (const auto& [path, content] : tree) {
        if (!path.starts_with(below) || path.find(' ') != std::string::npos) continue;
        const std::string rest = path.substr(below.size());
        const std::string name = rest.substr(0, rest.find('/'));
        if (name == last) continue;
        last = name;
        if (name == rest) {
            text += name + " ---644 0 0 " + (source / path).string() + "\n";
        } else {
            text += name + " d--755 0 0\n" + prototype_of(tree, below + name + "/", source) + "$\n";
        }
    }
    return text;
}

}  // namespace

void make_xfs(const fs::path& image, const FileTree& tree, std::uint64_t size_bytes,
              const std::string& options, const std::string& more) {
    const fs::path source = image.string() + ".source";
    const fs::path prototype = image.string() + ".prototype";
    fs::create_directory(source);
    write_tree(tree, source);
    const std::string text =
        "/dev/null\n0 0\nd--755 0 0\n" + prototype_of(tree, "", source) + more + "$\n";
    write_whole(prototype, as_bytes(text));
    shell("truncate -s " + std::to_string(size_bytes) + " " + shell_quoted(image));
    // What its own tests set: else it makes none below 300 MB.
    shell("TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1 mkfs.xfs -q -L GUEST " + options + " -p " +
          shell_quoted(prototype) + " " + shell_quoted(image));
    fs::remove_all(source);
    fs::remove(prototype);
}

void make_ntfs(const fs::path& image, const FileTree& tree, std::uint64_t size_bytes,
               const std::string& options) {
    shell("truncate -s " + std::to_string(size_bytes) + " " + shell_quoted(image));
    shell("mkntfs -F -Q -q -L 'GÄST' " + options + " " + shell_quoted(image));
    const fs::path source = image.string() + ".source";
    for (const auto& [path, content] : tree) {
        write_whole(source, content);
        shell("LC_ALL=C.UTF-8 ntfscp " + shell_quoted(image) + " " + shell_quoted(source) + " " +
              shell_quoted(path));
    }
    fs::remove(source);
}

namespace {

constexpr std::size_t kRecordBytes = 1024;
constexpr std::size_t kSectorBytes = 512;
constexpr std::uint32_t kFileName = 0x30;
constexpr std::uint32_t kReparsePoint = 0xC0;
constexpr std::uint32_t kEnd = 0xFFFFFFFF;

std::uint16_t load_u16(ByteView bytes, std::size_t offset) {
    return LittleEndianReader{bytes.subspan(offset)}.u16();
}

void store_u16(MutableByteView bytes, std::size_t offset, std::size_t value) {
    bytes[offset] = static_cast<std::byte>(value & 0xFF);
    bytes[offset + 1] = static_cast<std::byte>(value >> 8U);
}

// The last two bytes of each sector stand in the update sequence while a record is on disk.
void exchange_fixups(MutableByteView record, bool to_disk) {
    const std::size_t sequence = load_u16(record, 4);
    for (std::size_t i = 0; i < kRecordBytes / kSectorBytes; ++i) {
        const std::size_t tail = (i + 1) * kSectorBytes - 2;
        const std::size_t kept = sequence + 2 * (i + 1);
        if (to_disk) {
            store_u16(record, kept, load_u16(record, tail));
            store_u16(record, tail, load_u16(record, sequence));
        } else {
            store_u16(record, tail, load_u16(record, kept));
        }
    }
}

// Where the attribute is that stands first of those with at least this type.
std::size_t find_attribute(ByteView record, std::uint32_t type) {
    std::size_t offset = load_u16(record, 20);
    while (offset + 8 <= kRecordBytes && load_u32(record, offset) < type &&
           load_u32(record, offset) != kEnd)
        offset += load_u32(record, offset + 4);
    return offset;
}

bool is_named(ByteView record, const std::string& name) {
    const std::size_t offset = find_attribute(record, kFileName);
    if (load_u32(record, offset) != kFileName) return false;
    const std::size_t content = offset + load_u16(record, offset + 20);
    const auto length = static_cast<std::size_t>(record[content + 64]);
    if (length != name.size()) return false;
    for (std::size_t i = 0; i < length; ++i) {
        if (load_u16(record, content + 66 + 2 * i) != static_cast<unsigned char>(name[i])) {
            return false;
        }
    }
    return true;
}

void insert_reparse_point(Bytes& record, std::uint32_t tag) {
    LittleEndianWriter attribute;
    attribute.u32(kReparsePoint).u32(40).u8(0).u8(0).u16(0).u16(0).u16(200);
    attribute.u32(16).u16(24).u16(0);                // Resident: 16 bytes of content.
    attribute.u32(tag).u16(8).u16(0).u32(1).u32(0);  // Data of the tag's owner.
    const auto place = static_cast<std::ptrdiff_t>(find_attribute(record, kReparsePoint));
    const Bytes data = attribute.take();
    record.insert(record.begin() + place, data.begin(), data.end());
    record.resize(kRecordBytes);
    store_u32(record, 24, load_u32(record, 24) + static_cast<std::uint32_t>(data.size()));
}

}  // namespace

void change_ntfs_record(const fs::path& ntfs_image, const std::string& name,
                        const std::function<void(Bytes&)>& change) {
    Bytes image = read_whole(ntfs_image);
    for (std::size_t at = 0; at + kRecordBytes <= image.size(); at += kRecordBytes) {
        const MutableByteView view = MutableByteView{image}.subspan(at, kRecordBytes);
        if (as_text(ByteView{view}.first(4)) != "FILE") continue;
        Bytes record{view.begin(), view.end()};
        exchange_fixups(record, false);
        if (!is_named(record, name)) continue;
        change(record);
        exchange_fixups(record, true);
        std::ranges::copy(record, view.begin());
        write_whole(ntfs_image, image);
        return;
    }
    throw std::runtime_error{"no record of " + name};
}

std::size_t find_resident_content(ByteView record, std::uint32_t attribute_type) {
    const std::size_t offset = find_attribute(record, attribute_type);
    if (load_u32(record, offset) != attribute_type || record[offset + 8] != std::byte{0}) {
        throw std::runtime_error{"no such resident attribute"};
    }
    return offset + load_u16(record, offset + 20);
}

void set_reparse_tag(const fs::path& ntfs_image, const std::string& name, std::uint32_t tag) {
    change_ntfs_record(ntfs_image, name, [&](Bytes& record) { insert_reparse_point(record, tag); });
}

FileDisk::FileDisk(const fs::path& path, std::uint32_t sector_size)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
      size_(fs::file_size(path)),
      sector_size_(sector_size) {
    if (descriptor_ < 0) throw std::runtime_error{"cannot open " + path.string()};
}

FileDisk::~FileDisk() {
    ::close(descriptor_);
}

void FileDisk::read(std::uint64_t offset, MutableByteView target) const {
    bytes_read_ += target.size();
    while (!target.empty()) {
        const ssize_t count =
            ::pread(descriptor_, target.data(), target.size(), static_cast<off_t>(offset));
        if (count <= 0) throw std::runtime_error{"the image ends before it should"};
        target = target.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
}

disk::DiskExtent FileDisk::extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    return {offset, std::min(length_max, size_ - offset), disk::ExtentKind::data};
}

}  // namespace entrepot::test

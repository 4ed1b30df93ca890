// libvhdi through its C API; chains are joined by hand, as its documentation asks.
#include "tests/property/known_faults.h"
#include "tests/property/readers.h"

#include <algorithm>
#include <array>
#include <memory>

#ifdef ENTREPOT_HAVE_LIBVHDI
#include <libvhdi.h>
#endif

namespace entrepot::property {

#ifdef ENTREPOT_HAVE_LIBVHDI
namespace {

// No read crosses a block. In a VHD of smaller blocks than 2 MiB libvhdi takes the padding of a
// bitmap for more sectors, so that a read that begins in the last ones goes on to the parent for
// the next block, too.
constexpr std::size_t kPieceBytes = 512 * kKiB;

/// The library's words of what went wrong.
class VhdiError {
public:
    VhdiError() = default;
    VhdiError(const VhdiError&) = delete;
    VhdiError& operator=(const VhdiError&) = delete;
    ~VhdiError() { libvhdi_error_free(&error_); }
    libvhdi_error_t** address() { return &error_; }
    std::string words(const char* call) const {
        std::array<char, 1024> text{};
        if (error_ != nullptr) libvhdi_error_backtrace_sprint(error_, text.data(), text.size());
        return std::string{call} + ": " + text.data();
    }

private:
    libvhdi_error_t* error_ = nullptr;
};

struct VhdiClose {
    void operator()(libvhdi_file_t* file) const {
        libvhdi_file_close(file, nullptr);
        libvhdi_file_free(&file, nullptr);
    }
};
using VhdiFile = std::unique_ptr<libvhdi_file_t, VhdiClose>;

/// Reads with libvhdi and leaves out what it is known to misread.
class VhdiComparison {
public:
    VhdiComparison(libvhdi_file_t* file, const Subject& subject,
                   std::map<std::string, std::uint64_t>& misread)
        : file_(file), model_(subject.model()), faults_(subject), misread_(misread) {}

    Finding read_range(Range range) {
        Bytes buffer(kPieceBytes);
        while (range.length > 0) {
            const std::size_t length =
                std::min<std::uint64_t>(range.length, kPieceBytes - range.offset % kPieceBytes);
            VhdiError error;
            const ssize_t count = libvhdi_file_read_buffer_at_offset(
                file_, buffer.data(), length, static_cast<off64_t>(range.offset), error.address());
            if (count <= 0) return error.words("libvhdi_file_read_buffer_at_offset");
            const auto read = static_cast<std::size_t>(count);
            if (auto finding = compare_part(range.offset, ByteView{buffer}.first(read))) {
                return finding;
            }
            range = {range.offset + read, range.length - read};
        }
        return std::nullopt;
    }

private:
    Finding compare_part(std::uint64_t offset, ByteView part) {
        while (const auto difference = model_.find_difference(offset, part)) {
            const char* reason = faults_.explain(*difference / model_.sector_size());
            if (reason == nullptr) return compare(model_, offset, part);
            ++misread_[reason];
            const std::uint64_t next = *difference + model_.sector_size();
            if (next - offset >= part.size()) break;
            part = part.subspan(next - offset);
            offset = next;
        }
        return std::nullopt;
    }

    libvhdi_file_t* file_;
    const DiskModel& model_;
    LibvhdiFaults faults_;
    std::map<std::string, std::uint64_t>& misread_;
};

}  // namespace

Finding read_with_libvhdi(const Subject& subject, Chance& chance,
                          std::map<std::string, std::uint64_t>& misread) {
    std::vector<VhdiFile> files;  // Children go before their parents.
    const DiskModel& model = subject.model();
    for (const Image& image : subject.images) {
        VhdiError error;
        libvhdi_file_t* opened = nullptr;
        if (libvhdi_file_initialize(&opened, error.address()) != 1) {
            return error.words("libvhdi_file_initialize");
        }
        VhdiFile file{opened};
        if (libvhdi_file_open(file.get(), image.path.c_str(), LIBVHDI_OPEN_READ, error.address()) !=
            1) {
            return error.words("libvhdi_file_open");
        }
        if (!files.empty() &&
            libvhdi_file_set_parent_file(file.get(), files.front().get(), error.address()) != 1) {
            return error.words("libvhdi_file_set_parent_file");
        }
        files.insert(files.begin(), std::move(file));
    }
    size64_t size = 0;
    VhdiError error;
    if (libvhdi_file_get_media_size(files.front().get(), &size, error.address()) != 1) {
        return error.words("libvhdi_file_get_media_size");
    }
    if (size != model.size_bytes()) return std::to_string(size) + " bytes";
    VhdiComparison comparison{files.front().get(), subject, misread};
    if (size <= kWholeReadBytesMax) return comparison.read_range({0, size});
    for (const Range& range : places_of_interest(model, chance)) {
        if (auto finding = comparison.read_range(range)) return finding;
    }
    return std::nullopt;
}

#else

Finding read_with_libvhdi(const Subject&, Chance&, std::map<std::string, std::uint64_t>&) {
    return "this build has no libvhdi";
}

#endif

}  // namespace entrepot::property

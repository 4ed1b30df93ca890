// Temporary name, sync, rename, sync of the directory: in this order and no other.
#include "base/atomic_file.h"

#include "base/error.h"
#include "base/random.h"

#include <utility>

namespace entrepot {
namespace {

std::filesystem::path directory_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
}

std::filesystem::path temporary_name(const std::filesystem::path& target) {
    SystemRandom random;
    std::array<std::byte, 8> suffix{};
    random.fill(suffix);
    return directory_of(target) /
           ("." + target.filename().string() + "." + to_hex(suffix) + ".tmp");
}

}  // namespace

AtomicFile::AtomicFile(FileSystem& file_system, std::filesystem::path target)
    : file_system_(file_system),
      target_(std::move(target)),
      temporary_(temporary_name(target_)),
      file_(file_system_.create(temporary_)) {}

AtomicFile::~AtomicFile() {
    if (is_committed_) return;
    file_.reset();
    try {
        file_system_.remove(temporary_);
    } catch (...) {
        // A leftover temporary file is harmless; a destructor that throws is not.
    }
}

void AtomicFile::append(ByteView data) {
    file_->write(end_, data);
    end_ += data.size();
}

void AtomicFile::commit() {
    file_->sync();
    file_system_.rename(temporary_, target_);
    is_committed_ = true;
    file_system_.sync_directory(directory_of(target_));
}

void write_file_atomically(FileSystem& file_system, const std::filesystem::path& target,
                           ByteView content) {
    AtomicFile file{file_system, target};
    file.append(content);
    file.commit();
}

}  // namespace entrepot

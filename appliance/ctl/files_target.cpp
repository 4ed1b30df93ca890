// Names are checked again here, although the appliance checked them: this is where they become
// paths.
#include "appliance/ctl/files_target.h"

#include "storage/guest_model/name.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace entrepot::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHoleBytes = 64 * kKiB;
/// NAME_MAX of Linux's file systems.
constexpr std::size_t kNameBytesMax = 255;

fs::path child_of(const fs::path& folder, const std::string& name) {
    if (!guest::is_shown_name(name)) {
        throw Error{ErrorCode::invalid, "a name of the guest cannot be one here"};
    }
    if (name.size() > kNameBytesMax) {
        throw Error{ErrorCode::invalid, fmt::format("the name is longer than {} bytes, which this "
                                                    "system does not take",
                                                    kNameBytesMax)};
    }
    return folder / name;
}

std::string random_word(Random& random) {
    std::array<std::byte, 8> bytes{};
    random.fill(bytes);
    return to_hex(bytes);
}

}  // namespace

TargetFile::TargetFile(FileSystem& file_system, Random& random, const fs::path& folder,
                       const std::string& name, Existing existing)
    : file_system_(file_system), existing_(existing), target_(child_of(folder, name)) {
    const auto there = file_system_.find_status(target_);
    if (there && (existing == Existing::keep || there->type == FileType::directory)) {
        throw Error{ErrorCode::already_exists, target_.string() + " exists already",
                    there->type == FileType::directory ? "" : "--overwrite replaces it"};
    }
    temporary_ = folder / fmt::format(".entrepot-{}.partial", random_word(random));
    file_ = file_system_.create(temporary_);
}

TargetFile::~TargetFile() {
    if (is_committed_) return;
    file_.reset();
    try {
        file_system_.remove(temporary_);
    } catch (const Error&) {
        // It stays, under a name that says what it is.
    }
}

void TargetFile::append(ByteView data) {
    while (!data.empty()) {
        const ByteView piece =
            data.first(std::min<std::size_t>(data.size(), kHoleBytes - end_ % kHoleBytes));
        if (!is_zero(piece)) file_->write(end_, piece);
        end_ += piece.size();
        data = data.subspan(piece.size());
    }
}

void TargetFile::commit() {
    file_->truncate(end_);
    file_->sync();
    // Somebody may have made one since we looked.
    if (existing_ == Existing::keep) {
        file_system_.rename_to_new(temporary_, target_);
    } else {
        file_system_.rename(temporary_, target_);
    }
    is_committed_ = true;
    file_system_.sync_directory(target_.parent_path());
}

fs::path ensure_folder(FileSystem& file_system, const fs::path& parent, const std::string& name) {
    const fs::path path = child_of(parent, name);
    const auto there = file_system.find_status(path);
    if (!there) {
        file_system.make_directories(path);
        file_system.sync_directory(parent);
    } else if (there->type != FileType::directory) {
        throw Error{ErrorCode::invalid, path.string() + " is there and is no folder"};
    }
    return path;
}

}  // namespace entrepot::ctl

// A file's first piece is read before its entry begins: most of what cannot be read is found out
// in time to leave the entry away.
#include "appliance/files/guest_archive.h"

#include "appliance/files/archive_link.h"
#include "appliance/files/missing_list.h"
#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

namespace entrepot::files {
namespace {

/// Small entries would be small packets.
constexpr std::size_t kSendBytes = 256 * kKiB;
/// Of a name in a zip, in UTF-8; tar has no bound.
constexpr std::size_t kEntryNameBytesMax = 65'000;
/// Of links that wait for the archive's end.
constexpr std::size_t kLinksBytesMax = 32 * kMiB;

std::unique_ptr<ArchiveWriter> make_writer(ArchiveFormat format, ArchiveSink sink) {
    switch (format) {
        case ArchiveFormat::tar:
            return make_tar_writer(std::move(sink));
        case ArchiveFormat::zip:
            return make_zip_writer(std::move(sink));
    }
    throw Error{ErrorCode::internal, "an archive of no format"};
}

std::string why_without_content(const guest::FileEntry& entry) {
    if (!entry.refusal.empty()) return entry.refusal;
    if (entry.kind == guest::FileKind::link) {
        return fmt::format("it is a link to {}: links are not followed", entry.link_target);
    }
    return entry.kind == guest::FileKind::other ? "it is a device or a pipe: it has no content"
                                                : "";
}

}  // namespace

/// Makes large pieces of small ones.
class GuestArchive::Collector {
public:
    explicit Collector(const ArchiveSink& sink) : sink_(sink) {}
    void add(ByteView piece) {
        waiting_.insert(waiting_.end(), piece.begin(), piece.end());
        if (waiting_.size() >= kSendBytes) flush();
    }
    void flush() {
        if (!waiting_.empty()) sink_(waiting_);
        waiting_.clear();
    }

private:
    const ArchiveSink& sink_;
    Bytes waiting_;
};

/// One archive on its way.
class GuestArchive::Run {
public:
    Run(GuestArchive& archive, const ArchiveSink& sink, const std::stop_token& stop)
        : archive_(archive),
          stop_(stop),
          deadline_(archive.clock_.steady_now() + archive.limits_.time_max),
          out_(sink),
          writer_(make_writer(archive.format_, [this](ByteView piece) { out_.add(piece); })) {}

    ArchiveReport run() {
        const std::string top = archive_top_name(archive_.place_);
        prefix_ = archive_name(top, archive_.format_);
        // In its place there could be a file of the guest.
        if (prefix_ == kNotRestoredName) prefix_ += "-of-the-guest";
        root_length_ = archive_.place_.path == "/" ? 0 : archive_.place_.path.size();
        if (archive_.top_.kind == guest::FileKind::folder) {
            writer_->add_folder({prefix_, archive_.top_.modified, 0});
            add_folder_content();
            write_links();
        } else {
            add_file({archive_.place_.path, archive_.top_, {}});
        }
        if (missing_.count() > 0) add_missing_list();
        writer_->finish();
        out_.flush();
        report_.not_restored_count = missing_.count();
        return report_;
    }

private:
    void throw_if_stopped() const {
        if (stop_.stop_requested()) throw Error{ErrorCode::cancelled, "the archive was stopped"};
    }

    /// Why nothing more is added; nullopt if there is no reason.
    std::optional<std::string> limit_reached() const {
        if (writer_->is_full()) {
            return "a zip takes no more entries: ask for a tar, or for folder by folder";
        }
        if (entry_count_ >= archive_.limits_.entry_count_max) {
            return fmt::format("there are more than {} files: ask for folder by folder",
                               archive_.limits_.entry_count_max);
        }
        if (archive_.clock_.steady_now() >= deadline_) {
            return fmt::format("it takes longer than {} hours: ask for folder by folder",
                               archive_.limits_.time_max.count());
        }
        return std::nullopt;
    }

    FolderWalk start_walk() const {
        const FilePlace& place = archive_.place_;
        if (archive_.chosen_.empty()) return {*archive_.disk_, place.volume, place.path};
        return {*archive_.disk_, place.volume, place.path, archive_.chosen_};
    }

    void add_folder_content() {
        FolderWalk walk = start_walk();
        while (const auto step = walk.next()) {
            throw_if_stopped();
            if (const auto reason = limit_reached()) {
                missing_.add(step->path, "and everything behind it: " + *reason);
                return;
            }
            ++entry_count_;
            add(*step);
        }
    }

    void add(const WalkStep& step) {
        if (!step.failure.empty()) {
            missing_.add(step.path, "the folder cannot be read, or not all of it: " + step.failure);
        } else if (const auto target = link_target(step)) {
            add_link(step, *target);
        } else if (const std::string why = why_missing(step.entry); !why.empty()) {
            missing_.add(step.path, why);
        } else if (const std::string name = entry_name(step.path);
                   name.size() > kEntryNameBytesMax) {
            missing_.add(step.path, "its path is too long for an archive");
        } else if (step.entry.kind == guest::FileKind::folder) {
            writer_->add_folder({name, step.entry.modified, 0});
        } else {
            add_file(step);
        }
    }

    std::string why_missing(const guest::FileEntry& entry) const {
        const bool is_link = entry.kind == guest::FileKind::link && entry.refusal.empty();
        if (!is_link || !writer_->takes_links()) return why_without_content(entry);
        return fmt::format("it is a link to {}, which leads out of the folder, or may",
                           entry.link_target);
    }

    /// Of a link that the archive can have.
    std::optional<std::string> link_target(const WalkStep& step) const {
        if (step.entry.kind != guest::FileKind::link || !step.entry.refusal.empty()) return {};
        if (!writer_->takes_links()) return {};
        const std::string below = step.path.substr(root_length_);
        const auto depth = static_cast<std::size_t>(std::ranges::count(below, '/')) - 1;
        return archive_link_target(step.entry.link_target, depth);
    }

    void add_link(const WalkStep& step, const std::string& target) {
        ArchiveEntry link{entry_name(step.path), step.entry.modified, 0, target};
        const std::size_t bytes = sizeof(link) + link.name.size() + target.size();
        if (link.name.size() > kEntryNameBytesMax) {
            missing_.add(step.path, "its path is too long for an archive");
        } else if (bytes > kLinksBytesMax - links_bytes_) {
            missing_.add(step.path, "there are too many links: ask for folder by folder");
        } else {
            links_bytes_ += bytes;
            links_.push_back(std::move(link));
        }
    }

    // Behind everything else: where two names are one, as in Windows, no file is written through a
    // link that was there before it.
    void write_links() {
        for (const ArchiveEntry& link : links_)
            writer_->add_link(link);
        report_.link_count = links_.size();
    }

    std::string entry_name(const std::string& path) const {
        std::string name = prefix_;
        for (const std::string& part : guest::split_path(path.substr(root_length_)))
            name += "/" + archive_name(part, archive_.format_);
        return name;
    }

    Bytes read(const std::string& path, std::uint64_t offset, std::uint64_t size) {
        throw_if_stopped();
        const auto length = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(guest::limits::kReadBytesMax, size - offset));
        if (length == 0) return {};
        return archive_.disk_->read(archive_.place_.volume, path, {}, {offset, length});
    }

    void add_file(const WalkStep& step) {
        const std::uint64_t size = step.entry.size_bytes;
        if (size > archive_.limits_.content_bytes_max - report_.content_bytes) {
            missing_.add(step.path, "the archive would get too large: get the file by itself");
            return;
        }
        Bytes piece;
        try {
            piece = read(step.path, 0, size);
        } catch (const Error& error) {
            if (!is_of_one_file(error)) throw;
            missing_.add(step.path, error.what());
            return;
        }
        writer_->begin_file({entry_name(step.path), step.entry.modified, size});
        if (add_content(step, std::move(piece))) ++report_.file_count;
    }

    bool add_content(const WalkStep& step, Bytes piece) {
        const std::uint64_t size = step.entry.size_bytes;
        std::uint64_t done = 0;
        while (!piece.empty()) {
            writer_->append(piece);
            done += piece.size();
            report_.content_bytes += piece.size();
            try {
                piece = read(step.path, done, size);
            } catch (const Error& error) {
                if (!is_of_one_file(error)) throw;
                missing_.add(step.path, fmt::format("only its first {} bytes are here: {}", done,
                                                    error.what()));
                writer_->break_file();
                return false;
            }
        }
        writer_->end_file();
        return true;
    }

    void add_missing_list() {
        const std::string text = missing_.text();
        writer_->begin_file(
            {std::string{kNotRestoredName}, archive_.clock_.wall_now(), text.size()});
        writer_->append(as_bytes(text));
        writer_->end_file();
    }

    GuestArchive& archive_;
    std::stop_token stop_;
    SteadyTime deadline_;
    Collector out_;
    std::unique_ptr<ArchiveWriter> writer_;
    std::string prefix_;
    std::size_t root_length_ = 0;
    std::uint64_t entry_count_ = 0;
    std::vector<ArchiveEntry> links_;
    std::size_t links_bytes_ = 0;
    MissingList missing_;
    ArchiveReport report_;
};

std::string archive_top_name(const FilePlace& place) {
    const auto parts = guest::split_path(place.path);
    if (!parts.empty()) return parts.back();
    return fmt::format("disk{}-partition{}", place.disk.disk, place.volume);
}

std::vector<std::string> archive_names_from(std::string_view list) {
    std::vector<std::string> names;
    std::set<std::string, std::less<>> seen;
    while (!list.empty()) {
        const std::string_view name = list.substr(0, list.find('/'));
        list.remove_prefix(std::min(list.size(), name.size() + 1));
        if (!guest::is_shown_name(name)) {
            throw Error{ErrorCode::invalid,
                        "what was chosen for an archive has a part that is no "
                        "name of a file"};
        }
        if (!seen.emplace(name).second) {
            throw Error{ErrorCode::invalid, fmt::format("\"{}\" was chosen twice", name)};
        }
        if (seen.size() > kArchiveNamesMax) {
            throw Error{ErrorCode::invalid,
                        fmt::format("more than {} names were chosen", kArchiveNamesMax),
                        "Ask for the whole folder, or for some of it at a time."};
        }
        names.emplace_back(name);
    }
    return names;
}

GuestArchive::GuestArchive(Clock& clock, std::unique_ptr<DiskFiles> disk, const ArchiveWish& wish,
                           const ArchiveLimits& limits)
    : clock_(clock),
      disk_(std::move(disk)),
      place_(wish.place),
      format_(wish.format),
      limits_(limits) {
    top_ = disk_->status(place_.volume, place_.path).entry;
    if (!wish.names.empty()) {
        choose(wish.names);
    } else if (top_.kind == guest::FileKind::folder) {
        static_cast<void>(disk_->list(place_.volume, place_.path, {{}, 1}));
    } else if (const std::string why = why_without_content(top_); !why.empty()) {
        throw Error{ErrorCode::unsupported, fmt::format("{}: {}", place_.path, why)};
    }
}

GuestArchive::~GuestArchive() = default;

// Whoever chose a name that is not there would miss it only after all has been sent.
void GuestArchive::choose(const std::vector<std::string>& names) {
    if (top_.kind != guest::FileKind::folder) {
        throw Error{ErrorCode::invalid,
                    fmt::format("{} is no folder: nothing can be chosen in it", place_.path)};
    }
    const std::string folder = place_.path == "/" ? "" : place_.path;
    for (const std::string& name : names) {
        guest::FileEntry entry = disk_->status(place_.volume, folder + "/" + name).entry;
        entry.name = name;
        chosen_.push_back(std::move(entry));
    }
}

ArchiveReport GuestArchive::write(const ArchiveSink& sink, const std::stop_token& stop) {
    return Run{*this, sink, stop}.run();
}

}  // namespace entrepot::files
